/* Time since power-up.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/uptime.h"

void uptime_init(uptime_state *uptime, hal *port) {
    *uptime = (uptime_state){.last_reading = hal_microseconds(port)};
}

void uptime_poll(uptime_state *uptime, hal *port) {
    uint32_t now = hal_microseconds(port);
    uptime->microseconds += now - uptime->last_reading;
    uptime->last_reading = now;
}

uint32_t uptime_milliseconds(const uptime_state *uptime) {
    return (uint32_t)(uptime->microseconds / 1000);
}
