/* The executor: lays out its memory, steps through the operations, carries the state from one timestep to the next. */
#include <string.h>

#include "fxlstm.h"
#include "operations.h"

/* Sizes of the parts of an executor's memory, in bytes, each a multiple of 8. */
typedef struct {
    uint64_t clipped, sums, accumulators, arenas, rows, columns;
} parts;

static uint32_t at_least(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint64_t round_up_to_8(uint64_t bytes) {
    return (bytes + 7u) & ~(uint64_t)7u;
}

/* Parts for one sequence; every part but `clipped` grows with the batch. */
static parts parts_of(const fx_program *program) {
    uint32_t rows = 0, columns = 0, tile_columns = 0;
    for (uint32_t i = 0; i < program->matrix_count; i++) {
        rows = at_least(rows, program->matrices[i].stride);
        columns = at_least(columns, program->matrices[i].columns);
    }
    for (uint32_t i = 0; i < program->tile_count; i++) {
        tile_columns = at_least(tile_columns, program->tiles[i].columns);
    }
    return (parts){
        .clipped = (uint64_t)program->operation_count * sizeof(fx_clipped),
        .sums = (uint64_t)columns * sizeof(int64_t),
        .accumulators = (uint64_t)tile_columns * sizeof(int64_t),
        .arenas = round_up_to_8((uint64_t)program->header->arena_length * sizeof(int16_t)),
        .rows = round_up_to_8((uint64_t)rows * sizeof(int16_t)),
        .columns = round_up_to_8((uint64_t)tile_columns * sizeof(int16_t)),
    };
}

size_t fx_executor_size(const fx_program *program, uint32_t batch) {
    parts part = parts_of(program);
    uint64_t each = part.sums + part.accumulators + part.arenas + part.rows + part.columns;
    if (each > INT32_MAX) { /* keeps the product with any batch inside 64 bits */
        return 0;
    }
    uint64_t total = part.clipped + each * batch;
    return total > SIZE_MAX ? 0 : (size_t)total;
}

/* Take the next `size` bytes of the memory. */
static void *take(uint8_t **memory, uint64_t size) {
    void *start = *memory;
    *memory += size;
    return start;
}

static fx_status check_arguments(const fx_program *program, const fx_array *array, uint32_t batch, const void *memory,
                                 size_t size) {
    size_t needed = fx_executor_size(program, batch);
    if (batch == 0 || (uintptr_t)memory % 8 != 0) {
        return FX_ERROR_ARGUMENT;
    }
    if (needed == 0 || size < needed) {
        return FX_ERROR_MEMORY;
    }
    return array != NULL && program->header->adc_bits == 0 ? FX_ERROR_ARRAY_NEEDS_ADC : FX_OK;
}

fx_status fx_executor_init(fx_executor *executor, const fx_program *program, const fx_kernels *kernels,
                           const fx_array *array, uint32_t batch, void *memory, size_t size) {
    fx_status status = check_arguments(program, array, batch, memory, size);
    if (status != FX_OK) {
        return status;
    }
    parts part = parts_of(program);
    uint8_t *next = memory;
    *executor = (fx_executor){
        .program = program,
        .kernels = kernels,
        .array = array,
        .batch = batch,
        .arena_stride = (size_t)part.arenas / sizeof(int16_t),
    };
    executor->clipped = take(&next, part.clipped);
    executor->sums = take(&next, part.sums * batch);
    executor->accumulators = take(&next, part.accumulators * batch);
    executor->arenas = take(&next, part.arenas * batch);
    executor->rows = take(&next, part.rows * batch);
    executor->columns = take(&next, part.columns * batch);
    memset(executor->clipped, 0, (size_t)part.clipped);
    fx_reset(executor);
    return FX_OK;
}

void fx_reset(fx_executor *executor) {
    size_t bytes = executor->program->header->arena_length * sizeof(int16_t);
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        memcpy(executor->arenas + sequence * executor->arena_stride, executor->program->arena, bytes);
    }
}

static fx_status run_operations(fx_executor *executor, uint32_t first, uint32_t end) {
    fx_status status = FX_OK;
    for (uint32_t i = first; i < end && status == FX_OK; i++) {
        status = fx_operation_run(executor, executor->program->operations + i, executor->clipped + i);
    }
    return status;
}

static void put_inputs(fx_executor *executor, const int16_t *inputs, size_t stride) {
    const fx_header *header = executor->program->header;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        int16_t *arena = executor->arenas + sequence * executor->arena_stride;
        memcpy(arena + header->input_start, inputs + sequence * stride, header->input_length * sizeof *inputs);
    }
}

static void get_outputs(const fx_executor *executor, int16_t *outputs, size_t stride) {
    const fx_header *header = executor->program->header;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        const int16_t *arena = executor->arenas + sequence * executor->arena_stride;
        memcpy(outputs + sequence * stride, arena + header->output_start, header->output_length * sizeof *outputs);
    }
}

/* One timestep; strides are in codes from one sequence to the next; `outputs` may be NULL. */
static fx_status step(fx_executor *executor, const int16_t *inputs, size_t input_stride, int16_t *outputs,
                      size_t output_stride) {
    const fx_program *program = executor->program;
    put_inputs(executor, inputs, input_stride);
    fx_status status = run_operations(executor, 0, program->header->step_operations);
    if (status != FX_OK || outputs == NULL) {
        return status;
    }
    status = run_operations(executor, program->header->step_operations, program->operation_count);
    if (status == FX_OK) {
        get_outputs(executor, outputs, output_stride);
    }
    return status;
}

fx_status fx_step(fx_executor *executor, const int16_t *inputs, int16_t *outputs) {
    const fx_header *header = executor->program->header;
    return step(executor, inputs, header->input_length, outputs, header->output_length);
}

fx_status fx_run(fx_executor *executor, size_t timesteps, const int16_t *inputs, int16_t *outputs) {
    const fx_header *header = executor->program->header;
    bool last_only = header->returns_last != 0;
    size_t output_stride = last_only ? header->output_length : timesteps * header->output_length;
    if (timesteps == 0 && outputs != NULL) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = FX_OK;
    for (size_t t = 0; t < timesteps && status == FX_OK; t++) {
        bool wanted = outputs != NULL && (!last_only || t + 1 == timesteps);
        int16_t *at = wanted ? outputs + (last_only ? 0 : t * header->output_length) : NULL;
        status = step(executor, inputs + t * header->input_length, timesteps * header->input_length, at, output_stride);
    }
    return status;
}
