/* Up and down two ladders of pulses.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/incremental.h"

#include "app/firmware.h"

#define FALLING 0x10000u /* a shot is the rung of its ladder, RESETs after all SETs */
#define NO_SHOT UINT32_MAX

static const fw_ladder *ladder_of(const campaign_state *campaign, bool falling) {
    return falling ? &campaign->scheme.ladders.down : &campaign->scheme.ladders.up;
}

/* After a pulse: one rung up, or back to the weakest of the other polarity. */
static void go_on(const campaign_state *campaign, incremental_cell *cell, bool falling) {
    cell->pulses++;
    if (falling != cell->falling) {
        cell->falling = falling;
        cell->reversals++;
        cell->rung = 0;
    } else if (cell->rung < ladder_top(ladder_of(campaign, falling))) {
        cell->rung++;
    }
}

void incremental_judge(firmware *board, unsigned column, int32_t error) {
    campaign_state *campaign = &board->campaign;
    const fw_incremental_scheme *ends = &campaign->scheme.ladders.ends;
    incremental_cell *cell = &campaign->climbing[column];
    if (campaign->cycle == 0) {
        *cell = (incremental_cell){.falling = error < 0};
    } else {
        go_on(campaign, cell, error < 0);
    }
    if (campaign_in_tolerance(campaign, error)) {
        campaign_end_cell(campaign, campaign_cell_at(campaign, column), FW_CELL_IN_TOLERANCE);
    } else if (cell->reversals > ends->reversals || cell->pulses >= ends->most_pulses) {
        campaign_end_cell(campaign, campaign_cell_at(campaign, column), FW_CELL_GAVE_UP);
    }
}

static uint32_t shot_of(const incremental_cell *cell) {
    return cell->rung | (cell->falling ? FALLING : 0u);
}

/* The first shot of this round that has not been given and that a cell needs. */
static uint32_t next_shot(firmware *board) {
    const campaign_state *campaign = &board->campaign;
    uint32_t next = NO_SHOT;
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        uint32_t shot = shot_of(&campaign->climbing[column]);
        if (shot >= campaign->shot && shot < next && campaign_pulsable_cell(board, column) != NULL) {
            next = shot;
        }
    }
    return next;
}

fx_status incremental_pulse(firmware *board) {
    campaign_state *campaign = &board->campaign;
    uint32_t shot = next_shot(board);
    if (shot == NO_SHOT) {
        campaign_round_done(campaign);
        return FX_OK;
    }
    const fw_ladder *ladder = ladder_of(campaign, shot >= FALLING);
    uint16_t gates[FW_COLUMNS] = {0};
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        if (shot_of(&campaign->climbing[column]) == shot && campaign_pulsable_cell(board, column) != NULL) {
            gates[column] = ladder->gate;
        }
    }
    bool given = false;
    fx_status status =
        campaign_pulse(board, ladder_millivolts(ladder, shot % FALLING), ladder->microseconds, gates, &given);
    if (given) {
        campaign->shot = shot + 1;
    }
    return status;
}
