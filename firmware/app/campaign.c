/* Rows, cells and passes of a campaign.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/campaign.h"

#include <string.h>

#include "app/firmware.h"
#include "app/gate_scheme.h"

typedef struct {
    void (*judge)(firmware *board, unsigned column, int32_t error); /* what a reading means for a pending cell */
    fx_status (*pulse)(firmware *board);                            /* the next pulse of the round */
} scheme_kind;

static const scheme_kind KINDS[] = {
    [FW_SCHEME_GATE] = {gate_scheme_judge, gate_scheme_pulse},
    [FW_SCHEME_INCREMENTAL] = {incremental_judge, incremental_pulse},
};

fx_status campaign_take_scheme(firmware *board, const uint8_t *payload, size_t size, int32_t *detail) {
    campaign_state *campaign = &board->campaign;
    programming_scheme taken;
    uint32_t crc = fx_crc32(0, payload, size);
    if (campaign->state == FW_CAMPAIGN_RUNNING) {
        return crc == campaign->scheme_crc ? FX_OK : FX_ERROR_BUSY;
    }
    fx_status status = scheme_unpack(&taken, payload, size, detail);
    if (status == FX_OK) {
        campaign->scheme = taken;
        campaign->scheme_crc = crc;
    }
    return status;
}

static void begin_row(campaign_state *campaign, unsigned row) {
    campaign->row = (uint16_t)row;
    campaign->cycle = 0;
    campaign->step = CAMPAIGN_READ;
}

/* All cells with a target are pending, whatever the pass before made of them. */
static void begin_pass(firmware *board) {
    campaign_state *campaign = &board->campaign;
    campaign->cell_count = campaign->in_tolerance = campaign->gave_up = 0;
    begin_row(campaign, 0);
    for (unsigned row = 0; row < FW_ROWS; row++) {
        for (unsigned column = 0; column < FW_COLUMNS; column++) {
            bool wanted = objects_target(&board->objects, row, column) != OBJECTS_LEAVE_ALONE;
            campaign->cells[row][column].state = wanted ? FW_CELL_PENDING : FW_CELL_UNTOUCHED;
            campaign->cell_count = (uint16_t)(campaign->cell_count + wanted);
        }
    }
}

static void begin_anew(firmware *board) {
    campaign_state *campaign = &board->campaign;
    memset(campaign->cells, 0, FW_ROWS * sizeof *campaign->cells);
    campaign->pulses = campaign->milliseconds = 0;
    campaign->passes_before = 0;
    begin_pass(board);
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
        begin_anew(board);
    }
    campaign->target_crc = target_crc;
    campaign->target_scheme_crc = campaign->scheme_crc;
    campaign->status = FX_OK;
    campaign->chip = FW_NO_CHIP;
    campaign->runs_since = uptime_milliseconds(&board->uptime);
    campaign->state = FW_CAMPAIGN_RUNNING;
    return FX_OK;
}

uint32_t campaign_milliseconds(const firmware *board) {
    const campaign_state *campaign = &board->campaign;
    uint32_t running = uptime_milliseconds(&board->uptime) - campaign->runs_since;
    return campaign->milliseconds + (campaign->state == FW_CAMPAIGN_RUNNING ? running : 0);
}

void campaign_end(firmware *board, uint8_t state, fx_status status) {
    campaign_state *campaign = &board->campaign;
    if (campaign->state != FW_CAMPAIGN_RUNNING) {
        return;
    }
    campaign->milliseconds = campaign_milliseconds(board);
    campaign->state = state;
    campaign->status = status;
    campaign->chip =
        status == FX_OK || state != FW_CAMPAIGN_FAILED ? FW_NO_CHIP : (uint8_t)board->front_end.failed_chip;
    uint8_t payload[FW_CAMPAIGN_ENDED_EVENT_SIZE];
    fw_campaign_ended_event event = {.state = state, .status = (uint16_t)status};
    fw_pack_campaign_ended_event(&event, payload);
    link_send_event(&board->link, FW_EVENT_CAMPAIGN_ENDED, payload, sizeof payload);
}

campaign_cell *campaign_cell_at(campaign_state *campaign, unsigned column) {
    return &campaign->cells[campaign->row][column];
}

int32_t campaign_target_code(const firmware *board, unsigned column) {
    const campaign_state *campaign = &board->campaign;
    const fw_campaign_scheme_request *common = &campaign->scheme.common;
    int64_t units = (int64_t)common->base_units + objects_target(&board->objects, campaign->row, column);
    unsigned shift = front_end_unit_shift(common->range);
    int64_t code = (FW_READ_CODE * units + ((int64_t)1 << (shift - 1))) >> shift;
    return code > INT16_MAX ? INT16_MAX : (int32_t)code;
}

bool campaign_in_tolerance(const campaign_state *campaign, int32_t error) {
    int32_t tolerance = campaign->scheme.common.tolerance;
    return -tolerance <= error && error <= tolerance;
}

void campaign_end_cell(campaign_state *campaign, campaign_cell *cell, unsigned state) {
    cell->state = state & 7u;
    if (state == FW_CELL_IN_TOLERANCE) {
        campaign->in_tolerance++;
    } else {
        campaign->gave_up++;
    }
}

campaign_cell *campaign_pulsable_cell(firmware *board, unsigned column) {
    campaign_state *campaign = &board->campaign;
    campaign_cell *cell = campaign_cell_at(campaign, column);
    if (cell->state != FW_CELL_PENDING) {
        return NULL;
    }
    if (limits_cell_has_budget(&board->limits, campaign->row, column)) {
        return cell;
    }
    campaign_end_cell(campaign, cell, FW_CELL_BUDGET_SPENT);
    return NULL;
}

fx_status campaign_pulse(firmware *board, int millivolts, uint32_t microseconds, const uint16_t gates[FW_COLUMNS],
                         bool *given) {
    campaign_state *campaign = &board->campaign;
    uint32_t cells = 0;
    int32_t detail = 0;
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        cells += gates[column] != 0;
    }
    *given = cells == 0;
    if (*given) {
        return FX_OK;
    }
    uint32_t before = board->front_end.pulses;
    fx_status status =
        limits_pulse(&board->limits, &board->front_end, campaign->row, millivolts, microseconds, gates, &detail);
    *given = board->front_end.pulses != before;
    campaign->pulses += *given ? cells : 0;
    return status;
}

void campaign_round_done(campaign_state *campaign) {
    campaign->cycle++;
    campaign->step = CAMPAIGN_READ;
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
    begin_row(campaign, campaign->row + 1u);
}

static void judge(firmware *board, unsigned column, int16_t code) {
    campaign_state *campaign = &board->campaign;
    campaign_cell *cell = campaign_cell_at(campaign, column);
    if (cell->state != FW_CELL_PENDING) {
        return;
    }
    cell->code = code;
    if (campaign->cycle > 0 && cell->cycles < CAMPAIGN_MOST_CYCLES) {
        cell->cycles++;
    }
    KINDS[campaign->scheme.common.kind].judge(board, column, campaign_target_code(board, column) - code);
}

static fx_status read_row(firmware *board) {
    campaign_state *campaign = &board->campaign;
    const fw_campaign_scheme_request *common = &campaign->scheme.common;
    int16_t rows[FW_ROWS] = {0};
    int16_t codes[FW_COLUMNS];
    rows[campaign->row] = FW_READ_CODE;
    const front_end_reading how = {common->range, common->log2_reads, 0, FW_COLUMNS};
    fx_status status = front_end_convert(&board->front_end, &how, rows, codes);
    if (status != FX_OK) {
        return status;
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        judge(board, column, codes[column]);
    }
    campaign->step = campaign->cycle == 0 ? CAMPAIGN_CHECK : CAMPAIGN_PULSE;
    campaign->shot = 0;
    if (!row_is_pending(campaign)) {
        next_row(board);
    }
    return FX_OK;
}

static fx_status check_rows(firmware *board) {
    fx_status status = safety_check_rows(board);
    if (status == FX_OK) {
        board->campaign.step = CAMPAIGN_PULSE;
    }
    return status;
}

/* All rows are done: wait for the next pass, or finish. */
static fx_status end_pass(firmware *board) {
    campaign_state *campaign = &board->campaign;
    fx_status status = front_end_rest(&board->front_end);
    if (status != FX_OK) {
        return status;
    }
    if (campaign->passes_before + 1 >= campaign->scheme.common.passes) {
        campaign_end(board, FW_CAMPAIGN_FINISHED, FX_OK);
    } else {
        campaign->waits_since = uptime_milliseconds(&board->uptime);
        campaign->step = CAMPAIGN_WAIT;
    }
    return FX_OK;
}

static fx_status advance(firmware *board) {
    campaign_state *campaign = &board->campaign;
    while (campaign->row < FW_ROWS && campaign->step == CAMPAIGN_READ && campaign->cycle == 0 &&
           !row_is_pending(campaign)) {
        campaign->row++;
    }
    if (campaign->row == FW_ROWS) {
        return end_pass(board);
    }
    switch (campaign->step) {
    case CAMPAIGN_READ:
        return read_row(board);
    case CAMPAIGN_CHECK:
        return check_rows(board);
    default:
        return KINDS[campaign->scheme.common.kind].pulse(board);
    }
}

static bool waits(firmware *board) {
    campaign_state *campaign = &board->campaign;
    uint32_t waited = uptime_milliseconds(&board->uptime) - campaign->waits_since;
    return campaign->step == CAMPAIGN_WAIT && waited < campaign->scheme.common.wait_milliseconds;
}

bool campaign_poll(firmware *board) {
    campaign_state *campaign = &board->campaign;
    if (campaign->state != FW_CAMPAIGN_RUNNING || waits(board)) {
        return false;
    }
    if (campaign->step == CAMPAIGN_WAIT) {
        campaign->passes_before++;
        begin_pass(board);
    }
    fx_status status = advance(board);
    if (status != FX_OK) {
        campaign_end(board, FW_CAMPAIGN_FAILED, status);
        front_end_rest(&board->front_end);
    }
    return true;
}
