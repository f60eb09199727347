/* Dead-man, stuck outputs.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/safety.h"

#include "app/firmware.h"

static void go_idle(firmware *board) {
    campaign_end(board, FW_CAMPAIGN_SILENCED, FX_ERROR_SAFE_IDLE);
    if (board->inference.on_array) {
        piece_cut(board, FX_ERROR_SAFE_IDLE);
    }
    front_end_rest(&board->front_end);
    board->safety.idle = true;
    board->safety.idles++;
    uint8_t payload[FW_SAFE_IDLE_EVENT_SIZE];
    fw_safe_idle_event event = {.status = FX_ERROR_SAFE_IDLE};
    fw_pack_safe_idle_event(&event, payload);
    link_send_event(&board->link, FW_EVENT_SAFE_IDLE, payload, sizeof payload);
}

void safety_poll(firmware *board) {
    safety_state *safety = &board->safety;
    uint64_t now = board->uptime.microseconds;
    if (board->link.heard) {
        safety->heard_microseconds = now;
    }
    board->link.heard = false;
    bool active = board->front_end.driven || board->campaign.state == FW_CAMPAIGN_RUNNING;
    if (active && now - safety->heard_microseconds >= (uint64_t)FW_LIMIT_SILENCE_MILLISECONDS * 1000) {
        safety->heard_microseconds = now; /* a rest that failed is tried again as late */
        go_idle(board);
    }
}

static bool flows(int16_t code) {
    bool at_end = code == INT16_MAX || code == INT16_MIN;
    return !at_end && (code > FW_REST_CODES || code < -FW_REST_CODES);
}

fx_status safety_check_rows(firmware *board) {
    static const int16_t REST[FW_ROWS] = {0};
    static const front_end_reading WHOLE = {.columns = FW_COLUMNS};
    int16_t codes[FW_COLUMNS];
    fx_status status = front_end_convert(&board->front_end, &WHOLE, REST, codes);
    if (status != FX_OK) {
        return status;
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        if (flows(codes[column])) {
            return FX_ERROR_ROW_STUCK;
        }
    }
    return FX_OK;
}
