/* What sweeps must satisfy, alone and in their phases; fxlstm/program/image/sweep_rules.py holds the same rules. */
#include "checks.h"
#include "phase.h"

static bool sweep_right(const fx_sweep *sweep, uint32_t arena_length) {
    bool steps = sweep->step_operations <= sweep->operations &&
                 (sweep->period == 1 || sweep->step_operations == sweep->operations);
    return sweep->reverse <= 1 && sweep->returns_last <= 1 && sweep->reserved == 0 && sweep->period >= 1 && steps &&
           fx_inside(sweep->input_start, sweep->input_length, arena_length) &&
           fx_inside(sweep->output_start, sweep->output_length, arena_length);
}

/* Whether what a sweep has of its phase is right for its place there. */
static bool place_right(const fx_sweep *sweep, bool first, bool last, bool streams) {
    if (last ? sweep->reverse != 0 : sweep->returns_last != 0 || sweep->step_operations != sweep->operations) {
        return false;
    }
    return !streams || ((first || sweep->input_length == 0) && (last || sweep->output_length == 0));
}

static fx_status check_phase(const fx_phase *phase) {
    uint64_t width = phase->input_length;
    for (uint32_t i = 0; i < phase->sweep_count; i++) {
        const fx_sweep *sweep = phase->sweeps + i;
        if ((uint64_t)sweep->source + sweep->input_length > width) {
            return FX_ERROR_IMAGE_SWEEPS;
        }
        if (!place_right(sweep, i == 0, i + 1 == phase->sweep_count, phase->streams)) {
            return FX_ERROR_IMAGE_PHASES;
        }
        width += sweep->output_length;
    }
    return FX_OK;
}

/* Phases are numbered 0, 1, ... in order; the first has an input, the last an output. */
static bool phases_right(const fx_program *program) {
    const fx_sweep *sweeps = program->sweeps;
    bool right = sweeps[0].phase == 0;
    for (uint32_t i = 1; i < program->sweep_count; i++) {
        right = right && (sweeps[i].phase == sweeps[i - 1].phase || sweeps[i].phase == sweeps[i - 1].phase + 1);
    }
    return right && sweeps[0].input_length >= 1 && sweeps[program->sweep_count - 1].output_length >= 1;
}

fx_status fx_check_sweeps(const fx_program *program) {
    uint64_t operations = 0;
    for (uint32_t i = 0; i < program->sweep_count; i++) {
        if (!sweep_right(program->sweeps + i, program->header->arena_length)) {
            return FX_ERROR_IMAGE_SWEEPS;
        }
        operations += program->sweeps[i].operations;
    }
    if (program->sweep_count == 0 || operations != program->operation_count) {
        return FX_ERROR_IMAGE_SWEEPS;
    }
    fx_status status = phases_right(program) ? FX_OK : FX_ERROR_IMAGE_PHASES;
    fx_phase phase = fx_program_phase(program, 0);
    while (status == FX_OK && phase.sweep_count > 0) {
        status = check_phase(&phase);
        phase = fx_phase_after(program, &phase);
    }
    return status;
}
