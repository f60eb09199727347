/* Start and main loop.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/firmware.h"

#include <string.h>

#include "app/commands.h"

_Static_assert((int)HAL_RESET_POWER == FW_RESET_POWER && (int)HAL_RESET_PIN == FW_RESET_PIN &&
                   (int)HAL_RESET_WATCHDOG == FW_RESET_WATCHDOG && (int)HAL_RESET_FAULT == FW_RESET_FAULT &&
                   (int)HAL_RESET_SOFTWARE == FW_RESET_SOFTWARE,
               "the link names a reset as the port does");
_Static_assert((int)HAL_CLOCK_CRYSTAL == FW_CLOCK_CRYSTAL && (int)HAL_CLOCK_NO_CRYSTAL == FW_CLOCK_NO_CRYSTAL &&
                   (int)HAL_CLOCK_NO_LOCK == FW_CLOCK_NO_LOCK,
               "and a clock");

size_t firmware_size(void) {
    return sizeof(firmware);
}

size_t firmware_cells_size(void) {
    return sizeof(firmware_cells);
}

void firmware_init(firmware *board, firmware_cells *cells, hal *port) {
    memset(board, 0, sizeof *board);
    memset(cells->campaign, 0, sizeof cells->campaign);
    if (hal_how_started(port)->reset == HAL_RESET_POWER) {
        memset(cells->pulses, 0, sizeof cells->pulses); /* other resets renew no cell's budget */
    }
    board->limits.pulses = cells->pulses;
    board->campaign.cells = cells->campaign;
    board->objects.target_bytes = cells->targets;
    board->hal = port;
    board->name = FW_BOARD_NAME;
    link_init(&board->link);
    uptime_init(&board->uptime, port);
    objects_init(board);
    board->start_status = front_end_init(&board->front_end, port);
    board->start_chip = board->start_status == FX_OK ? FW_NO_CHIP : (uint8_t)board->front_end.failed_chip;
    uint8_t payload[FW_BOOT_EVENT_SIZE];
    fw_boot_event event = {.reset_reason = (uint8_t)hal_how_started(port)->reset};
    fw_pack_boot_event(&event, payload);
    link_send_event(&board->link, FW_EVENT_BOOT, payload, sizeof payload);
}

void firmware_set_name(firmware *board, const char *name) {
    board->name = name;
}

void firmware_rest(firmware *board) {
    if (board->front_end.board != NULL) {
        front_end_rest(&board->front_end);
    }
}

static void execute(firmware *board, const link_request *request) {
    link_reply reply = link_reply_to(request);
    fx_status status = commands_execute(board, request, &reply);
    if (reply.later) {
        link_answer_later(&board->link, request);
    } else {
        link_answer_request(&board->link, request, status, reply);
    }
}

bool firmware_poll(firmware *board) {
    link_request request;
    hal_watchdog_kick(board->hal);
    bool busy = link_poll(&board->link, board->hal);
    if (link_take(&board->link, &request)) {
        execute(board, &request);
    }
    uptime_poll(&board->uptime, board->hal);
    safety_poll(board);
    bool running = piece_poll(board);
    bool programming = campaign_poll(board);
    return busy || running || programming;
}
