/* Schemes: unpacked by kind, checked.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/scheme.h"

#include "app/limits.h"

enum { LADDERS_SIZE = FW_INCREMENTAL_SCHEME_SIZE + 2 * FW_LADDER_SIZE };

static fx_status check_pulse(int millivolts, uint32_t microseconds, uint16_t gate, int32_t *detail) {
    fx_status status = limits_check_pulse(millivolts, microseconds, detail);
    return status == FX_OK ? limits_check_gate(gate, detail) : status;
}

static fx_status check_gates(const fw_gate_scheme *gate, int32_t *detail) {
    if (gate->max_cycles == 0 || gate->set_millivolts < 0 || gate->reset_millivolts > 0 ||
        gate->gate_min > gate->gate_max) {
        return FX_ERROR_SCHEME;
    }
    fx_status status = check_pulse(gate->set_millivolts, gate->set_microseconds, gate->gate_max, detail);
    if (status == FX_OK) {
        status = check_pulse(gate->reset_millivolts, gate->reset_microseconds, gate->reset_gate, detail);
    }
    return status;
}

/* `sign` is that of the polarity. The strongest pulse is within the limits only if all are. */
static fx_status check_ladder(const fw_ladder *ladder, int sign, int32_t *detail) {
    if (sign * ladder->millivolts <= 0 || sign * ladder->step_millivolts < 0 ||
        sign * ladder->most_millivolts < sign * ladder->millivolts || ladder->gate == 0) {
        return FX_ERROR_SCHEME;
    }
    return check_pulse(ladder->most_millivolts, ladder->microseconds, ladder->gate, detail);
}

static fx_status check_ladders(const scheme_ladders *ladders, int32_t *detail) {
    if (ladders->ends.most_pulses == 0) {
        return FX_ERROR_SCHEME;
    }
    fx_status status = check_ladder(&ladders->up, 1, detail);
    return status == FX_OK ? check_ladder(&ladders->down, -1, detail) : status;
}

static void unpack_ladders(scheme_ladders *ladders, const uint8_t *bytes) {
    fw_unpack_incremental_scheme(&ladders->ends, bytes);
    fw_unpack_ladder(&ladders->up, bytes + FW_INCREMENTAL_SCHEME_SIZE);
    fw_unpack_ladder(&ladders->down, bytes + FW_INCREMENTAL_SCHEME_SIZE + FW_LADDER_SIZE);
}

fx_status scheme_unpack(programming_scheme *taken, const uint8_t *payload, size_t size, int32_t *detail) {
    fw_campaign_scheme_request *common = &taken->common;
    fw_unpack_campaign_scheme_request(common, payload);
    *detail = 0;
    if (common->kind > FW_SCHEME_INCREMENTAL || common->range >= FW_RANGE_COUNT ||
        common->log2_reads > FW_MAX_LOG2_READS || common->passes == 0) {
        return FX_ERROR_SCHEME;
    }
    bool by_gates = common->kind == FW_SCHEME_GATE;
    if (size != FW_CAMPAIGN_SCHEME_REQUEST_SIZE + (by_gates ? FW_GATE_SCHEME_SIZE : LADDERS_SIZE)) {
        *detail = (int32_t)size;
        return FX_ERROR_FRAME_LENGTH;
    }
    if (by_gates) {
        fw_unpack_gate_scheme(&taken->gate, payload + FW_CAMPAIGN_SCHEME_REQUEST_SIZE);
        return check_gates(&taken->gate, detail);
    }
    unpack_ladders(&taken->ladders, payload + FW_CAMPAIGN_SCHEME_REQUEST_SIZE);
    return check_ladders(&taken->ladders, detail);
}

unsigned ladder_top(const fw_ladder *ladder) {
    if (ladder->step_millivolts == 0) {
        return 0;
    }
    int step = ladder->step_millivolts < 0 ? -ladder->step_millivolts : ladder->step_millivolts;
    int span = ladder->most_millivolts - ladder->millivolts;
    return (unsigned)(((span < 0 ? -span : span) + step - 1) / step);
}

int ladder_millivolts(const fw_ladder *ladder, unsigned rung) {
    return rung >= ladder_top(ladder) ? ladder->most_millivolts
                                      : ladder->millivolts + (int)rung * ladder->step_millivolts;
}
