/* Which activations can run with the multiply before them, and in what pieces; which of the others are looked up together. */
#include "ride.h"

#include "../checks.h"
#include "../kernels/kernels.h"

/* ---- whether an operation may run earlier than another */

/* Whether an element-wise operation leaves a slice as it is, and does not read it. */
static bool keeps_off(const fx_operation *operation, uint32_t start, uint32_t length) {
    static const uint8_t operand_counts[] = FX_OPERAND_COUNTS;
    const uint32_t operands[] = {operation->a, operation->b, operation->c, operation->d};
    bool off = fx_apart(operation->result, operation->length, start, length);
    for (uint32_t i = 0; i < operand_counts[operation->code]; i++) {
        off = off && fx_apart(operands[i], operation->length, start, length);
    }
    return off;
}

/* Whether an activation looks up a product's results and leaves them there. */
static bool looks_up_results(const fx_operation *multiply, const fx_operation *activate) {
    return activate->code == FX_OPERATION_ACTIVATE && activate->a >= multiply->result &&
           activate->a + activate->length <= multiply->result + multiply->length &&
           fx_apart(activate->result, activate->length, multiply->result, multiply->length);
}

static uint32_t piece_length(const fx_plan *plan) {
    return plan->kernels->planning->looked_up;
}

/* Whether the activation `index` may run right after the multiply `first`, before the element-wise ones between them. */
static bool may_ride(const fx_plan *plan, uint32_t first, uint32_t index) {
    const fx_program *program = plan->program;
    const fx_operation *activate = program->operations + index;
    bool may = activate->length >= piece_length(plan) && looks_up_results(program->operations + first, activate);
    for (const fx_operation *between = program->operations + first + 1; between < activate && may; between++) {
        may = keeps_off(between, activate->result, activate->length) &&
              fx_apart(between->result, between->length, activate->a, activate->length);
    }
    return may;
}

/* ---- pieces */

static uint32_t count_pieces(const fx_plan *plan, const fx_operation *activate) {
    return (activate->length + piece_length(plan) - 1) / piece_length(plan);
}

/* Add the pieces of an activation to the `count` that are there, in the order of their operands. The last ends where the
 * activation does, though it looks some codes up once more. */
static void add_pieces(const fx_plan *plan, fx_look_up *pieces, uint32_t count, uint32_t index) {
    const fx_operation *activate = plan->program->operations + index;
    const uint32_t last = activate->length - piece_length(plan);
    for (uint32_t i = 0; i < count_pieces(plan, activate); i++, count++) {
        uint32_t before = i * piece_length(plan), done = before < last ? before : last, place = count;
        for (; place > 0 && pieces[place - 1].from > activate->a + done; place--) {
            pieces[place] = pieces[place - 1];
        }
        pieces[place] = (fx_look_up){plan->operations[index].table, activate->a + done, activate->result + done};
    }
}

/* Let what stands behind a multiply, up to an operation, ride with it. */
static void let_ride_with(fx_plan *plan, uint32_t first, uint32_t end, fx_pieces *pieces) {
    const fx_operation *operations = plan->program->operations;
    uint32_t most = 0, count = 0;
    for (uint32_t i = first + 1; i < end; i++) {
        most += may_ride(plan, first, i) ? count_pieces(plan, operations + i) : 0;
    }
    fx_look_up *look_ups = fx_take(pieces, most * (uint64_t)sizeof *look_ups);
    bool rides = pieces->start != NULL && plan->operations[first].planned;
    for (uint32_t i = first + 1; i < end && rides; i++) {
        if (may_ride(plan, first, i)) {
            add_pieces(plan, look_ups, count, i);
            count += count_pieces(plan, operations + i);
            plan->operations[i].rides = true;
        }
    }
    if (rides) {
        plan->operations[first].look_ups = look_ups;
        plan->operations[first].look_up_count = count;
    }
}

/* ---- activations that do not ride: those that continue the slices of the one before are looked up with it */

static bool continues(const fx_operation *before, const fx_operation *next, uint32_t length) {
    return next->code == FX_OPERATION_ACTIVATE && next->function == before->function &&
           next->fraction == before->fraction && next->a == before->a + length &&
           next->result == before->result + length &&
           fx_apart(before->a, length + next->length, before->result, length + next->length);
}

/* Join operations first..end, which always run together. */
static void join_in(fx_plan *plan, uint32_t first, uint32_t end) {
    const fx_operation *operations = plan->program->operations;
    for (uint32_t i = first; i < end; i++) {
        fx_planned *own = plan->operations + i;
        const bool alone = operations[i].code == FX_OPERATION_ACTIVATE && !own->rides && own->length > 0;
        for (uint32_t next = i + 1; next < end && alone && !plan->operations[next].rides &&
                                    continues(operations + i, operations + next, own->length);
             next++) {
            own->length += operations[next].length;
            plan->operations[next].length = 0;
        }
    }
}

/* ---- all of it, for operations that always run together */

/* Let activations ride in operations first..end. */
static void let_ride_in(fx_plan *plan, uint32_t first, uint32_t end, fx_pieces *pieces) {
    const fx_program *program = plan->program;
    for (uint32_t i = first; i < end; i++) {
        uint32_t stop = i + 1;
        while (stop < end && program->operations[stop].code != FX_OPERATION_MULTIPLY) {
            stop++;
        }
        if (program->operations[i].code == FX_OPERATION_MULTIPLY) {
            let_ride_with(plan, i, stop, pieces);
        }
    }
}

void fx_let_ride(fx_plan *plan, fx_pieces *pieces) {
    const fx_program *program = plan->program;
    uint32_t first = 0;
    for (uint32_t i = 0; i < program->sweep_count; i++) {
        uint32_t always = first + program->sweeps[i].step_operations, end = first + program->sweeps[i].operations;
        let_ride_in(plan, first, always, pieces);
        let_ride_in(plan, always, end, pieces);
        if (pieces->start != NULL) {
            join_in(plan, first, always);
            join_in(plan, always, end);
        }
        first = end;
    }
}
