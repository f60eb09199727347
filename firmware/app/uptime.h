/* Time since power-up, by a clock of the port that wraps every 71 minutes.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef UPTIME_H
#define UPTIME_H

#include <stdint.h>

#include "hal/hal.h"

typedef struct {
    uint32_t last_reading; /* of the port's clock, in microseconds */
    uint64_t microseconds;
} uptime_state;

void uptime_init(uptime_state *uptime, hal *port);

/* Keep the time: to be called more often than the port's clock wraps. */
void uptime_poll(uptime_state *uptime, hal *port);

/* As of the last poll. */
uint32_t uptime_milliseconds(const uptime_state *uptime);

#endif
