/* Limits of pulses and the count of pulses per cell.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/limits.h"

/* Energy in the worst case, a cell of the conductance that the board file names: mV^2 x us x uS = 1e-9 nJ. */
#define NANOJOULES(millivolts, microseconds)                                                                           \
    ((int64_t)(millivolts) * (millivolts) * (int64_t)(microseconds) * FW_WORST_MICROSIEMENS / 1000000000)

_Static_assert(FW_LIMIT_PULSE_NANOJOULES < NANOJOULES(FW_LIMIT_ROW_MILLIVOLTS, FW_LIMIT_PULSE_MICROSECONDS),
               "the other limits alone do not hold the energy limit");
_Static_assert(FW_LIMIT_ROW_MILLIVOLTS < FW_ROW_DAC_SPAN_MILLIVOLTS / 2, "the DAC alone does not hold the row limit");

fx_status limits_check_pulse(int millivolts, uint32_t microseconds, int32_t *detail) {
    int magnitude = millivolts < 0 ? -millivolts : millivolts;
    *detail = millivolts;
    if (magnitude > FW_LIMIT_ROW_MILLIVOLTS) {
        return FX_ERROR_LIMIT_VOLTAGE;
    }
    *detail = (int32_t)(microseconds > INT32_MAX ? INT32_MAX : microseconds);
    if (microseconds == 0) {
        return FX_ERROR_ARGUMENT;
    }
    if (microseconds > FW_LIMIT_PULSE_MICROSECONDS) {
        return FX_ERROR_LIMIT_WIDTH;
    }
    int64_t nanojoules = NANOJOULES(magnitude, microseconds);
    *detail = (int32_t)nanojoules;
    return nanojoules > FW_LIMIT_PULSE_NANOJOULES ? FX_ERROR_LIMIT_ENERGY : FX_OK;
}

fx_status limits_check_gate(uint16_t code, int32_t *detail) {
    int32_t millivolts = (int32_t)((int64_t)code * FW_GATE_DAC_SPAN_MILLIVOLTS / 65536);
    *detail = millivolts;
    return millivolts > FW_LIMIT_GATE_MILLIVOLTS ? FX_ERROR_LIMIT_VOLTAGE : FX_OK;
}

bool limits_cell_has_budget(const limits_state *limits, unsigned row, unsigned column) {
    return limits->pulses[row][column] < FW_LIMIT_PULSES_PER_CELL;
}

static fx_status check_cells(const limits_state *limits, unsigned row, const uint16_t gates[FW_COLUMNS],
                             int32_t *detail) {
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        fx_status status = limits_check_gate(gates[column], detail);
        if (status != FX_OK) {
            return status;
        }
        if (gates[column] != 0 && !limits_cell_has_budget(limits, row, column)) {
            *detail = (int32_t)(row * FW_COLUMNS + column);
            return FX_ERROR_LIMIT_PULSES;
        }
    }
    return FX_OK;
}

static void count_pulse(limits_state *limits, unsigned row, const uint16_t gates[FW_COLUMNS], int by) {
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        if (gates[column] != 0) {
            limits->pulses[row][column] = (uint16_t)(limits->pulses[row][column] + by);
        }
    }
}

fx_status limits_pulse(limits_state *limits, front_end *front, unsigned row, int millivolts, uint32_t microseconds,
                       const uint16_t gates[FW_COLUMNS], int32_t *detail) {
    if (row >= FW_ROWS) {
        *detail = (int32_t)row;
        return FX_ERROR_RANGE;
    }
    fx_status status = limits_check_pulse(millivolts, microseconds, detail);
    if (status == FX_OK) {
        status = check_cells(limits, row, gates, detail);
    }
    if (status != FX_OK) {
        return status;
    }
    uint32_t before = front->pulses;
    /* Counted before it is given, so that a reset meanwhile lets no cell exceed its budget. */
    count_pulse(limits, row, gates, 1);
    status = front_end_pulse(front, row, millivolts, microseconds, gates);
    *detail = front->failed_chip;
    if (front->pulses == before) {
        count_pulse(limits, row, gates, -1);
    }
    return status;
}
