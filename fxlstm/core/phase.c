/* Phases: runs of sweeps of one phase number. */
#include "phase.h"

/* The phase that begins at a sweep; empty past the last sweep. */
static fx_phase phase_at(const fx_program *program, uint32_t first_sweep, uint32_t first_operation) {
    fx_phase phase = {.sweeps = program->sweeps + first_sweep, .first_operation = first_operation, .streams = true};
    uint32_t end = first_sweep;
    uint64_t given = 0; /* codes that all sweeps give */
    while (end < program->sweep_count && program->sweeps[end].phase == phase.sweeps->phase) {
        phase.streams = phase.streams && program->sweeps[end].reverse == 0;
        given += program->sweeps[end].output_length;
        end++;
    }
    phase.sweep_count = end - first_sweep;
    if (phase.sweep_count > 0) {
        const fx_sweep *first = phase.sweeps, *last = program->sweeps + end - 1;
        phase.input_start = first->input_start;
        phase.input_length = first->input_length;
        phase.output_start = last->output_start;
        phase.output_length = last->output_length;
        phase.returns_last = last->returns_last != 0;
        phase.record_length = phase.streams ? 0 : first->input_length + given - last->output_length;
    }
    return phase;
}

fx_phase fx_phase_after(const fx_program *program, const fx_phase *phase) {
    uint32_t operation = phase->first_operation;
    for (uint32_t i = 0; i < phase->sweep_count; i++) {
        operation += phase->sweeps[i].operations;
    }
    return phase_at(program, (uint32_t)(phase->sweeps - program->sweeps) + phase->sweep_count, operation);
}

fx_phase fx_program_phase(const fx_program *program, uint32_t index) {
    fx_phase phase = phase_at(program, 0, 0);
    for (uint32_t i = 0; i < index && phase.sweep_count > 0; i++) {
        phase = fx_phase_after(program, &phase);
    }
    return phase;
}

bool fx_program_streams(const fx_program *program) {
    bool streams = true;
    for (uint32_t i = 0; i < program->sweep_count; i++) {
        streams = streams && program->sweeps[i].reverse == 0;
    }
    return streams;
}

uint64_t fx_record_length(const fx_program *program) {
    uint64_t longest = 0;
    for (fx_phase phase = phase_at(program, 0, 0); phase.sweep_count > 0; phase = fx_phase_after(program, &phase)) {
        longest = phase.record_length > longest ? phase.record_length : longest;
    }
    return longest;
}
