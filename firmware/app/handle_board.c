/* Who the board is, sessions, counters, objects.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/handlers.h"

#include <string.h>

#include "app/firmware.h"

fx_status handle_identify(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    fw_identify_answer answer = {
        .protocol_hash = FW_PROTOCOL_HASH,
        .serial = hal_serial_number(board->hal),
        .firmware_major = FIRMWARE_MAJOR,
        .firmware_minor = FIRMWARE_MINOR,
        .rows = FW_ROWS,
        .columns = FW_COLUMNS,
        .max_payload = FW_MAX_PAYLOAD,
        .window = FW_WINDOW,
        .reset_reason = (uint8_t)hal_how_started(board->hal)->reset,
        .boot_session = board->link.session,
        .program_capacity = OBJECTS_PROGRAM_CAPACITY,
        .working_capacity = INFERENCE_WORKING_CAPACITY,
        .row_millivolts = FW_LIMIT_ROW_MILLIVOLTS,
        .gate_millivolts = FW_LIMIT_GATE_MILLIVOLTS,
        .pulses_per_cell = FW_LIMIT_PULSES_PER_CELL,
        .pulse_microseconds = FW_LIMIT_PULSE_MICROSECONDS,
        .pulse_nanojoules = FW_LIMIT_PULSE_NANOJOULES,
        .silence_milliseconds = FW_LIMIT_SILENCE_MILLISECONDS,
        .boot_id = hal_how_started(board->hal)->boot_id,
    };
    fw_pack_identify_answer(&answer, reply->payload);
    reply->size = FW_IDENTIFY_ANSWER_SIZE;
    for (size_t i = 0; i < FIRMWARE_LONGEST_NAME && board->name[i] != '\0'; i++) {
        reply->payload[reply->size++] = (uint8_t)board->name[i];
    }
    return FX_OK;
}

/* What a new session has to name, so that no request from before a reset opens one. */
static uint32_t in_force(const firmware *board) {
    return board->link.session != 0 ? board->link.session : hal_how_started(board->hal)->boot_id;
}

fx_status handle_open_session(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_open_session_request request;
    fw_unpack_open_session_request(&request, payload);
    if (request.session == 0) {
        return FX_ERROR_ARGUMENT;
    }
    if (request.session != board->link.session && request.replaces != in_force(board)) {
        return FX_ERROR_STALE_SESSION;
    }
    if (request.session != board->link.session) {
        piece_cut(board, FX_ERROR_STALE_SESSION);
    }
    fw_open_session_answer answer = {.next_request = link_open_session(&board->link, request.session)};
    fw_pack_open_session_answer(&answer, reply->payload);
    reply->size = FW_OPEN_SESSION_ANSWER_SIZE;
    return FX_OK;
}

fx_status handle_keep_alive(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    fw_keep_alive_answer answer = {.uptime_ms = uptime_milliseconds(&board->uptime)};
    fw_pack_keep_alive_answer(&answer, reply->payload);
    reply->size = FW_KEEP_ALIVE_ANSWER_SIZE;
    return FX_OK;
}

fx_status handle_snapshot(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    const front_end *front = &board->front_end;
    fw_snapshot_answer answer = {
        .uptime_ms = uptime_milliseconds(&board->uptime),
        .frames = board->link.frames,
        .bad_frames = board->link.bad_frames,
        .replays = board->link.replays,
        .pulses = front->pulses,
        .conversions = front->conversions,
        .dac_echo_errors = front->dac_echo_errors,
        .adc_crc_errors = front_end_adc_crc_errors(front),
        .adc_clipped = front->adc_clipped,
        .idles = board->safety.idles,
        .safe_idle = board->safety.idle,
        .campaign_state = board->campaign.state,
        .program_crc = objects_crc(&board->objects.program),
        .target_crc = objects_crc(&board->objects.target),
    };
    fw_pack_snapshot_answer(&answer, reply->payload);
    reply->size = FW_SNAPSHOT_ANSWER_SIZE;
    return FX_OK;
}

fx_status handle_start_report(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    const hal_start *start = hal_how_started(board->hal);
    fw_start_report_answer answer = {
        .clock = (uint8_t)start->clock,
        .clock_hertz = start->clock_hertz,
        .start_chip = board->start_chip,
        .start_status = (uint16_t)board->start_status,
        .faults = start->fault.count,
        .fault_exception = start->fault.exception,
        .fault_pc = start->fault.pc,
        .fault_lr = start->fault.lr,
        .fault_status = start->fault.status,
        .fault_address = start->fault.address,
    };
    fw_pack_start_report_answer(&answer, reply->payload);
    reply->size = FW_START_REPORT_ANSWER_SIZE;
    return FX_OK;
}

fx_status handle_object_begin(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_object_begin_request request;
    fw_object_begin_answer answer = {0};
    fw_unpack_object_begin_request(&request, payload);
    fx_status status = objects_begin(board, &request, &answer.offset, &reply->detail);
    fw_pack_object_begin_answer(&answer, reply->payload);
    reply->size = FW_OBJECT_BEGIN_ANSWER_SIZE;
    return status;
}

fx_status handle_object_write(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_object_write_request request;
    fw_object_write_answer answer = {0};
    fw_unpack_object_write_request(&request, payload);
    fx_status status = objects_write(board, &request, payload + FW_OBJECT_WRITE_REQUEST_SIZE,
                                     size - FW_OBJECT_WRITE_REQUEST_SIZE, &answer.offset);
    fw_pack_object_write_answer(&answer, reply->payload);
    reply->size = FW_OBJECT_WRITE_ANSWER_SIZE;
    return status;
}

fx_status handle_object_finish(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_object_finish_request request;
    fw_object_finish_answer answer = {0};
    fw_unpack_object_finish_request(&request, payload);
    fx_status status = objects_finish(board, request.object, &answer.crc, &reply->detail);
    fw_pack_object_finish_answer(&answer, reply->payload);
    reply->size = FW_OBJECT_FINISH_ANSWER_SIZE;
    return status;
}
