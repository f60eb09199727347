/* Programming campaigns.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/handlers.h"

#include "app/firmware.h"

_Static_assert(FW_COLUMNS *FW_CELL_STATE_SIZE <= FW_MAX_PAYLOAD, "a row of cells fits a frame");

fx_status handle_campaign_scheme(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    return campaign_take_scheme(board, payload, size, &reply->detail);
}

fx_status handle_campaign_start(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_campaign_start_request request;
    bool resumed = false;
    fw_unpack_campaign_start_request(&request, payload);
    fx_status status = campaign_start(board, request.target_crc, &resumed);
    if (status == FX_OK) {
        board->safety.idle = false;
    }
    fw_campaign_start_answer answer = {.resumed = resumed};
    fw_pack_campaign_start_answer(&answer, reply->payload);
    reply->size = FW_CAMPAIGN_START_ANSWER_SIZE;
    return status;
}

fx_status handle_campaign_status(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    const campaign_state *campaign = &board->campaign;
    fw_campaign_status_answer answer = {
        .state = campaign->state,
        .chip = campaign->chip,
        .status = (uint16_t)campaign->status,
        .passes_before = campaign->passes_before,
        .cells = campaign->cell_count,
        .in_tolerance = campaign->in_tolerance,
        .gave_up = campaign->gave_up,
        .pulses = campaign->pulses,
        .milliseconds = campaign_milliseconds(board),
        .target_crc = campaign->target_crc,
    };
    fw_pack_campaign_status_answer(&answer, reply->payload);
    reply->size = FW_CAMPAIGN_STATUS_ANSWER_SIZE;
    return FX_OK;
}

fx_status handle_campaign_stop(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    bool running = board->campaign.state == FW_CAMPAIGN_RUNNING;
    campaign_end(board, FW_CAMPAIGN_STOPPED, FX_OK);
    return running ? leave_array(board, FX_OK, reply) : FX_OK;
}

fx_status handle_campaign_cells(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_campaign_cells_request request;
    fw_unpack_campaign_cells_request(&request, payload);
    if (request.row >= FW_ROWS) {
        return out_of_range(reply, request.row);
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        const campaign_cell *cell = &board->campaign.cells[request.row][column];
        fw_cell_state record = {cell->state, cell->cycles, board->limits.pulses[request.row][column], cell->code};
        fw_pack_cell_state(&record, reply->payload + reply->size);
        reply->size += FW_CELL_STATE_SIZE;
    }
    return FX_OK;
}
