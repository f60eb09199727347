/* Incremental pulses with polarity reversals.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Per row and round: every cell not yet in tolerance gets a pulse of the polarity that it needs, a step stronger than the
 * one before, or the weakest after a reversal; then the row is read. Cells that need the same pulse share a shot: SETs
 * first, then RESETs, the weakest first. crossbar/incremental.py is the same in plain Python.
 */
#ifndef INCREMENTAL_H
#define INCREMENTAL_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

typedef struct firmware firmware;

/* What is known of a cell while its row is being programmed. */
typedef struct {
    uint16_t rung;      /* of the ladder that its next pulse stands on */
    uint16_t pulses;    /* that it has had */
    uint16_t reversals; /* of polarity */
    bool falling;       /* the next pulse is a RESET */
} incremental_cell;

void incremental_judge(firmware *board, unsigned column, int32_t error);
fx_status incremental_pulse(firmware *board);

#endif
