/* The programming engine: write-verify of a target map, row after row, one pulse or reading per poll.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Per row and cycle: cells that read too high get a RESET, every cell not yet in tolerance gets a SET with its own gate
 * code, the row is read. crossbar/programming.py is the same in plain Python. All state survives a stop, so a campaign
 * resumes at the very pulse where it stood.
 */
#ifndef CAMPAIGN_H
#define CAMPAIGN_H

#include "gen/protocol.h"
#include "gen/wiring.h"
#include "status.h"

#include <stdbool.h>

typedef struct firmware firmware;

typedef struct {
    uint16_t gate;  /* DAC code of the next SET */
    int16_t code;   /* the reading that the last verdict rests on */
    uint8_t state;  /* FW_CELL_* */
    uint8_t cycles; /* SET pulses in this campaign, at most 255 are counted */
} campaign_cell;

typedef enum { CAMPAIGN_READ, CAMPAIGN_RESET, CAMPAIGN_SET } campaign_step;

typedef struct {
    fw_campaign_scheme_request scheme;
    uint32_t scheme_crc; /* 0: no scheme yet */
    uint8_t state;       /* FW_CAMPAIGN_* */
    fx_status status;    /* why it failed */
    uint8_t chip;        /* chip select of the chip that failed, or FW_NO_CHIP */
    uint32_t target_crc; /* what the cells below belong to */
    uint32_t target_scheme_crc;
    uint16_t row;
    uint16_t cycle; /* SET pulses that the row's pending cells have had */
    campaign_step step;
    uint16_t cell_count, in_tolerance, gave_up;
    uint32_t pulses;
    campaign_cell (*cells)[FW_COLUMNS]; /* FW_ROWS rows */
} campaign_state;

/* Take a scheme after checking it against the limits; `payload` is its encoded form. */
fx_status campaign_take_scheme(firmware *board, const uint8_t *payload, int32_t *detail);

/* Start, or go on where a campaign for the same target and scheme stood. */
fx_status campaign_start(firmware *board, uint32_t target_crc, bool *resumed);

/* End a running campaign in `state`, saying so with an event; nothing happens when none runs. */
void campaign_end(firmware *board, uint8_t state, fx_status status);

/* One reading or pulse of a running campaign. Returns whether one runs. */
bool campaign_poll(firmware *board);

#endif
