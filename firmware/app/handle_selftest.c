/* The self-test: chips, outputs of the DACs, amplifiers.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/firmware.h"
#include "app/handlers.h"
#include "drivers/chips.h"
#include "drivers/selftest.h"

_Static_assert(FW_CHIP_SELECTS *FW_CHIP_RESULT_SIZE <= FW_MAX_PAYLOAD, "selftest fits a frame");

fx_status handle_selftest(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    fx_status status = take_array(board);
    if (status != FX_OK) {
        return status;
    }
    front_end_make_ready(&board->front_end); /* whoever fails is named below */
    for (unsigned chip = 0; chip < FW_CHIP_SELECTS; chip++) {
        fw_chip_result record = selftest_chip(&board->front_end, chip);
        fw_pack_chip_result(&record, reply->payload + reply->size);
        reply->size += FW_CHIP_RESULT_SIZE;
    }
    return FX_OK;
}

fx_status handle_measure_outputs(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_measure_outputs_request request;
    uint16_t outputs[LTC2668_CHANNELS];
    int16_t measured[LTC2668_CHANNELS] = {0};
    fw_unpack_measure_outputs_request(&request, payload);
    if (size != FW_MEASURE_OUTPUTS_REQUEST_SIZE + sizeof outputs) {
        return FX_ERROR_FRAME_LENGTH;
    }
    if (request.chip >= CHIPS_DACS) {
        return out_of_range(reply, request.chip);
    }
    if (request.log2_reads > FW_MAX_LOG2_READS) {
        return FX_ERROR_ARGUMENT;
    }
    for (unsigned channel = 0; channel < LTC2668_CHANNELS; channel++) {
        outputs[channel] = fw_get_u16(payload + FW_MEASURE_OUTPUTS_REQUEST_SIZE + 2 * channel);
    }
    fx_status status = take_array(board);
    if (status == FX_OK) {
        status = selftest_outputs(&board->front_end, request.chip, request.log2_reads, outputs, measured);
        reply->detail = board->front_end.failed_chip;
    }
    put_codes(reply, measured, LTC2668_CHANNELS);
    return status;
}

fx_status handle_measure_amplifiers(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_measure_amplifiers_request request;
    selftest_current current = {0};
    fw_unpack_measure_amplifiers_request(&request, payload);
    if (request.row >= FW_ROWS) {
        return out_of_range(reply, request.row);
    }
    if (request.range >= FW_RANGE_COUNT) {
        return out_of_range(reply, request.range);
    }
    if (request.log2_reads > FW_MAX_LOG2_READS) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = take_array(board);
    if (status == FX_OK) {
        status = selftest_amplifiers(&board->front_end, request.row, request.code, request.range, request.log2_reads,
                                     &current);
        reply->detail = board->front_end.failed_chip;
    }
    fw_measure_amplifiers_answer answer = {.net = current.net, .bus = current.bus};
    fw_pack_measure_amplifiers_answer(&answer, reply->payload);
    reply->size = FW_MEASURE_AMPLIFIERS_ANSWER_SIZE;
    put_codes(reply, current.columns, FW_COLUMNS);
    return status;
}
