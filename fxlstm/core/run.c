/* Runs programs: steps through the operations, carries the state from one timestep to the next, sweeps over sequences. */
#include <string.h>

#include "fxlstm.h"
#include "operations.h"

static fx_status run_operations(fx_executor *executor, uint32_t first, uint32_t end) {
    fx_status status = FX_OK;
    for (uint32_t i = first; i < end && status == FX_OK; i++) {
        status = fx_operation_run(executor, executor->program->operations + i, executor->clipped + i);
    }
    return status;
}

/* Copy `length` codes for each sequence into its arena; `stride` is from one sequence's codes to the next's. */
static void put(fx_executor *executor, uint32_t start, uint32_t length, const int16_t *codes, size_t stride) {
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        int16_t *arena = executor->arenas + sequence * executor->arena_stride;
        memcpy(arena + start, codes + sequence * stride, length * sizeof *codes);
    }
}

static void get(const fx_executor *executor, uint32_t start, uint32_t length, int16_t *codes, size_t stride) {
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        const int16_t *arena = executor->arenas + sequence * executor->arena_stride;
        memcpy(codes + sequence * stride, arena + start, length * sizeof *codes);
    }
}

fx_status fx_put_state(fx_executor *executor, uint32_t start, uint32_t length, const int16_t *codes) {
    uint32_t arena_length = executor->program->header->arena_length;
    if (start > arena_length || length > arena_length - start) {
        return FX_ERROR_ARGUMENT;
    }
    put(executor, start, length, codes, length);
    return FX_OK;
}

/* The program's last operations on what stands at its input slice; `outputs` may be NULL. */
static fx_status finish_step(fx_executor *executor, uint32_t first, int16_t *outputs, size_t output_stride) {
    const fx_program *program = executor->program;
    fx_status status = run_operations(executor, first, program->header->step_operations);
    if (status != FX_OK || outputs == NULL) {
        return status;
    }
    status = run_operations(executor, program->header->step_operations, program->operation_count);
    if (status == FX_OK) {
        get(executor, program->header->output_start, program->header->output_length, outputs, output_stride);
    }
    return status;
}

/* One timestep of a program that streams; strides are in codes from one sequence to the next; `outputs` may be NULL. */
static fx_status step(fx_executor *executor, const int16_t *inputs, size_t input_stride, int16_t *outputs,
                      size_t output_stride) {
    const fx_header *header = executor->program->header;
    put(executor, header->input_start, header->input_length, inputs, input_stride);
    return finish_step(executor, 0, outputs, output_stride);
}

fx_status fx_step(fx_executor *executor, const int16_t *inputs, int16_t *outputs) {
    const fx_header *header = executor->program->header;
    if (!fx_program_streams(executor->program)) {
        return FX_ERROR_WHOLE_SEQUENCE;
    }
    return step(executor, inputs, header->input_length, outputs, header->output_length);
}

/* ---- programs of several sweeps: each reads from and adds to one record per timestep */

bool fx_program_streams(const fx_program *program) {
    return program->sweep_count <= 1;
}

uint64_t fx_record_length(const fx_program *program) {
    uint64_t length = program->header->input_length;
    for (uint32_t i = 0; i + 1 < program->sweep_count; i++) {
        length += program->sweeps[i].output_length;
    }
    return fx_program_streams(program) ? 0 : length;
}

static void keep(fx_executor *executor, size_t timestep, const int16_t *inputs, size_t stride) {
    uint32_t length = executor->program->header->input_length;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        int16_t *records = executor->records + sequence * executor->record_stride;
        memcpy(records + timestep * executor->record_length, inputs + sequence * stride, length * sizeof *inputs);
    }
}

fx_status fx_keep(fx_executor *executor, size_t timestep, const int16_t *inputs) {
    if (timestep >= executor->timesteps) {
        return FX_ERROR_SEQUENCE_TOO_LONG;
    }
    keep(executor, timestep, inputs, executor->program->header->input_length);
    return FX_OK;
}

/* Where a sweep finds what it reads at a timestep. */
static void put_record(fx_executor *executor, const fx_sweep *sweep, size_t timestep) {
    const int16_t *record = executor->records + timestep * executor->record_length;
    put(executor, sweep->input_start, sweep->input_length, record + sweep->source, executor->record_stride);
}

/* One sweep over all timesteps; what it gives is added to each record at `target`. */
static fx_status sweep_over(fx_executor *executor, const fx_sweep *sweep, uint32_t first, size_t target,
                            size_t timesteps) {
    fx_status status = FX_OK;
    for (size_t i = 0; i < timesteps && status == FX_OK; i++) {
        size_t timestep = sweep->reverse != 0 ? timesteps - 1 - i : i;
        int16_t *record = executor->records + timestep * executor->record_length;
        put_record(executor, sweep, timestep);
        status = run_operations(executor, first, first + sweep->operations);
        get(executor, sweep->output_start, sweep->output_length, record + target, executor->record_stride);
    }
    return status;
}

fx_status fx_sweep_over(fx_executor *executor, size_t timesteps) {
    const fx_program *program = executor->program;
    uint32_t first = 0;
    size_t target = program->header->input_length;
    fx_status status = timesteps <= executor->timesteps ? FX_OK : FX_ERROR_SEQUENCE_TOO_LONG;
    for (uint32_t i = 0; i + 1 < program->sweep_count && status == FX_OK; i++) {
        const fx_sweep *sweep = program->sweeps + i;
        status = sweep_over(executor, sweep, first, target, timesteps);
        first += sweep->operations;
        target += sweep->output_length;
    }
    return status;
}

/* One timestep of the last sweep. */
static fx_status finish(fx_executor *executor, size_t timestep, int16_t *outputs, size_t output_stride) {
    const fx_program *program = executor->program;
    const fx_sweep *last = program->sweeps + program->sweep_count - 1;
    put_record(executor, last, timestep);
    return finish_step(executor, program->operation_count - last->operations, outputs, output_stride);
}

fx_status fx_finish(fx_executor *executor, size_t timestep, int16_t *outputs) {
    if (timestep >= executor->timesteps) {
        return FX_ERROR_SEQUENCE_TOO_LONG;
    }
    return finish(executor, timestep, outputs, executor->program->header->output_length);
}

/* ---- whole sequences */

/* Keep all inputs and run all sweeps but the last. */
static fx_status prepare(fx_executor *executor, size_t timesteps, const int16_t *inputs) {
    uint32_t length = executor->program->header->input_length;
    if (timesteps > executor->timesteps) {
        return FX_ERROR_SEQUENCE_TOO_LONG;
    }
    for (size_t t = 0; t < timesteps; t++) {
        keep(executor, t, inputs + t * length, timesteps * length);
    }
    return fx_sweep_over(executor, timesteps);
}

fx_status fx_run(fx_executor *executor, size_t timesteps, const int16_t *inputs, int16_t *outputs) {
    const fx_header *header = executor->program->header;
    bool last_only = header->returns_last != 0, streams = fx_program_streams(executor->program);
    size_t output_stride = last_only ? header->output_length : timesteps * header->output_length;
    if (timesteps == 0 && outputs != NULL) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = streams ? FX_OK : prepare(executor, timesteps, inputs);
    for (size_t t = 0; t < timesteps && status == FX_OK; t++) {
        bool wanted = outputs != NULL && (!last_only || t + 1 == timesteps);
        int16_t *at = wanted ? outputs + (last_only ? 0 : t * header->output_length) : NULL;
        const int16_t *from = inputs + t * header->input_length;
        status = streams ? step(executor, from, timesteps * header->input_length, at, output_stride)
                         : finish(executor, t, at, output_stride);
    }
    return status;
}
