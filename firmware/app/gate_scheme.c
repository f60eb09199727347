/* RESET where a cell is too high, SET at the cell's own gate.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/gate_scheme.h"

#include "app/firmware.h"

enum { SHOT_RESET, SHOT_SET }; /* of campaign_state.shot */

static uint16_t limited_gate(const fw_gate_scheme *scheme, int64_t gate) {
    return (uint16_t)(gate < scheme->gate_min ? scheme->gate_min : gate > scheme->gate_max ? scheme->gate_max : gate);
}

static uint16_t first_gate(const firmware *board, unsigned column) {
    const fw_gate_scheme *scheme = &board->campaign.scheme.gate;
    uint64_t target = objects_target(&board->objects, board->campaign.row, column);
    return limited_gate(scheme, scheme->gate_offset + (int64_t)(target * scheme->gate_slope >> 16));
}

/* Cells in tolerance at once are left alone. */
static bool skips(const fw_gate_scheme *scheme) {
    return scheme->verify != 0 && scheme->skip != 0;
}

void gate_scheme_judge(firmware *board, unsigned column, int32_t error) {
    campaign_state *campaign = &board->campaign;
    const fw_gate_scheme *scheme = &campaign->scheme.gate;
    campaign_cell *cell = campaign_cell_at(campaign, column);
    bool first = campaign->cycle == 0;
    if (campaign_in_tolerance(campaign, error) && (!first || skips(scheme))) {
        campaign_end_cell(campaign, cell, FW_CELL_IN_TOLERANCE);
    } else if (campaign->cycle >= (scheme->verify != 0 ? scheme->max_cycles : 1)) {
        campaign_end_cell(campaign, cell, FW_CELL_GAVE_UP);
    } else if (first) {
        campaign->gates[column] = first_gate(board, column);
    } else {
        int64_t correction = ((int64_t)error * (int64_t)scheme->gate_correction) >> 16;
        campaign->gates[column] = limited_gate(scheme, campaign->gates[column] + correction);
    }
}

static bool is_reset(const firmware *board, const campaign_cell *cell, unsigned column) {
    const campaign_state *campaign = &board->campaign;
    return (campaign->cycle == 0 && !skips(&campaign->scheme.gate)) ||
           cell->code - campaign_target_code(board, column) > campaign->scheme.common.tolerance;
}

fx_status gate_scheme_pulse(firmware *board) {
    campaign_state *campaign = &board->campaign;
    const fw_gate_scheme *scheme = &campaign->scheme.gate;
    bool setting = campaign->shot == SHOT_SET;
    uint16_t gates[FW_COLUMNS] = {0};
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        const campaign_cell *cell = campaign_pulsable_cell(board, column);
        if (cell != NULL && (setting || is_reset(board, cell, column))) {
            gates[column] = setting ? campaign->gates[column] : scheme->reset_gate;
        }
    }
    bool given = false;
    fx_status status = campaign_pulse(board, setting ? scheme->set_millivolts : scheme->reset_millivolts,
                                      setting ? scheme->set_microseconds : scheme->reset_microseconds, gates, &given);
    if (given && setting) {
        campaign_round_done(campaign);
    } else if (given) {
        campaign->shot = SHOT_SET;
    }
    return status;
}
