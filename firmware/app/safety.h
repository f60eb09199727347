/* Dead-man: when the host falls silent, everything goes to 0 V.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SAFETY_H
#define SAFETY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct firmware firmware;

typedef struct {
    uint64_t heard_microseconds; /* uptime at the last good frame */
    uint16_t idles;
    bool idle; /* the board went to safe idle and nothing has been driven since */
} safety_state;

/* Go to safe idle after a silence while something is driven or a campaign runs. */
void safety_poll(firmware *board);

#endif
