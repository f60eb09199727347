/* Dead-man: when the host falls silent, everything goes to 0 V. And a look for outputs that do not.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SAFETY_H
#define SAFETY_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

typedef struct firmware firmware;

typedef struct {
    uint64_t heard_microseconds; /* uptime at the last good frame */
    uint16_t idles;
    bool idle; /* the board went to safe idle and nothing has been driven since */
} safety_state;

/* Go to safe idle after a silence while something is driven or a campaign runs. */
void safety_poll(firmware *board);

/* Whether all columns are without current while all rows are at 0 V. A current says that a row's output stays at a voltage,
 * which pulses of other rows would apply to its cells: FX_ERROR_ROW_STUCK. Cells that do not conduct, and columns whose
 * amplifier stands at its end, tell nothing. */
fx_status safety_check_rows(firmware *board);

#endif
