/* The programming engine: brings a target map into the array, row after row, one pulse or reading per poll.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * This file keeps the books; what pulses a row needs after a reading is the scheme's affair (gate_scheme.h,
 * incremental.h). A scheme of several passes waits on the device's clock between them and writes cells again that have
 * left their tolerance. All state survives a stop, so a campaign resumes at the very pulse where it stood.
 * crossbar/programming.py is the same in plain Python.
 */
#ifndef CAMPAIGN_H
#define CAMPAIGN_H

#include "app/incremental.h"
#include "app/scheme.h"
#include "gen/protocol.h"
#include "gen/wiring.h"
#include "status.h"

#include <stdbool.h>

typedef struct firmware firmware;

enum { CAMPAIGN_MOST_CYCLES = 8191 };

typedef struct {
    int16_t code;         /* the reading that the last verdict rests on */
    uint16_t state : 3;   /* FW_CELL_* */
    uint16_t cycles : 13; /* rounds of pulses in this campaign, at most CAMPAIGN_MOST_CYCLES are counted */
} campaign_cell;

typedef enum {
    CAMPAIGN_READ,
    CAMPAIGN_CHECK, /* that no output is stuck, before the first pulse of a row */
    CAMPAIGN_PULSE,
    CAMPAIGN_WAIT,
} campaign_step;

typedef struct {
    programming_scheme scheme;
    uint32_t scheme_crc; /* 0: no scheme yet */
    uint8_t state;       /* FW_CAMPAIGN_* */
    fx_status status;    /* why it failed */
    uint8_t chip;        /* chip select of the chip that failed, or FW_NO_CHIP */
    uint32_t target_crc; /* what the cells below belong to */
    uint32_t target_scheme_crc;
    uint8_t passes_before; /* this one */
    uint32_t waits_since;  /* uptime in milliseconds */
    uint16_t row;
    uint16_t cycle; /* rounds of pulses that the row's pending cells have had in this pass */
    campaign_step step;
    uint32_t shot; /* which pulse of the round comes next, by the scheme's own count */
    uint16_t cell_count, in_tolerance, gave_up;
    uint32_t pulses;
    uint32_t milliseconds;                 /* that it ran until it last stopped */
    uint32_t runs_since;                   /* uptime in milliseconds */
    campaign_cell (*cells)[FW_COLUMNS];    /* FW_ROWS rows */
    uint16_t gates[FW_COLUMNS];            /* of the row, in a gate scheme: DAC codes of the next SETs */
    incremental_cell climbing[FW_COLUMNS]; /* of the row, in an incremental scheme */
} campaign_state;

/* Take a scheme after checking it against the limits; `payload` is its encoded form of `size` bytes. */
fx_status campaign_take_scheme(firmware *board, const uint8_t *payload, size_t size, int32_t *detail);

/* Start, or go on where a campaign for the same target and scheme stood. */
fx_status campaign_start(firmware *board, uint32_t target_crc, bool *resumed);

/* End a running campaign in `state`, saying so with an event; nothing happens when none runs. */
void campaign_end(firmware *board, uint8_t state, fx_status status);

/* Milliseconds that it has run, stops left out. */
uint32_t campaign_milliseconds(const firmware *board);

/* One reading or pulse of a running campaign. Returns whether there may be more to do at once. */
bool campaign_poll(firmware *board);

/* For the schemes: a cell of the row, what its reading should be, whether target minus reading is small enough. */
campaign_cell *campaign_cell_at(campaign_state *campaign, unsigned column);
int32_t campaign_target_code(const firmware *board, unsigned column);
bool campaign_in_tolerance(const campaign_state *campaign, int32_t error);

/* A pending cell leaves the campaign as FW_CELL_IN_TOLERANCE, FW_CELL_GAVE_UP or FW_CELL_BUDGET_SPENT. */
void campaign_end_cell(campaign_state *campaign, campaign_cell *cell, unsigned state);

/* A pending cell of the row, or NULL; one whose pulses are spent ends here. */
campaign_cell *campaign_pulsable_cell(firmware *board, unsigned column);

/* Pulse the cells of the row whose gate is not 0, if any. A shot that was given counts and must not be given again by a
 * resumed campaign, even when a chip failed right after it; `*given` says so. */
fx_status campaign_pulse(firmware *board, int millivolts, uint32_t microseconds, const uint16_t gates[FW_COLUMNS],
                         bool *given);

/* All pulses of the round are given; a reading comes next. */
void campaign_round_done(campaign_state *campaign);

#endif
