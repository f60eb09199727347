/* Write-verify in slices.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/campaign.h"

#include "app/firmware.h"

static int64_t limited(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static int32_t target_code(const firmware *board, unsigned row, unsigned column) {
    const fw_campaign_scheme_request *scheme = &board->campaign.scheme;
    int64_t units = (int64_t)scheme->base_units + objects_target(&board->objects, row, column);
    unsigned shift = front_end_unit_shift(scheme->range);
    int64_t code = (FW_READ_CODE * units + ((int64_t)1 << (shift - 1))) >> shift;
    return (int32_t)limited(code, INT16_MIN, INT16_MAX);
}

static fx_status check_scheme(const fw_campaign_scheme_request *scheme, int32_t *detail) {
    *detail = 0;
    if (scheme->range >= FW_RANGE_COUNT || scheme->log2_reads > FW_MAX_LOG2_READS || scheme->max_cycles == 0 ||
        scheme->set_millivolts < 0 || scheme->reset_millivolts > 0 || scheme->gate_min > scheme->gate_max) {
        return FX_ERROR_SCHEME;
    }
    fx_status status = limits_check_pulse(scheme->set_millivolts, scheme->set_microseconds, detail);
    if (status == FX_OK) {
        status = limits_check_pulse(scheme->reset_millivolts, scheme->reset_microseconds, detail);
    }
    if (status == FX_OK) {
        status = limits_check_gate(scheme->gate_max, detail);
    }
    if (status == FX_OK) {
        status = limits_check_gate(scheme->reset_gate, detail);
    }
    return status;
}

fx_status campaign_take_scheme(firmware *board, const uint8_t *payload, int32_t *detail) {
    campaign_state *campaign = &board->campaign;
    fw_campaign_scheme_request scheme;
    uint32_t crc = fx_crc32(0, payload, FW_CAMPAIGN_SCHEME_REQUEST_SIZE);
    if (campaign->state == FW_CAMPAIGN_RUNNING) {
        return crc == campaign->scheme_crc ? FX_OK : FX_ERROR_BUSY;
    }
    fw_unpack_campaign_scheme_request(&scheme, payload);
    fx_status status = check_scheme(&scheme, detail);
    if (status == FX_OK) {
        campaign->scheme = scheme;
        campaign->scheme_crc = crc;
    }
    return status;
}

static uint16_t first_gate(const firmware *board, unsigned row, unsigned column) {
    const fw_campaign_scheme_request *scheme = &board->campaign.scheme;
    uint64_t target = objects_target(&board->objects, row, column);
    int64_t gate = scheme->gate_offset + (int64_t)(target * scheme->gate_slope >> 16);
    return (uint16_t)limited(gate, scheme->gate_min, scheme->gate_max);
}

static void prepare_cell(firmware *board, unsigned row, unsigned column) {
    campaign_cell *cell = &board->campaign.cells[row][column];
    *cell = (campaign_cell){.state = FW_CELL_UNTOUCHED};
    if (objects_target(&board->objects, row, column) == OBJECTS_LEAVE_ALONE) {
        return;
    }
    *cell = (campaign_cell){.state = FW_CELL_PENDING, .gate = first_gate(board, row, column)};
    board->campaign.cell_count++;
}

static void prepare_cells(firmware *board) {
    campaign_state *campaign = &board->campaign;
    campaign->row = campaign->cycle = campaign->cell_count = campaign->in_tolerance = campaign->gave_up = 0;
    campaign->pulses = 0;
    campaign->step = CAMPAIGN_READ;
    for (unsigned row = 0; row < FW_ROWS; row++) {
        for (unsigned column = 0; column < FW_COLUMNS; column++) {
            prepare_cell(board, row, column);
        }
    }
}

fx_status campaign_start(firmware *board, uint32_t target_crc, bool *resumed) {
    campaign_state *campaign = &board->campaign;
    bool same = campaign->target_crc == target_crc && campaign->target_scheme_crc == campaign->scheme_crc;
    if (campaign->state == FW_CAMPAIGN_RUNNING) {
        *resumed = true;
        return same ? FX_OK : FX_ERROR_BUSY;
    }
    if (!board->objects.target.ready || board->objects.target.crc != target_crc) {
        return FX_ERROR_NO_TARGET;
    }
    if (campaign->scheme_crc == 0) {
        return FX_ERROR_SCHEME;
    }
    *resumed = same && campaign->state != FW_CAMPAIGN_NONE && campaign->state != FW_CAMPAIGN_FINISHED;
    if (!*resumed) {
        prepare_cells(board);
    }
    campaign->target_crc = target_crc;
    campaign->target_scheme_crc = campaign->scheme_crc;
    campaign->status = FX_OK;
    campaign->chip = FW_NO_CHIP;
    campaign->state = FW_CAMPAIGN_RUNNING;
    return FX_OK;
}

void campaign_end(firmware *board, uint8_t state, fx_status status) {
    campaign_state *campaign = &board->campaign;
    if (campaign->state != FW_CAMPAIGN_RUNNING) {
        return;
    }
    campaign->state = state;
    campaign->status = status;
    campaign->chip =
        status == FX_OK || state != FW_CAMPAIGN_FAILED ? FW_NO_CHIP : (uint8_t)board->front_end.failed_chip;
    uint8_t payload[FW_CAMPAIGN_ENDED_EVENT_SIZE];
    fw_campaign_ended_event event = {.state = state, .status = (uint16_t)status};
    fw_pack_campaign_ended_event(&event, payload);
    link_send_event(&board->link, FW_EVENT_CAMPAIGN_ENDED, payload, sizeof payload);
}

static void end_cell(campaign_state *campaign, campaign_cell *cell, uint8_t state) {
    cell->state = state;
    if (state == FW_CELL_IN_TOLERANCE) {
        campaign->in_tolerance++;
    } else {
        campaign->gave_up++;
    }
}

/* What a reading means for one pending cell. */
static void judge_cell(firmware *board, campaign_cell *cell, int32_t error) {
    campaign_state *campaign = &board->campaign;
    const fw_campaign_scheme_request *scheme = &campaign->scheme;
    bool in_tolerance = error <= scheme->tolerance && -error <= scheme->tolerance;
    bool first = campaign->cycle == 0;
    if (in_tolerance && (!first || (scheme->verify != 0 && scheme->skip != 0))) {
        end_cell(campaign, cell, FW_CELL_IN_TOLERANCE);
    } else if (campaign->cycle >= (scheme->verify != 0 ? scheme->max_cycles : 1)) {
        end_cell(campaign, cell, FW_CELL_GAVE_UP);
    } else if (!first) {
        int64_t step = ((int64_t)error * (int64_t)scheme->gate_correction) >> 16;
        cell->gate = (uint16_t)limited(cell->gate + step, scheme->gate_min, scheme->gate_max);
    }
}

static bool row_is_pending(const campaign_state *campaign) {
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        if (campaign->cells[campaign->row][column].state == FW_CELL_PENDING) {
            return true;
        }
    }
    return false;
}

static void next_row(firmware *board) {
    campaign_state *campaign = &board->campaign;
    uint8_t payload[FW_PROGRESS_EVENT_SIZE];
    fw_progress_event event = {campaign->cell_count, campaign->in_tolerance, campaign->gave_up, campaign->pulses};
    fw_pack_progress_event(&event, payload);
    link_send_event(&board->link, FW_EVENT_PROGRESS, payload, sizeof payload);
    campaign->row++;
    campaign->cycle = 0;
    campaign->step = CAMPAIGN_READ;
}

static fx_status read_row(firmware *board) {
    campaign_state *campaign = &board->campaign;
    int16_t rows[FW_ROWS] = {0};
    int16_t codes[FW_COLUMNS];
    rows[campaign->row] = FW_READ_CODE;
    fx_status status =
        front_end_convert(&board->front_end, campaign->scheme.range, campaign->scheme.log2_reads, rows, codes);
    if (status != FX_OK) {
        return status;
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        campaign_cell *cell = &campaign->cells[campaign->row][column];
        if (cell->state != FW_CELL_PENDING) {
            continue;
        }
        cell->code = codes[column];
        judge_cell(board, cell, target_code(board, campaign->row, column) - codes[column]);
    }
    campaign->step = CAMPAIGN_RESET;
    if (!row_is_pending(campaign)) {
        next_row(board);
    }
    return FX_OK;
}

/* Pulse the cells of the row whose gate is not 0 and go on to step `next`. A shot that was given counts and is not given
 * again by a resumed campaign, even when a chip failed right after it. */
static fx_status pulse_cells(firmware *board, int millivolts, uint32_t microseconds, const uint16_t gates[FW_COLUMNS],
                             campaign_step next) {
    campaign_state *campaign = &board->campaign;
    uint32_t cells = 0;
    int32_t detail = 0;
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        cells += gates[column] != 0;
    }
    if (cells == 0) {
        campaign->step = next;
        return FX_OK;
    }
    uint32_t before = board->front_end.pulses;
    fx_status status =
        limits_pulse(&board->limits, &board->front_end, campaign->row, millivolts, microseconds, gates, &detail);
    if (board->front_end.pulses != before) {
        campaign->pulses += cells;
        campaign->step = next;
    }
    return status;
}

/* A pending cell of the row, or NULL; one whose pulses are spent ends here. */
static campaign_cell *pulsable_cell(firmware *board, unsigned column) {
    campaign_state *campaign = &board->campaign;
    campaign_cell *cell = &campaign->cells[campaign->row][column];
    if (cell->state != FW_CELL_PENDING) {
        return NULL;
    }
    if (limits_cell_has_budget(&board->limits, campaign->row, column)) {
        return cell;
    }
    end_cell(campaign, cell, FW_CELL_BUDGET_SPENT);
    return NULL;
}

static fx_status reset_row(firmware *board) {
    campaign_state *campaign = &board->campaign;
    const fw_campaign_scheme_request *scheme = &campaign->scheme;
    bool all = campaign->cycle == 0 && !(scheme->verify != 0 && scheme->skip != 0);
    uint16_t gates[FW_COLUMNS] = {0};
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        const campaign_cell *cell = pulsable_cell(board, column);
        if (cell != NULL && (all || cell->code - target_code(board, campaign->row, column) > scheme->tolerance)) {
            gates[column] = scheme->reset_gate;
        }
    }
    return pulse_cells(board, scheme->reset_millivolts, scheme->reset_microseconds, gates, CAMPAIGN_SET);
}

static fx_status set_row(firmware *board) {
    campaign_state *campaign = &board->campaign;
    const fw_campaign_scheme_request *scheme = &campaign->scheme;
    campaign_cell *cells[FW_COLUMNS];
    uint16_t gates[FW_COLUMNS] = {0};
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        cells[column] = pulsable_cell(board, column);
        if (cells[column] != NULL) {
            gates[column] = cells[column]->gate;
        }
    }
    fx_status status = pulse_cells(board, scheme->set_millivolts, scheme->set_microseconds, gates, CAMPAIGN_READ);
    if (campaign->step != CAMPAIGN_READ) {
        return status;
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        if (cells[column] != NULL) {
            cells[column]->cycles = (uint8_t)limited(cells[column]->cycles + 1, 0, UINT8_MAX);
        }
    }
    campaign->cycle++;
    return status;
}

static fx_status advance(firmware *board) {
    switch (board->campaign.step) {
    case CAMPAIGN_READ:
        return read_row(board);
    case CAMPAIGN_RESET:
        return reset_row(board);
    default:
        return set_row(board);
    }
}

static void finish(firmware *board) {
    fx_status status = front_end_rest(&board->front_end);
    campaign_end(board, status == FX_OK ? FW_CAMPAIGN_FINISHED : FW_CAMPAIGN_FAILED, status);
}

bool campaign_poll(firmware *board) {
    campaign_state *campaign = &board->campaign;
    if (campaign->state != FW_CAMPAIGN_RUNNING) {
        return false;
    }
    while (campaign->row < FW_ROWS && campaign->step == CAMPAIGN_READ && !row_is_pending(campaign) &&
           campaign->cycle == 0) {
        campaign->row++;
    }
    if (campaign->row == FW_ROWS) {
        finish(board);
        return true;
    }
    fx_status status = advance(board);
    if (status != FX_OK) {
        campaign_end(board, FW_CAMPAIGN_FAILED, status);
    }
    return true;
}
