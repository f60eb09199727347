/* The firmware: everything it knows in one struct, one slice of work per poll.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *     firmware_init(&board, port);
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
#include "app/safety.h"
#include "drivers/front_end.h"

#define FIRMWARE_MAJOR 0u
#define FIRMWARE_MINOR 1u

struct firmware {
    hal *hal;
    link_state link;
    front_end front_end;
    objects_state objects;
    limits_state limits;
    campaign_state campaign;
    inference_state inference;
    safety_state safety;
};

_Static_assert(sizeof(struct firmware) < 160 * 1024, "all state fits the microcontroller's memory");

/* Bytes of a struct firmware, for callers that only hold memory for it; it needs 8-byte alignment. */
size_t firmware_size(void);

/* Start after a reset: forget everything, bring the chips up at 0 V, say so with a boot event. */
void firmware_init(firmware *board, hal *port);

/* One slice of work. Returns whether there may be more to do at once. */
bool firmware_poll(firmware *board);

#endif
