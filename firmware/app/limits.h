/* What must never be exceeded, whatever the host asks: voltage, width, energy and number of pulses per cell.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef LIMITS_H
#define LIMITS_H

#include "drivers/front_end.h"

typedef struct {
    uint16_t (*pulses)[FW_COLUMNS]; /* FW_ROWS rows: per cell since power-up */
} limits_state;

/* Check one pulse; `*detail` holds what exceeds its limit (millivolts, microseconds or nanojoules). */
fx_status limits_check_pulse(int millivolts, uint32_t microseconds, int32_t *detail);

/* Check a gate DAC code; `*detail` holds its millivolts. */
fx_status limits_check_gate(uint16_t code, int32_t *detail);

/* Whether a cell may be pulsed once more. */
bool limits_cell_has_budget(const limits_state *limits, unsigned row, unsigned column);

/* The one way to pulse cells: checks everything, pulses, counts. Cells whose gate is 0 are left alone. */
fx_status limits_pulse(limits_state *limits, front_end *front, unsigned row, int millivolts, uint32_t microseconds,
                       const uint16_t gates[FW_COLUMNS], int32_t *detail);

#endif
