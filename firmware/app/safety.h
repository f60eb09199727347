/* Dead-man: when the host falls silent, everything goes to 0 V.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SAFETY_H
#define SAFETY_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/hal.h"

typedef struct firmware firmware;

typedef struct {
    uint32_t last_microseconds;
    uint64_t uptime_microseconds;
    uint64_t heard_microseconds; /* uptime at the last good frame */
    uint16_t idles;
    bool idle; /* the board went to safe idle and nothing has been driven since */
} safety_state;

void safety_init(safety_state *safety, hal *port);

/* Keep the time; go to safe idle after a silence while something is driven or a campaign runs. */
void safety_poll(firmware *board);

uint32_t safety_uptime_milliseconds(const safety_state *safety);

#endif
