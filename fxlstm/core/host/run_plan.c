/* Runs operations by a plan: all of a timestep for a few sequences, then for the next few, whose codes stay in the cache. */
#include "plan.h"

#include <string.h>

#include "../kernels/kernels.h"
#include "../operations.h"
#include "pack.h"
#include "share.h"

#define ARENAS_IN_CACHE 16384u /* bytes: half of the smallest innermost cache of today's processors */

/* ---- an executor's scratch: driven codes and sums of the sequences that are multiplied together */

static uint32_t together(const fx_plan *plan) {
    return fx_together(plan->kernels->planning);
}

size_t fx_plan_scratch_size(const fx_plan *plan) {
    size_t words = plan->operand_words * sizeof(uint32_t), sums = plan->sum_count * sizeof(int64_t);
    return together(plan) * (words + sums);
}

static uint32_t at_most(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* ---- multiplies */

/* Drive the segments of a matrix from codes, `stride` codes from one sequence to the next. */
static void drive(const fx_executor *executor, const fx_packed *matrix, uint32_t first, uint32_t end, uint32_t count,
                  const int16_t *codes, size_t stride) {
    const fx_plan *plan = executor->plan;
    const uint32_t bits = plan->program->header->dac_bits;
    const fx_driving driving = {codes, stride, executor->words, plan->operand_words, count};
    for (const fx_segment *segment = matrix->segments + first; segment < matrix->segments + end; segment++) {
        plan->kernels->planning->drive(matrix, segment, bits, &driving);
    }
}

static void multiply(fx_executor *executor, uint32_t index, int16_t *arenas, uint32_t count) {
    const fx_plan *plan = executor->plan;
    const fx_operation *operation = plan->program->operations + index;
    const fx_packed *matrix = plan->matrices + operation->matrix;
    bool ahead = executor->ahead > 0 && plan->operations[index].ahead;
    drive(executor, matrix, ahead ? 1 : 0, matrix->segment_count, count, arenas + operation->a, executor->arena_stride);
    fx_planned_product product = {
        .matrix = matrix,
        .count = count,
        .first_group = ahead ? matrix->ahead_groups : 0,
        .words = executor->words,
        .word_stride = plan->operand_words,
        .ahead = ahead ? executor->ahead_sums + (together(plan) - executor->ahead) * plan->sum_count : NULL,
        .results = arenas + operation->result,
        .result_stride = executor->arena_stride,
        .look_ups = plan->operations[index].look_ups,
        .look_up_count = plan->operations[index].look_up_count,
        .arenas = arenas,
        .clipped = executor->clipped + index,
    };
    fx_multiply_shared(executor, &product, matrix->groups - product.first_group, NULL);
}

/* Inputs of the next timesteps times the leading rows. */
static void multiply_inputs(fx_executor *executor, const fx_packed *matrix, const int16_t *inputs, uint32_t count) {
    const fx_plan *plan = executor->plan;
    drive(executor, matrix, 0, 1, count, inputs, executor->phase.input_length);
    fx_planned_product product = {
        .matrix = matrix, .count = count, .words = executor->words, .word_stride = plan->operand_words};
    int64_t *sums = executor->ahead_sums + (together(plan) - count) * plan->sum_count;
    fx_multiply_shared(executor, &product, matrix->ahead_groups, sums);
}

static void look_ahead(fx_executor *executor, const int16_t *inputs, size_t timesteps) {
    const fx_phase *phase = &executor->phase;
    uint32_t most = together(executor->plan), count = timesteps < most ? (uint32_t)timesteps : most;
    for (uint32_t i = 0; i < phase->sweeps->operations; i++) {
        uint32_t index = phase->first_operation + i;
        if (executor->plan->operations[index].ahead) {
            uint32_t matrix = executor->program->operations[index].matrix;
            multiply_inputs(executor, executor->plan->matrices + matrix, inputs, count);
            executor->ahead = count;
        }
    }
}

/* ---- multiplies on an array, which takes the whole batch tile by tile */

static fx_status multiply_tile(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile) {
    const fx_array *array = executor->array;
    fx_status status = array->multiply(array->context, tile, executor->batch, executor->rows + tile->row,
                                       matrix->stride, executor->columns, tile->columns);
    for (uint32_t sequence = 0; sequence < executor->batch && status == FX_OK; sequence++) {
        executor->kernels->planning->add_codes(executor->columns + (size_t)sequence * tile->columns, tile->align,
                                               executor->sums + (size_t)sequence * matrix->columns + tile->column,
                                               tile->columns);
    }
    return status;
}

static fx_status multiply_on_array(fx_executor *executor, uint32_t index) {
    const fx_program *program = executor->program;
    const fx_operation *operation = program->operations + index;
    const fx_matrix *matrix = program->matrices + operation->matrix;
    fx_status status = FX_OK;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        executor->kernels->planning->drive_rows(program->header->dac_bits,
                                                executor->arenas + sequence * executor->arena_stride + operation->a,
                                                executor->rows + (size_t)sequence * matrix->stride, matrix->rows);
    }
    memset(executor->sums, 0, (size_t)executor->batch * matrix->columns * sizeof *executor->sums);
    for (uint32_t i = 0; i < matrix->tile_count && status == FX_OK; i++) {
        status = multiply_tile(executor, matrix, program->tiles + matrix->tiles + i);
    }
    if (status == FX_OK) {
        fx_planned_product product = {.matrix = executor->plan->matrices + operation->matrix,
                                      .count = executor->batch,
                                      .results = executor->arenas + operation->result,
                                      .result_stride = executor->arena_stride,
                                      .clipped = executor->clipped + index};
        executor->kernels->planning->rescale(&product, executor->sums);
    }
    return status;
}

/* ---- operations */

/* Run an operation as operations.c does; returns how many results were clipped. */
static uint32_t run_plainly(const fx_plan *plan, const fx_operation *operation, const fx_arenas *arenas) {
    uint32_t clipped = 0;
    FX_FOR_ARENAS(arenas) {
        clipped += fx_operation_elementwise(plan->kernels, operation, arena);
    }
    return clipped;
}

static void run_on(fx_executor *executor, uint32_t index, const fx_arenas *arenas) {
    const fx_plan *plan = executor->plan;
    const fx_operation *operation = plan->program->operations + index;
    const fx_planned *planned = plan->operations + index;
    if (operation->code == FX_OPERATION_MULTIPLY) {
        for (uint32_t i = 0, most = together(plan); i < arenas->count; i += most) {
            multiply(executor, index, arenas->first + i * arenas->stride, at_most(arenas->count - i, most));
        }
    } else if (planned->rides && executor->array == NULL) {
        return;
    } else if (planned->table != NULL) {
        plan->kernels->planning->look_up(planned->table, operation->a, operation->result, planned->length, arenas);
    } else if (planned->run != NULL) {
        executor->clipped[index].result += planned->run(operation, arenas);
    } else {
        executor->clipped[index].result += run_plainly(plan, operation, arenas);
    }
}

/* How many sequences' arenas stay in the innermost cache: a multiple of what is multiplied together. */
static uint32_t block_of(const fx_executor *executor) {
    const uint32_t least = together(executor->plan);
    size_t count = ARENAS_IN_CACHE / (executor->arena_stride * sizeof *executor->arenas);
    return count < 2 * least ? least : (uint32_t)count / least * least;
}

/* Run operations that are all planned. */
static void run_planned(fx_executor *executor, uint32_t first, uint32_t end) {
    const uint32_t block = executor->block;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence += block) {
        const fx_arenas arenas = {executor->arenas + sequence * executor->arena_stride, executor->arena_stride,
                                  at_most(executor->batch - sequence, block)};
        for (uint32_t i = first; i < end; i++) {
            run_on(executor, i, &arenas);
        }
    }
}

static bool on_array(const fx_executor *executor, uint32_t index) {
    return executor->array != NULL && executor->program->operations[index].code == FX_OPERATION_MULTIPLY;
}

/* Run one operation that run_planned does not. */
static fx_status run_alone(fx_executor *executor, uint32_t index) {
    return on_array(executor, index) && executor->plan->operations[index].planned
               ? multiply_on_array(executor, index)
               : fx_operation_run(executor, executor->program->operations + index, executor->clipped + index);
}

static fx_status run(fx_executor *executor, uint32_t first, uint32_t end) {
    fx_status status = FX_OK;
    while (first < end && status == FX_OK) {
        uint32_t stop = first;
        while (stop < end && executor->plan->operations[stop].planned && !on_array(executor, stop)) {
            stop++;
        }
        run_planned(executor, first, stop);
        if (stop < end) {
            status = run_alone(executor, stop);
            stop++;
        }
        first = stop;
    }
    return status;
}

static const fx_runner RUNNER = {.run = run, .look_ahead = look_ahead};

fx_status fx_executor_use_plan(fx_executor *executor, const fx_plan *plan, void *scratch, size_t size) {
    if (plan->program != executor->program || plan->kernels != executor->kernels ||
        (uintptr_t)scratch % FX_PLAN_ALIGNMENT != 0) {
        return FX_ERROR_ARGUMENT;
    }
    if (size < fx_plan_scratch_size(plan)) {
        return FX_ERROR_MEMORY;
    }
    executor->runner = &RUNNER;
    executor->plan = plan;
    executor->words = scratch;
    executor->ahead_sums = (int64_t *)(void *)(executor->words + together(plan) * plan->operand_words);
    executor->ahead = 0;
    executor->block = block_of(executor);
    return FX_OK;
}
