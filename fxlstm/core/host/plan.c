/* Makes a plan of a program. */
#include "plan.h"

#include <string.h>

#include "../kernels/kernels.h"
#include "../operations.h"
#include "../phase.h"
#include "pack.h"
#include "ride.h"

#define CODES 65536u
#define FEWEST_AHEAD 16u /* leading rows that are worth a segment of their own */

/* ---- which operations a kernel set runs in 32-bit arithmetic */

/* Shifts for which no step of the elementwise functions leaves 32 bits, for any operands. */
static bool fits_32_bits(const fx_operation *operation) {
    uint32_t shift = operation->shift, ab = operation->shift_ab, cd = operation->shift_cd;
    uint32_t least = ab < cd ? ab : cd, apart = ab + cd - 2 * least;
    switch (operation->code) {
    case FX_OPERATION_PRODUCT:
        return shift <= 30;
    case FX_OPERATION_PRODUCT_SUM: /* the rest of the right shift takes a rounding bit, and one more where halves add */
        return shift >= least + apart + (apart == 0 ? 2 : 1) && shift - least - apart <= 29;
    case FX_OPERATION_SUM:
        return ab <= 14 && cd <= 14 && shift <= 30;
    case FX_OPERATION_COPY:
        return ab <= 15 && shift <= 30;
    default: /* activate looks up; the others have no shifts that matter */
        return true;
    }
}

/* ---- multiplies whose leading rows are the input */

static bool writes_into(const fx_operation *operation, uint32_t start, uint32_t length) {
    return operation->result < start + length && start < operation->result + operation->length;
}

/* Whether a phase's input stands unchanged at all its timesteps, and its first sweep runs at each of them. */
static bool input_stands(const fx_program *program, const fx_phase *phase, uint32_t end) {
    bool stands = phase->streams && phase->input_length >= FEWEST_AHEAD && phase->sweeps->period == 1;
    for (uint32_t i = phase->first_operation; i < end && stands; i++) {
        stands = !writes_into(program->operations + i, phase->input_start, phase->input_length);
    }
    return stands;
}

static uint32_t end_of(const fx_phase *phase) {
    uint32_t end = phase->first_operation;
    for (uint32_t i = 0; i < phase->sweep_count; i++) {
        end += phase->sweeps[i].operations;
    }
    return end;
}

/* The multiply of a phase that reads its input and more after it; operation_count where there is none. */
static uint32_t reads_input(const fx_program *program, const fx_phase *phase) {
    uint32_t end = end_of(phase);
    for (uint32_t i = phase->first_operation; input_stands(program, phase, end) && i < end; i++) {
        const fx_operation *operation = program->operations + i;
        if (operation->code == FX_OPERATION_MULTIPLY && operation->a == phase->input_start &&
            phase->input_length < program->matrices[operation->matrix].rows) {
            return i;
        }
    }
    return program->operation_count;
}

/* The input rows that a matrix multiplies ahead; 0: none. */
static uint32_t leading_rows(const fx_program *program, uint32_t matrix) {
    for (fx_phase phase = fx_program_phase(program, 0); phase.sweep_count > 0;
         phase = fx_phase_after(program, &phase)) {
        uint32_t index = reads_input(program, &phase);
        if (index < program->operation_count && program->operations[index].matrix == matrix) {
            return phase.input_length;
        }
    }
    return 0;
}

/* ---- the plan's memory */

static const struct fx_planning *planning_of(const fx_plan *plan) {
    return plan->kernels->planning;
}

/* One more is there for who loads two at a time. */
static void fill_table(int16_t *table, const fx_operation *operation) {
    for (uint32_t code = 0; code < CODES; code++) {
        table[code] = fx_activation(operation->function, operation->fraction, (int16_t)(uint16_t)code);
    }
    table[CODES] = 0;
}

/* The operation before `index` that has the same table; `index` itself where it is the first. */
static uint32_t first_with_table(const fx_program *program, uint32_t index) {
    const fx_operation *operation = program->operations + index;
    for (uint32_t i = 0; i < index; i++) {
        const fx_operation *other = program->operations + i;
        if (other->code == operation->code && other->function == operation->function &&
            other->fraction == operation->fraction) {
            return i;
        }
    }
    return index;
}

static void plan_activation(fx_plan *plan, uint32_t index, fx_pieces *pieces) {
    uint32_t first = first_with_table(plan->program, index);
    int16_t *table = first == index ? fx_take(pieces, (CODES + 1) * sizeof *table) : NULL;
    if (pieces->start != NULL) {
        if (first == index) {
            fill_table(table, plan->program->operations + index);
        }
        plan->operations[index].table = first == index ? table : plan->operations[first].table;
    }
}

static void plan_operation(fx_plan *plan, uint32_t index, fx_pieces *pieces) {
    const fx_operation *operation = plan->program->operations + index;
    if (operation->code == FX_OPERATION_ACTIVATE) {
        plan_activation(plan, index, pieces);
    }
    if (pieces->start == NULL) {
        return;
    }
    bool multiply = operation->code == FX_OPERATION_MULTIPLY;
    static const fx_look_up none[1];
    fx_planned *planned = plan->operations + index;
    planned->look_ups = none;
    planned->length = operation->length;
    planned->planned = !multiply || plan->matrices[operation->matrix].planned;
    planned->run = !multiply && fits_32_bits(operation) ? planning_of(plan)->elementwise[operation->code] : NULL;
}

static void mark_ahead(fx_plan *plan) {
    const fx_program *program = plan->program;
    for (fx_phase phase = fx_program_phase(program, 0); phase.sweep_count > 0;
         phase = fx_phase_after(program, &phase)) {
        uint32_t index = reads_input(program, &phase);
        if (index < program->operation_count) {
            const fx_packed *packed = plan->matrices + program->operations[index].matrix;
            plan->operations[index].ahead =
                packed->planned && packed->ahead_groups > 0 && packed->segments[0].rows == phase.input_length;
        }
    }
}

static size_t at_least(size_t a, size_t b) {
    return a > b ? a : b;
}

/* Lay the plan out; counts only where `pieces` has no memory. */
static void lay_out(fx_plan *plan, fx_pieces *pieces) {
    const fx_program *program = plan->program;
    plan->matrices = fx_take(pieces, program->matrix_count * (uint64_t)sizeof *plan->matrices);
    plan->operations = fx_take(pieces, program->operation_count * (uint64_t)sizeof *plan->operations);
    for (uint32_t i = 0; i < program->matrix_count; i++) {
        fx_packed packed;
        fx_pack(&packed, program, program->matrices + i, planning_of(plan), leading_rows(program, i), pieces);
        plan->operand_words = at_least(plan->operand_words, fx_operand_words(&packed));
        if (packed.ahead_groups > 0) {
            plan->sum_count = at_least(plan->sum_count, (size_t)packed.chunks * FX_LANES);
        }
        if (pieces->start != NULL) {
            plan->matrices[i] = packed;
        }
    }
    if (pieces->start != NULL) {
        memset(plan->operations, 0, program->operation_count * sizeof *plan->operations);
    }
    for (uint32_t i = 0; i < program->operation_count; i++) {
        plan_operation(plan, i, pieces);
    }
    if (planning_of(plan)->looked_up > 0) {
        fx_let_ride(plan, pieces);
    }
    if (pieces->start != NULL) {
        mark_ahead(plan);
    }
}

size_t fx_plan_size(const fx_program *program, const fx_kernels *kernels) {
    fx_plan plan = {.program = program, .kernels = kernels};
    fx_pieces counted = {NULL, sizeof plan + FX_PLAN_ALIGNMENT};
    if (kernels->planning == NULL) {
        return 0;
    }
    lay_out(&plan, &counted);
    return counted.used > SIZE_MAX ? 0 : (size_t)counted.used;
}

uint64_t fx_plan_largest_product(const fx_plan *plan) {
    uint64_t largest = 0;
    for (uint32_t i = 0; i < plan->program->matrix_count; i++) {
        const fx_packed *packed = plan->matrices + i;
        uint64_t products = packed->planned ? fx_multiplications(packed, packed->groups) : 0;
        largest = products > largest ? products : largest;
    }
    return largest;
}

fx_status fx_plan_init(const fx_plan **plan, const fx_program *program, const fx_kernels *kernels, void *memory,
                       size_t size) {
    size_t needed = fx_plan_size(program, kernels);
    if ((uintptr_t)memory % FX_PLAN_ALIGNMENT != 0) {
        return FX_ERROR_ARGUMENT;
    }
    if (needed == 0 || size < needed) {
        return FX_ERROR_MEMORY;
    }
    fx_pieces pieces = {memory, 0};
    fx_plan *made = fx_take(&pieces, sizeof *made);
    *made = (fx_plan){.program = program, .kernels = kernels};
    lay_out(made, &pieces);
    *plan = made;
    return FX_OK;
}
