/* The rules of operations: their codes, slices and shifts. */
#include "checks.h"

static bool shifts_right(const fx_operation *operation) {
    uint32_t limit = operation->code == FX_OPERATION_COMPLEMENT ? FX_MAX_LEFT_SHIFT : FX_MAX_RIGHT_SHIFT;
    return operation->shift <= limit && operation->shift_ab <= FX_MAX_LEFT_SHIFT &&
           operation->shift_cd <= FX_MAX_LEFT_SHIFT;
}

static bool multiply_right(const fx_program *program, const fx_operation *operation) {
    if (operation->matrix >= program->matrix_count) {
        return false;
    }
    const fx_matrix *matrix = program->matrices + operation->matrix;
    return operation->length == matrix->columns && operation->a % 2 == 0 &&
           fx_inside(operation->a, matrix->stride, program->header->arena_length) &&
           fx_apart(operation->result, operation->length, operation->a, matrix->stride);
}

static bool elementwise_right(const fx_program *program, const fx_operation *operation, uint32_t operand_count) {
    const uint32_t operands[] = {operation->a, operation->b, operation->c, operation->d};
    bool right = operation->code != FX_OPERATION_ACTIVATE ||
                 (operation->function < FX_FUNCTION_COUNT && operation->fraction <= FX_MAX_FRACTION);
    for (uint32_t i = 0; i < operand_count; i++) {
        right = right && fx_inside(operands[i], operation->length, program->header->arena_length) &&
                (operands[i] == operation->result ||
                 fx_apart(operands[i], operation->length, operation->result, operation->length));
    }
    return right;
}

static bool operation_right(const fx_program *program, const fx_operation *operation) {
    static const uint8_t operand_counts[] = FX_OPERAND_COUNTS;
    uint32_t operand_count = operation->code < sizeof operand_counts ? operand_counts[operation->code] : 0;
    if (operand_count == 0 || operation->length == 0 || !shifts_right(operation) ||
        !fx_inside(operation->result, operation->length, program->header->arena_length)) {
        return false;
    }
    return operation->code == FX_OPERATION_MULTIPLY ? multiply_right(program, operation)
                                                    : elementwise_right(program, operation, operand_count);
}

fx_status fx_check_operations(const fx_program *program) {
    for (uint32_t i = 0; i < program->operation_count; i++) {
        if (!operation_right(program, program->operations + i)) {
            return FX_ERROR_IMAGE_OPERATIONS;
        }
    }
    return FX_OK;
}
