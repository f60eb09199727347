/* Pieces of sequences through the executor; tiles through DACs and ADCs.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/inference.h"

#include <string.h>

#include "app/firmware.h"

enum { ARRAY_ADC_BITS = 16, LARGEST_CODES = FW_MAX_PAYLOAD / 2 };

fx_status inference_open(inference_state *inference, const void *image, size_t size) {
    inference_close(inference);
    fx_status status = fx_program_open(&inference->program, image, size);
    if (status != FX_OK) {
        return status;
    }
    size_t working = fx_executor_size(&inference->program, 1, 0);
    if (working == 0 || working > sizeof inference->working) {
        return FX_ERROR_MEMORY;
    }
    inference->open = true;
    return FX_OK;
}

void inference_close(inference_state *inference) {
    inference->open = false;
    inference->started = false;
}

static bool tile_fits(const fx_tile *tile) {
    return tile->array == 0 && tile->range < FW_RANGE_COUNT && tile->rows <= FW_ROWS / 2 &&
           tile->array_row <= FW_ROWS - 2u * tile->rows && tile->columns <= FW_COLUMNS &&
           tile->array_column <= FW_COLUMNS - tile->columns;
}

/* Each logical row is a physical row driven at +code and one at -code, adjacent or in the second half of the tile. */
static void drive_pairs(const fx_tile *tile, bool halves, const int16_t *codes, int16_t rows[FW_ROWS]) {
    for (uint32_t k = 0; k < tile->rows; k++) {
        uint32_t positive = tile->array_row + (halves ? k : 2 * k);
        uint32_t negative = positive + (halves ? tile->rows : 1);
        rows[positive] = codes[k];
        rows[negative] = (int16_t)-codes[k];
    }
}

static fx_status multiply(void *context, const fx_tile *tile, uint32_t count, const int16_t *codes, size_t row_stride,
                          int16_t *results, size_t column_stride) {
    firmware *board = context;
    hal_watchdog_kick(board->hal);
    bool halves = board->inference.program.header->pairing != 0;
    if (!tile_fits(tile)) {
        return FX_ERROR_RANGE;
    }
    for (uint32_t i = 0; i < count; i++) {
        int16_t rows[FW_ROWS] = {0};
        int16_t columns[FW_COLUMNS];
        drive_pairs(tile, halves, codes + i * row_stride, rows);
        fx_status status = front_end_convert(&board->front_end, tile->range, 0, rows, columns);
        if (status != FX_OK) {
            return status;
        }
        front_end_count_clipped(&board->front_end, columns + tile->array_column, tile->columns);
        memcpy(results + i * column_stride, columns + tile->array_column, tile->columns * sizeof *results);
    }
    return FX_OK;
}

/* Timesteps that the working memory can keep of a program that does not stream. */
static size_t room(const inference_state *inference) {
    uint64_t record = fx_record_length(&inference->program) * sizeof(int16_t);
    size_t rest = sizeof inference->working - fx_executor_size(&inference->program, 1, 0);
    return record == 0 ? UINT32_MAX : (size_t)(rest / record);
}

static fx_status start_sequence(firmware *board, bool on_array) {
    inference_state *inference = &board->inference;
    if (on_array && inference->program.header->adc_bits != ARRAY_ADC_BITS) {
        return inference->program.header->adc_bits == 0 ? FX_ERROR_ARRAY_NEEDS_ADC : FX_ERROR_ARGUMENT;
    }
    inference->array = (fx_array){.context = board, .multiply = multiply};
    fx_status status = fx_executor_init(&inference->executor, &inference->program, fx_kernels_default(),
                                        on_array ? &inference->array : NULL, 1, room(inference), inference->working,
                                        sizeof inference->working);
    inference->started = status == FX_OK;
    inference->swept = false;
    inference->kept = inference->given = 0;
    inference->on_array = on_array;
    return status;
}

static fx_status run_steps(firmware *board, size_t timesteps, bool last_piece, const uint8_t *codes, uint8_t *reply,
                           size_t *reply_size) {
    inference_state *inference = &board->inference;
    const fx_phase *phase = &inference->executor.phase;
    int16_t inputs[LARGEST_CODES];
    int16_t outputs[LARGEST_CODES];
    size_t input_size = phase->input_length * sizeof *inputs;
    size_t output_size = phase->output_length * sizeof *outputs;
    for (size_t t = 0; t < timesteps; t++) {
        bool wanted = !phase->returns_last || (last_piece && t == timesteps - 1);
        hal_watchdog_kick(board->hal);
        memcpy(inputs, codes + t * input_size, input_size);
        fx_status status = fx_step(&inference->executor, inputs, wanted ? outputs : NULL);
        if (status != FX_OK) {
            return status;
        }
        if (wanted) {
            memcpy(reply + *reply_size, outputs, output_size);
            *reply_size += output_size;
        }
    }
    return FX_OK;
}

static fx_status keep_steps(inference_state *inference, size_t timesteps, const uint8_t *codes) {
    int16_t inputs[LARGEST_CODES];
    size_t input_size = inference->executor.phase.input_length * sizeof *inputs;
    fx_status status = inference->swept && timesteps > 0 ? FX_ERROR_ARGUMENT : FX_OK;
    for (size_t t = 0; t < timesteps && status == FX_OK; t++) {
        memcpy(inputs, codes + t * input_size, input_size);
        status = fx_keep(&inference->executor, inference->kept, inputs);
        inference->kept += status == FX_OK;
    }
    return status;
}

/* Outputs of the timesteps not yet given, as many as fit the answer; of a many-to-one program the last one's. */
static fx_status give_outputs(firmware *board, uint8_t *reply, size_t *reply_size) {
    inference_state *inference = &board->inference;
    const fx_phase *phase = &inference->executor.phase;
    int16_t outputs[LARGEST_CODES];
    size_t output_size = phase->output_length * sizeof *outputs;
    fx_status status = FX_OK;
    while (inference->given < inference->kept && *reply_size + output_size <= FW_MAX_PAYLOAD && status == FX_OK) {
        bool wanted = !phase->returns_last || inference->given + 1 == inference->kept;
        hal_watchdog_kick(board->hal);
        status = fx_finish(&inference->executor, inference->given++, wanted ? outputs : NULL);
        if (wanted && status == FX_OK) {
            memcpy(reply + *reply_size, outputs, output_size);
            *reply_size += output_size;
        }
    }
    return status;
}

/* A piece of a sequence that must be there whole before its first output. */
static fx_status run_whole(firmware *board, size_t timesteps, bool last_piece, const uint8_t *codes, uint8_t *reply,
                           size_t *reply_size) {
    inference_state *inference = &board->inference;
    fx_status status = keep_steps(inference, timesteps, codes);
    if (status != FX_OK || !last_piece) {
        return status;
    }
    if (!inference->swept) {
        status = fx_sweep_over(&inference->executor, inference->kept);
        inference->swept = true;
    }
    return status == FX_OK ? give_outputs(board, reply, reply_size) : status;
}

/* Timesteps in a piece; FX_ERROR_FRAME_LENGTH when it is no whole number or the answer would not fit a frame. */
static fx_status count_timesteps(const fx_program *program, size_t size, size_t *timesteps) {
    fx_phase only = fx_program_phase(program, 0);
    const fx_phase *phase = &only;
    size_t input_size = phase->input_length * sizeof(int16_t);
    size_t output_size = phase->output_length * sizeof(int16_t);
    if (input_size == 0 || input_size > FW_MAX_PAYLOAD || output_size > FW_MAX_PAYLOAD || size % input_size != 0) {
        return FX_ERROR_FRAME_LENGTH;
    }
    *timesteps = size / input_size;
    size_t vectors = phase->returns_last || !phase->streams ? 1 : *timesteps;
    return vectors * output_size > FW_MAX_PAYLOAD ? FX_ERROR_FRAME_LENGTH : FX_OK;
}

fx_status inference_run(firmware *board, unsigned flags, const uint8_t *codes, size_t size, uint8_t *reply,
                        size_t *reply_size) {
    inference_state *inference = &board->inference;
    bool on_array = (flags & FW_RUN_ON_ARRAY) != 0;
    size_t timesteps = 0;
    if (!inference->open) {
        return FX_ERROR_NO_PROGRAM;
    }
    if (inference->program.phase_count > 1) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = count_timesteps(&inference->program, size, &timesteps);
    if (status == FX_OK && (flags & FW_RUN_RESET) != 0) {
        status = start_sequence(board, on_array);
    }
    if (status == FX_OK && (!inference->started || inference->on_array != on_array)) {
        status = FX_ERROR_ARGUMENT;
    }
    if (status != FX_OK) {
        return status;
    }
    status = (fx_program_streams(&inference->program) ? run_steps : run_whole)(
        board, timesteps, (flags & FW_RUN_LAST_PIECE) != 0, codes, reply, reply_size);
    fx_status rest = on_array ? front_end_rest(&board->front_end) : FX_OK;
    if (status == FX_OK) {
        status = rest;
    }
    if (status != FX_OK) {
        inference->started = false; /* part of the piece has run: only a new sequence is sure */
    }
    return status;
}
