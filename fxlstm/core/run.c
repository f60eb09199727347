/* Runs programs: steps through the operations, carries the state from one timestep to the next, sweeps over sequences. */
#include <string.h>

#include "fxlstm.h"
#include "operations.h"

static fx_status run_operations(fx_executor *executor, uint32_t first, uint32_t end) {
    fx_status status = FX_OK;
    if (executor->runner != NULL) {
        return executor->runner->run(executor, first, end);
    }
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

static bool in_arena(const fx_executor *executor, uint32_t start, uint32_t length) {
    uint32_t arena_length = executor->program->header->arena_length;
    return start <= arena_length && length <= arena_length - start;
}

fx_status fx_put_state(fx_executor *executor, uint32_t start, uint32_t length, const int16_t *codes) {
    if (!in_arena(executor, start, length)) {
        return FX_ERROR_ARGUMENT;
    }
    put(executor, start, length, codes, length);
    return FX_OK;
}

fx_status fx_get_state(const fx_executor *executor, uint32_t start, uint32_t length, int16_t *codes) {
    if (!in_arena(executor, start, length)) {
        return FX_ERROR_ARGUMENT;
    }
    get(executor, start, length, codes, length);
    return FX_OK;
}

fx_status fx_select(fx_executor *executor, uint32_t phase) {
    if (phase >= executor->program->phase_count) {
        return FX_ERROR_ARGUMENT;
    }
    executor->phase = fx_program_phase(executor->program, phase);
    executor->timestep = 0;
    executor->ahead = 0;
    return FX_OK;
}

/* A sweep's operations at one timestep, those that follow its step operations only where an output is wanted. */
static fx_status run_sweep(fx_executor *executor, const fx_sweep *sweep, uint32_t first, uint64_t timestep,
                           bool wanted) {
    if (sweep->period != 1 && (timestep + 1) % sweep->period != 0) {
        return FX_OK;
    }
    return run_operations(executor, first, first + (wanted ? sweep->operations : sweep->step_operations));
}

/* ---- phases that stream */

/* One timestep of all sweeps; strides are in codes from one sequence to the next; `inputs` and `outputs` may be NULL. */
static fx_status step(fx_executor *executor, const int16_t *inputs, size_t input_stride, int16_t *outputs,
                      size_t output_stride) {
    const fx_phase *phase = &executor->phase;
    uint32_t first = phase->first_operation;
    fx_status status = FX_OK;
    if (inputs != NULL) {
        put(executor, phase->input_start, phase->input_length, inputs, input_stride);
    }
    for (uint32_t i = 0; i < phase->sweep_count && status == FX_OK; i++) {
        status = run_sweep(executor, phase->sweeps + i, first, executor->timestep, outputs != NULL);
        first += phase->sweeps[i].operations;
    }
    executor->timestep++;
    executor->ahead -= executor->ahead > 0;
    if (status == FX_OK && outputs != NULL) {
        get(executor, phase->output_start, phase->output_length, outputs, output_stride);
    }
    return status;
}

fx_status fx_step(fx_executor *executor, const int16_t *inputs, int16_t *outputs) {
    const fx_phase *phase = &executor->phase;
    if (!phase->streams) {
        return FX_ERROR_WHOLE_SEQUENCE;
    }
    return step(executor, inputs, phase->input_length, outputs, phase->output_length);
}

/* ---- phases that do not: each sweep reads from and adds to one record per timestep */

static fx_status check_kept(const fx_executor *executor, size_t timesteps) {
    if (executor->phase.streams) {
        return FX_ERROR_ARGUMENT;
    }
    return timesteps <= executor->timesteps ? FX_OK : FX_ERROR_SEQUENCE_TOO_LONG;
}

/* The first sequence's record of a timestep. */
static int16_t *record_of(const fx_executor *executor, size_t timestep) {
    return executor->records + timestep * (size_t)executor->phase.record_length;
}

static void keep(fx_executor *executor, size_t timestep, const int16_t *inputs, size_t stride) {
    int16_t *record = record_of(executor, timestep);
    size_t bytes = executor->phase.input_length * sizeof *inputs;
    for (uint32_t sequence = 0; sequence < executor->batch && bytes > 0; sequence++) {
        memcpy(record + sequence * executor->record_stride, inputs + sequence * stride, bytes);
    }
}

fx_status fx_keep(fx_executor *executor, size_t timestep, const int16_t *inputs) {
    fx_status status = timestep < SIZE_MAX ? check_kept(executor, timestep + 1) : FX_ERROR_SEQUENCE_TOO_LONG;
    if (status == FX_OK) {
        keep(executor, timestep, inputs, executor->phase.input_length);
    }
    return status;
}

/* Where a sweep finds what it reads at a timestep. */
static void put_record(fx_executor *executor, const fx_sweep *sweep, size_t timestep) {
    put(executor, sweep->input_start, sweep->input_length, record_of(executor, timestep) + sweep->source,
        executor->record_stride);
}

/* One timestep of one sweep before the last, the `i`-th that it runs; what it gives is added to the record. */
static fx_status sweep_at(fx_executor *executor, uint32_t index, size_t timesteps, size_t i) {
    const fx_phase *phase = &executor->phase;
    const fx_sweep *sweep = phase->sweeps + index;
    uint32_t first = phase->first_operation;
    size_t target = phase->input_length;
    for (const fx_sweep *earlier = phase->sweeps; earlier < sweep; earlier++) {
        first += earlier->operations;
        target += earlier->output_length;
    }
    size_t timestep = sweep->reverse != 0 ? timesteps - 1 - i : i;
    put_record(executor, sweep, timestep);
    fx_status status = run_sweep(executor, sweep, first, timestep, true);
    get(executor, sweep->output_start, sweep->output_length, record_of(executor, timestep) + target,
        executor->record_stride);
    return status;
}

fx_status fx_sweep_step(fx_executor *executor, size_t timesteps, size_t step) {
    fx_status status = check_kept(executor, timesteps);
    if (status != FX_OK) {
        return status;
    }
    if (timesteps == 0 || step / timesteps >= executor->phase.sweep_count - 1) {
        return FX_ERROR_ARGUMENT;
    }
    return sweep_at(executor, (uint32_t)(step / timesteps), timesteps, step % timesteps);
}

fx_status fx_sweep_over(fx_executor *executor, size_t timesteps) {
    fx_status status = check_kept(executor, timesteps);
    for (uint32_t index = 0; index + 1 < executor->phase.sweep_count; index++) {
        for (size_t i = 0; i < timesteps && status == FX_OK; i++) {
            status = sweep_at(executor, index, timesteps, i);
        }
    }
    return status;
}

/* One timestep of the last sweep. */
static fx_status finish(fx_executor *executor, size_t timestep, int16_t *outputs, size_t output_stride) {
    const fx_phase *phase = &executor->phase;
    const fx_sweep *last = phase->sweeps + phase->sweep_count - 1;
    uint32_t first = phase->first_operation;
    for (const fx_sweep *sweep = phase->sweeps; sweep < last; sweep++) {
        first += sweep->operations;
    }
    put_record(executor, last, timestep);
    fx_status status = run_sweep(executor, last, first, timestep, outputs != NULL);
    if (status == FX_OK && outputs != NULL) {
        get(executor, phase->output_start, phase->output_length, outputs, output_stride);
    }
    return status;
}

fx_status fx_finish(fx_executor *executor, size_t timestep, int16_t *outputs) {
    fx_status status = timestep < SIZE_MAX ? check_kept(executor, timestep + 1) : FX_ERROR_SEQUENCE_TOO_LONG;
    return status == FX_OK ? finish(executor, timestep, outputs, executor->phase.output_length) : status;
}

/* ---- whole sequences */

/* Keep all inputs and run all sweeps but the last. */
static fx_status prepare(fx_executor *executor, size_t given, size_t timesteps, const int16_t *inputs) {
    size_t length = executor->phase.input_length;
    fx_status status = check_kept(executor, timesteps);
    if (status != FX_OK || (length > 0 && given != timesteps)) {
        return status != FX_OK ? status : FX_ERROR_ARGUMENT;
    }
    for (size_t t = 0; t < timesteps && length > 0; t++) {
        keep(executor, t, inputs + t * length, timesteps * length);
    }
    return fx_sweep_over(executor, timesteps);
}

/* Let a plan multiply the inputs of the next `timesteps` together. More sequences than one share their weights anyway.
 * Returns whether to ask again once these have run: not where nothing of the phase can be multiplied ahead. */
static bool look_ahead(fx_executor *executor, const int16_t *inputs, size_t timesteps) {
    if (executor->ahead == 0) {
        executor->runner->look_ahead(executor, inputs, timesteps);
    }
    return executor->ahead > 0;
}

static bool may_look_ahead(const fx_executor *executor) {
    return executor->plan != NULL && executor->batch == 1 && executor->array == NULL && executor->phase.streams;
}

fx_status fx_run(fx_executor *executor, size_t given, size_t timesteps, const int16_t *inputs, int16_t *outputs) {
    const fx_phase *phase = &executor->phase;
    size_t in = phase->input_length, out = phase->output_length;
    size_t output_stride = phase->returns_last ? out : timesteps * out;
    if (given > timesteps || (timesteps == 0 && outputs != NULL)) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = phase->streams ? FX_OK : prepare(executor, given, timesteps, inputs);
    bool ahead = may_look_ahead(executor);
    for (size_t t = 0; t < timesteps && status == FX_OK; t++) {
        bool wanted = outputs != NULL && (!phase->returns_last || t + 1 == timesteps);
        int16_t *to = wanted ? outputs + (phase->returns_last ? 0 : t * out) : NULL;
        const int16_t *from = t < given && in > 0 ? inputs + t * in : NULL;
        ahead = ahead && from != NULL && look_ahead(executor, from, given - t);
        status = phase->streams ? step(executor, from, given * in, to, output_stride)
                                : finish(executor, t, to, output_stride);
    }
    return status;
}
