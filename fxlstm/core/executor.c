/* The executor's memory: how much it needs, how it is laid out, its contents at reset. */
#include <string.h>

#include "fxlstm.h"
#include "kernels/kernels.h"

/* Sizes of the parts of an executor's memory, in bytes, each a multiple of 8. */
typedef struct {
    uint64_t clipped, prepared, sums, accumulators, arenas, rows, columns, records;
} parts;

static uint32_t at_least(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint64_t round_up_to_8(uint64_t bytes) {
    return (bytes + 7u) & ~(uint64_t)7u;
}

/* Bytes of one sequence's records; beyond INT32_MAX some number beyond it. */
static uint64_t records_size(uint64_t record_length, uint64_t timesteps) {
    if (record_length == 0 || timesteps == 0) {
        return 0;
    }
    uint64_t most = INT32_MAX / sizeof(int16_t) / record_length;
    return timesteps > most ? (uint64_t)INT32_MAX + 1 : round_up_to_8(record_length * timesteps * sizeof(int16_t));
}

/* What a kernel set may prepare. */
static uint64_t prepared_size(const fx_program *program) {
    uint64_t columns = 0;
    for (uint32_t i = 0; i < program->matrix_count; i++) {
        columns += program->matrices[i].columns;
    }
    uint64_t size = (uint64_t)program->operation_count * FX_PREPARED_SIZE;
    if (program->header->weight_bits == 8 && program->header->adc_bits == 0) {
        size += columns * FX_PREPARED_COLUMN_SIZE;
    }
    return size;
}

/* Parts for one sequence; every part but `clipped` and `prepared` grows with the batch. */
static parts parts_of(const fx_program *program, size_t timesteps) {
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
        .prepared = prepared_size(program),
        .sums = (uint64_t)columns * sizeof(int64_t),
        .accumulators = (uint64_t)tile_columns * sizeof(int64_t),
        .arenas = round_up_to_8((uint64_t)program->header->arena_length * sizeof(int16_t)),
        .rows = round_up_to_8((uint64_t)rows * sizeof(int16_t)),
        .columns = round_up_to_8((uint64_t)tile_columns * sizeof(int16_t)),
        .records = records_size(fx_record_length(program), timesteps),
    };
}

size_t fx_executor_size(const fx_program *program, uint32_t batch, size_t timesteps) {
    parts part = parts_of(program, timesteps);
    uint64_t each = part.sums + part.accumulators + part.arenas + part.rows + part.columns + part.records;
    if (each > INT32_MAX) { /* keeps the product with any batch inside 64 bits */
        return 0;
    }
    uint64_t total = part.clipped + part.prepared + each * batch;
    return total > SIZE_MAX ? 0 : (size_t)total;
}

/* Take the next `size` bytes of the memory. */
static void *take(uint8_t **memory, uint64_t size) {
    void *start = *memory;
    *memory += size;
    return start;
}

static fx_status check_arguments(const fx_program *program, const fx_array *array, uint32_t batch, size_t timesteps,
                                 const void *memory, size_t size) {
    size_t needed = fx_executor_size(program, batch, timesteps);
    if (batch == 0 || (uintptr_t)memory % 8 != 0) {
        return FX_ERROR_ARGUMENT;
    }
    if (needed == 0 || size < needed) {
        return FX_ERROR_MEMORY;
    }
    return array != NULL && program->header->adc_bits == 0 ? FX_ERROR_ARRAY_NEEDS_ADC : FX_OK;
}

fx_status fx_executor_init(fx_executor *executor, const fx_program *program, const fx_kernels *kernels,
                           const fx_array *array, uint32_t batch, size_t timesteps, void *memory, size_t size) {
    fx_status status = check_arguments(program, array, batch, timesteps, memory, size);
    if (status != FX_OK) {
        return status;
    }
    parts part = parts_of(program, timesteps);
    uint8_t *next = memory;
    *executor = (fx_executor){
        .program = program,
        .kernels = kernels,
        .array = array,
        .batch = batch,
        .arena_stride = (size_t)part.arenas / sizeof(int16_t),
        .timesteps = fx_program_streams(program) ? 0 : timesteps,
        .record_stride = (size_t)part.records / sizeof(int16_t),
    };
    executor->clipped = take(&next, part.clipped);
    executor->prepared = take(&next, part.prepared);
    executor->sums = take(&next, part.sums * batch);
    executor->accumulators = take(&next, part.accumulators * batch);
    executor->arenas = take(&next, part.arenas * batch);
    executor->rows = take(&next, part.rows * batch);
    executor->columns = take(&next, part.columns * batch);
    executor->records = take(&next, part.records * batch);
    memset(executor->clipped, 0, (size_t)part.clipped);
    if (FX_PREPARED_SIZE > 0 && kernels->prepare != NULL) {
        kernels->prepare(executor);
        executor->runner = kernels->runner;
    }
    fx_reset(executor);
    return FX_OK;
}

void fx_reset(fx_executor *executor) {
    size_t bytes = executor->program->header->arena_length * sizeof(int16_t);
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        memcpy(executor->arenas + sequence * executor->arena_stride, executor->program->arena, bytes);
    }
    (void)fx_select(executor, 0);
}
