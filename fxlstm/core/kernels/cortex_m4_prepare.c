/* Prepares operations for a Cortex-M4: what becomes of the columns of a digital product, where element-wise ones find codes. */
#include <string.h>

#include "cortex_m4.h"

#if FX_CORTEX_M4

#include "../arithmetic.h"
#include "../checks.h"

/* ---- products whose columns assembly can run */

/* Scales as it expects them; 32 bits hold the sums of 8-bit weights, and those with the products of weights with each other. */
static bool suits(const fx_executor *executor, const fx_matrix *matrix) {
    const fx_program *program = executor->program;
    const uint32_t largest_weight = program->header->levels - 1;
    uint32_t largest = largest_weight * (FX_LARGEST_ROW_CODE + largest_weight);
    bool right = program->header->weight_bits == 16 || matrix->rows <= (uint32_t)INT32_MAX / largest;
    for (uint32_t column = 0; column < matrix->columns; column++) {
        right = right && program->scales[matrix->scales + column].shift > 32;
    }
    return right && executor->array == NULL && program->header->adc_bits == 0 && program->header->dac_bits == 16;
}

/* ---- activations that may be a part of them: only these read the columns, which are not stored then */

static bool reads(const fx_program *program, const fx_operation *operation, uint32_t start, uint32_t length) {
    static const uint8_t counts[] = FX_OPERAND_COUNTS;
    const uint32_t operands[] = {operation->a, operation->b, operation->c, operation->d};
    bool product = operation->code == FX_OPERATION_MULTIPLY, found = false;
    for (uint32_t i = 0; i < counts[operation->code]; i++) {
        uint32_t count = product ? program->matrices[operation->matrix].stride : operation->length;
        found = found || !fx_apart(operands[i], count, start, length);
    }
    return found;
}

/* Whether nothing but its activation reads a slice of a product's results. */
static bool read_once(const fx_program *program, const fx_operation *activation) {
    const uint32_t start = activation->a, length = activation->length;
    bool once = true;
    for (uint32_t i = 0; i < program->operation_count; i++) {
        const fx_operation *other = program->operations + i;
        once = once && (other == activation || !reads(program, other, start, length));
    }
    for (uint32_t i = 0; i < program->sweep_count; i++) {
        const fx_sweep *sweep = program->sweeps + i;
        once = once && fx_apart(sweep->output_start, sweep->output_length, start, length);
    }
    return once;
}

/* Whether the operation activates a product's columns from `column` on, and overwrites neither its operand nor its results. */
static bool activates(const fx_program *program, const fx_operation *operation, const fx_operation *product,
                      uint32_t column) {
    return operation->code == FX_OPERATION_ACTIVATE && operation->a == product->result + column &&
           operation->length <= product->length - column && fx_cortex_m4_activates(operation->fraction) &&
           fx_apart(operation->result, operation->length, product->result, product->length) &&
           fx_apart(operation->result, operation->length, product->a, program->matrices[product->matrix].stride) &&
           read_once(program, operation);
}

/* Whether an activation goes on where the one before it ends. */
static bool continues(const fx_operation *operation) {
    const fx_operation *before = operation - 1;
    return operation->function == before->function && operation->fraction == before->fraction &&
           operation->result == before->result + before->length;
}

/* ---- scales of columns whose sums are Winograd's inner products: the products of weights with each other are a part of the bias,
 * and 32 of the shift is done */

static int32_t paired_weights(const int8_t *weights, uint32_t stride) {
    int32_t sum = 0;
    for (uint32_t row = 0; row < stride; row += 2) {
        sum += weights[row] * weights[row + 1];
    }
    return sum;
}

/* Where a matrix has its scales: all have them one after the other, behind the operations. */
static fx_scale *inner_scales(const fx_executor *executor, uint32_t matrix) {
    const fx_program *program = executor->program;
    fx_scale *scales = (fx_scale *)((fx_cortex_m4_prepared *)executor->prepared + program->operation_count);
    for (uint32_t i = 0; i < matrix; i++) {
        scales += program->matrices[i].columns;
    }
    return scales;
}

static void prepare_scales(const fx_executor *executor, uint32_t index) {
    const fx_program *program = executor->program;
    const fx_matrix *matrix = program->matrices + index;
    const int8_t *weights = (const int8_t *)program->weights + matrix->weights;
    fx_scale *prepared = inner_scales(executor, index);
    for (uint32_t column = 0; column < matrix->columns; column++, weights += matrix->stride) {
        fx_scale scale = program->scales[matrix->scales + column];
        scale.bias -= (int64_t)paired_weights(weights, matrix->stride) * scale.mantissa;
        scale.shift -= 32;
        prepared[column] = scale;
    }
}

/* ---- segments */

/* What stands for the activation of columns that none follows: codes as they are, -32768 to -1 and 0 to 32767. */
static const fx_tanh_piece AS_THEY_ARE[] = {{0, 1 << 30, 0, 0}, {0, 1 << 30, 0, 0}};
static const fx_cortex_m4_activation NONE = {31, 16, AS_THEY_ARE + 1, 1 << 18, 0};

/* Set activation and results of the columns from `column` on, by operations from `next` on and before `end` if they are it;
 * returns the first that is not. */
static const fx_operation *set_activation(const fx_executor *executor, fx_cortex_m4_columns *columns,
                                          const fx_operation *product, uint32_t column, const fx_operation *next,
                                          const fx_operation *end) {
    const fx_program *program = executor->program;
    if (next == end || !activates(program, next, product, column)) {
        columns->activation = NONE;
        columns->result = executor->arenas + product->result + column;
        columns->end = executor->arenas + product->result + product->length;
        return next;
    }
    columns->activation = fx_cortex_m4_activation_of(next->function, next->fraction);
    columns->result = executor->arenas + next->result;
    columns->end = columns->result + next->length;
    column += next->length;
    while (++next < end && activates(program, next, product, column) && continues(next)) {
        columns->end += next->length;
        column += next->length;
    }
    return next;
}

/* A product and those of the operations behind it, before `end`, that activate its columns. */
static void prepare_product(const fx_executor *executor, fx_cortex_m4_prepared *prepared, const fx_operation *product,
                            const fx_operation *end) {
    const fx_program *program = executor->program;
    const fx_matrix *matrix = program->matrices + product->matrix;
    const bool bytes = program->header->weight_bits == 8;
    const fx_scale *scales = program->scales + matrix->scales;
    const fx_operation *next = product + 1;
    if (bytes) {
        prepare_scales(executor, product->matrix);
        scales = inner_scales(executor, product->matrix);
    }
    for (uint32_t column = 0; column < product->length; prepared->segments++) {
        fx_cortex_m4_prepared *segment = prepared + prepared->segments;
        fx_cortex_m4_columns *columns = &segment->columns;
        size_t first = matrix->weights + (size_t)column * matrix->stride;
        next = set_activation(executor, columns, product, column, next, end);
        columns->weights = (const uint8_t *)program->weights + first * (bytes ? sizeof(int8_t) : sizeof(int16_t));
        columns->scales = scales + column;
        segment->run_columns = fx_cortex_m4_set_rows(columns, bytes ? FX_CORTEX_M4_INNER_BYTES : FX_CORTEX_M4_WORDS,
                                                     matrix->rows, executor->rows);
        column += (uint32_t)(columns->end - columns->result);
    }
    prepared->run = fx_cortex_m4_run_product;
    prepared->operations = (uint16_t)(next - product);
}

static void prepare_elementwise(const fx_executor *executor, fx_cortex_m4_prepared *prepared,
                                const fx_operation *operation) {
    int16_t *arena = executor->arenas;
    fx_cortex_m4_run *run = executor->batch == 1 ? fx_cortex_m4_elementwise(operation) : NULL;
    if (run == NULL) {
        return;
    }
    prepared->run = run;
    prepared->elements = (fx_cortex_m4_elements){
        .a = arena + operation->a,
        .b = arena + operation->b,
        .c = arena + operation->c,
        .d = arena + operation->d,
        .result = arena + operation->result,
        .end = arena + operation->result + operation->length,
    };
    if (operation->code == FX_OPERATION_ACTIVATE) {
        prepared->activation = fx_cortex_m4_activation_of(operation->function, operation->fraction);
    }
}

static void prepare_operations(const fx_executor *executor, uint32_t first, uint32_t end) {
    const fx_program *program = executor->program;
    while (first < end) {
        fx_cortex_m4_prepared *prepared = (fx_cortex_m4_prepared *)executor->prepared + first;
        const fx_operation *operation = program->operations + first;
        prepared->run = fx_cortex_m4_run_anywhere;
        prepared->operation = operation;
        prepared->clipped = executor->clipped + first;
        prepared->operations = 1;
        if (operation->code != FX_OPERATION_MULTIPLY) {
            prepare_elementwise(executor, prepared, operation);
        } else if (suits(executor, program->matrices + operation->matrix)) {
            prepare_product(executor, prepared, operation, program->operations + end);
        }
        first += prepared->operations;
    }
}

/* Sweep by sweep, what runs at every timestep apart from what only outputs need. */
void fx_cortex_m4_prepare(const fx_executor *executor) {
    const fx_program *program = executor->program;
    uint32_t first = 0;
    memset(executor->prepared, 0, program->operation_count * sizeof(fx_cortex_m4_prepared));
    for (uint32_t i = 0; i < program->sweep_count; i++) {
        const fx_sweep *sweep = program->sweeps + i;
        prepare_operations(executor, first, first + sweep->step_operations);
        prepare_operations(executor, first + sweep->step_operations, first + sweep->operations);
        first += sweep->operations;
    }
}
#endif
