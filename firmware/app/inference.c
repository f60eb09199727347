/* Programs, sequences and their states in the working memory.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/inference.h"

#include <string.h>

#include "app/firmware.h"
#include "app/tiles.h"

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

/* Timesteps that the working memory can keep of a phase that does not stream. */
static size_t room(const inference_state *inference) {
    uint64_t record = fx_record_length(&inference->program) * sizeof(int16_t);
    size_t rest = sizeof inference->working - fx_executor_size(&inference->program, 1, 0);
    return record == 0 ? UINT16_MAX : (size_t)(rest / record);
}

fx_status inference_start(firmware *board, bool on_array) {
    inference_state *inference = &board->inference;
    if (on_array && inference->program.header->adc_bits != ARRAY_ADC_BITS) {
        return inference->program.header->adc_bits == 0 ? FX_ERROR_ARRAY_NEEDS_ADC : FX_ERROR_ARGUMENT;
    }
    inference->array = (fx_array){.context = board, .multiply = tiles_multiply};
    fx_status status = fx_executor_init(&inference->executor, &inference->program, fx_kernels_default(),
                                        on_array ? &inference->array : NULL, 1, room(inference), inference->working,
                                        sizeof inference->working);
    inference->started = status == FX_OK;
    inference->on_array = on_array;
    return status == FX_OK ? inference_select(inference, 0) : status;
}

fx_status inference_select(inference_state *inference, uint32_t phase) {
    if (!inference->started) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = fx_select(&inference->executor, phase);
    if (status == FX_OK) {
        inference->whole = false;
        inference->kept = inference->swept = inference->finished = 0;
    }
    return status;
}

fx_status inference_put_state(inference_state *inference, uint32_t start, const uint8_t *codes, size_t count) {
    int16_t aligned[LARGEST_CODES];
    if (!inference->started || count > LARGEST_CODES) {
        return FX_ERROR_ARGUMENT;
    }
    memcpy(aligned, codes, count * sizeof *aligned);
    return fx_put_state(&inference->executor, start, (uint32_t)count, aligned);
}

fx_status inference_get_state(const inference_state *inference, uint32_t start, uint8_t *codes, size_t count) {
    int16_t aligned[LARGEST_CODES];
    if (!inference->started || count > LARGEST_CODES) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = fx_get_state(&inference->executor, start, (uint32_t)count, aligned);
    if (status == FX_OK) {
        memcpy(codes, aligned, count * sizeof *aligned);
    }
    return status;
}
