/* Readings, multiplications, pulses, runs and their states.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/handlers.h"

#include "app/firmware.h"

enum { LARGEST_ROWS = 7 };

_Static_assert(LARGEST_ROWS * FW_COLUMNS * 2 <= FW_MAX_PAYLOAD, "readings fit a frame");

fx_status take_array(firmware *board) {
    if (board->campaign.state == FW_CAMPAIGN_RUNNING) {
        return FX_ERROR_BUSY;
    }
    board->safety.idle = false;
    board->front_end.failed_chip = FRONT_END_NO_CHIP;
    return FX_OK;
}

fx_status leave_array(firmware *board, fx_status status, link_reply *reply) {
    fx_status rest = front_end_rest(&board->front_end);
    reply->detail = board->front_end.failed_chip;
    return status == FX_OK ? rest : status;
}

void put_codes(link_reply *reply, const int16_t *codes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fw_put_i16(reply->payload + reply->size + 2 * i, codes[i]);
    }
    reply->size += 2 * count;
}

static fx_status read_rows(firmware *board, const fw_read_conductance_request *request, link_reply *reply) {
    fx_status status = FX_OK;
    const front_end_reading how = {request->range, request->log2_reads, 0, FW_COLUMNS};
    for (unsigned i = 0; i < request->rows && status == FX_OK; i++) {
        int16_t rows[FW_ROWS] = {0};
        int16_t columns[FW_COLUMNS];
        rows[request->row + i] = FW_READ_CODE;
        status = front_end_convert(&board->front_end, &how, rows, columns);
        put_codes(reply, columns, FW_COLUMNS);
    }
    return leave_array(board, status, reply);
}

fx_status handle_read_conductance(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_read_conductance_request request;
    fw_unpack_read_conductance_request(&request, payload);
    if (request.range >= FW_RANGE_COUNT) {
        return out_of_range(reply, request.range);
    }
    if (request.row >= FW_ROWS || request.rows > FW_ROWS - request.row) {
        return out_of_range(reply, request.row);
    }
    if (request.rows == 0 || request.rows > LARGEST_ROWS || request.log2_reads > FW_MAX_LOG2_READS) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = take_array(board);
    return status == FX_OK ? read_rows(board, &request, reply) : status;
}

fx_status handle_multiply(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_multiply_request request;
    fw_unpack_multiply_request(&request, payload);
    if (size != FW_MULTIPLY_REQUEST_SIZE + 2 * FW_ROWS) {
        return FX_ERROR_FRAME_LENGTH;
    }
    if (request.range >= FW_RANGE_COUNT) {
        return out_of_range(reply, request.range);
    }
    fx_status status = take_array(board);
    if (status != FX_OK) {
        return status;
    }
    int16_t rows[FW_ROWS];
    int16_t columns[FW_COLUMNS];
    for (unsigned row = 0; row < FW_ROWS; row++) {
        rows[row] = fw_get_i16(payload + FW_MULTIPLY_REQUEST_SIZE + 2 * row);
    }
    const front_end_reading how = {request.range, 0, 0, FW_COLUMNS};
    status = front_end_convert(&board->front_end, &how, rows, columns);
    front_end_count_clipped(&board->front_end, columns, FW_COLUMNS);
    put_codes(reply, columns, FW_COLUMNS);
    return leave_array(board, status, reply);
}

fx_status handle_pulse(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_pulse_request request;
    uint16_t gates[FW_COLUMNS];
    fw_unpack_pulse_request(&request, payload);
    if (size != FW_PULSE_REQUEST_SIZE + sizeof gates) {
        return FX_ERROR_FRAME_LENGTH;
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        gates[column] = fw_get_u16(payload + FW_PULSE_REQUEST_SIZE + 2 * column);
    }
    fx_status status = take_array(board);
    if (status == FX_OK) {
        status = limits_pulse(&board->limits, &board->front_end, request.row, request.millivolts, request.microseconds,
                              gates, &reply->detail);
    }
    fw_pulse_answer answer = {.pulses = board->front_end.pulses};
    fw_pack_pulse_answer(&answer, reply->payload);
    reply->size = FW_PULSE_ANSWER_SIZE;
    return status;
}

fx_status handle_run(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_run_request request;
    fw_unpack_run_request(&request, payload);
    fx_status status = (request.flags & FW_RUN_ON_ARRAY) != 0 ? take_array(board) : FX_OK;
    return status == FX_OK
               ? piece_begin(board, &request, payload + FW_RUN_REQUEST_SIZE, size - FW_RUN_REQUEST_SIZE, reply)
               : status;
}

fx_status handle_put_state(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_put_state_request request;
    fw_unpack_put_state_request(&request, payload);
    reply->detail = (int32_t)request.start;
    return inference_put_state(&board->inference, request.start, payload + FW_PUT_STATE_REQUEST_SIZE,
                               (size - FW_PUT_STATE_REQUEST_SIZE) / 2);
}

fx_status handle_get_state(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_get_state_request request;
    fw_unpack_get_state_request(&request, payload);
    reply->detail = (int32_t)request.start;
    reply->size = 2u * request.length;
    return inference_get_state(&board->inference, request.start, reply->payload, request.length);
}

fx_status handle_safe_idle(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    campaign_end(board, FW_CAMPAIGN_STOPPED, FX_OK);
    return leave_array(board, FX_OK, reply);
}
