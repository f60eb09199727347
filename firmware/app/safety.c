/* Time since power-up and the dead-man.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/safety.h"

#include "app/firmware.h"

void safety_init(safety_state *safety, hal *port) {
    *safety = (safety_state){.last_microseconds = hal_microseconds(port)};
}

uint32_t safety_uptime_milliseconds(const safety_state *safety) {
    return (uint32_t)(safety->uptime_microseconds / 1000);
}

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
    uint32_t now = hal_microseconds(board->hal);
    safety->uptime_microseconds += now - safety->last_microseconds;
    safety->last_microseconds = now;
    if (board->link.heard) {
        safety->heard_microseconds = safety->uptime_microseconds;
    }
    board->link.heard = false;
    bool active = board->front_end.driven || board->campaign.state == FW_CAMPAIGN_RUNNING;
    uint64_t silence = safety->uptime_microseconds - safety->heard_microseconds;
    if (active && silence >= (uint64_t)FW_LIMIT_SILENCE_MILLISECONDS * 1000) {
        safety->heard_microseconds = safety->uptime_microseconds; /* a rest that failed is tried again as late */
        go_idle(board);
    }
}
