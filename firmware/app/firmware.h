/* The firmware: everything it knows in memory that the caller gives, one slice of work per poll.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *     firmware_init(&board, &cells, port);
 *     for (;;)
 *         firmware_poll(&board);
 */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include "app/campaign.h"
#include "app/inference.h"
#include "app/limits.h"
#include "app/link.h"
#include "app/objects.h"
#include "app/piece.h"
#include "app/safety.h"
#include "app/uptime.h"
#include "drivers/front_end.h"

#define FIRMWARE_MAJOR 0u
#define FIRMWARE_MINOR 1u
#define FIRMWARE_LONGEST_NAME 64u

struct firmware {
    hal *hal;
    const char *name; /* of the board, UTF-8 */
    link_state link;
    front_end front_end;
    objects_state objects;
    limits_state limits;
    campaign_state campaign;
    inference_state inference;
    piece_state piece;
    uptime_state uptime;
    safety_state safety;
    fx_status start_status; /* of bringing up the chips; a chip that fails is tried again when it is needed */
    uint8_t start_chip;     /* chip select of the first that failed, or FW_NO_CHIP */
};

/* What is kept per cell, apart from the rest: an STM32F405 has 128 KiB and, elsewhere in its address space, 64 KiB.
 * A port puts it where start-up code leaves memory alone, so that pulses are counted since power-up. */
typedef struct {
    uint16_t pulses[FW_ROWS][FW_COLUMNS];
    campaign_cell campaign[FW_ROWS][FW_COLUMNS];
    uint8_t targets[OBJECTS_TARGET_CAPACITY];
} firmware_cells;

_Static_assert(sizeof(struct firmware) <= 112 * 1024, "with a stack it fits 128 KiB");
_Static_assert(sizeof(firmware_cells) <= 64 * 1024, "it fits 64 KiB");

/* Bytes of both, for callers that only hold memory for them; 8-byte alignment will do. */
size_t firmware_size(void);
size_t firmware_cells_size(void);

/* Start after a reset: forget everything but, unless power was off, the pulses counted; bring the chips up at 0 V, say
 * so with a boot event. */
void firmware_init(firmware *board, firmware_cells *cells, hal *port);

/* Call the board, from this start on, by the name of another of fxlstm/boards that differs in its amplifiers only: what
 * their resistances are is the host's affair. `name` is kept, not copied, and cut off after FIRMWARE_LONGEST_NAME bytes. */
void firmware_set_name(firmware *board, const char *name);

/* The array to 0 V at once, from a fault handler; what else the firmware was doing is over. */
void firmware_rest(firmware *board);

/* One slice of work. Returns whether there may be more to do at once. */
bool firmware_poll(firmware *board);

#endif
