/* fxlstm core: runs an integer program. Freestanding C11: no allocation, no globals, no floating point.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Open an image, ask how much memory a batch needs, initialise an executor in it, step or run:
 *
 *     fx_program program;
 *     fx_status status = fx_program_open(&program, image, image_size);
 *     ... memory of fx_executor_size(&program, batch, timesteps) bytes, aligned to 8 ...
 *     status = fx_executor_init(&executor, &program, fx_kernels_default(), NULL, batch, timesteps, memory,
 *                               size);
 *     status = fx_run(&executor, timesteps, inputs, outputs);
 */
#ifndef FXLSTM_H
#define FXLSTM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h" /* generated: records of the image, operation and function codes */
#include "status.h" /* generated: fx_status, one code per outcome */

/* A checked view of an image. It points into the image, which must stay where it is, unchanged, and start on 8 bytes.
 */
typedef struct {
    const fx_header *header;
    const int16_t *arena;
    const fx_operation *operations;
    const fx_matrix *matrices;
    const fx_tile *tiles;
    const int16_t *weights;
    const fx_scale *scales;
    const fx_sweep *sweeps; /* none: all operations are one sweep forward in time */
    uint32_t operation_count;
    uint32_t matrix_count;
    uint32_t tile_count;
    uint32_t sweep_count;
} fx_program;

/* Check every header field, section, record, index, shift and bound of an image before anything runs. */
fx_status fx_program_open(fx_program *program, const void *image, size_t size);

/* Whether a program runs timestep by timestep; one that also reads backward needs its whole sequence in memory. */
bool fx_program_streams(const fx_program *program);

/* Codes of one timestep's record: its input and what each sweep but the last adds; 0 for a program that streams. */
uint64_t fx_record_length(const fx_program *program);

/* An array that multiplies one tile for `count` sequences: codes that drive rows in, ADC codes on the 16-bit grid out.
 * Strides are in codes from one sequence to the next. Row codes lie in -32767..32767. Returns FX_OK or the reason. */
typedef struct {
    void *context;
    fx_status (*multiply)(void *context, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                          int16_t *columns, size_t column_stride);
} fx_array;

typedef struct fx_kernels fx_kernels; /* one implementation of the hot loops (kernels/kernels.h) */

const fx_kernels *fx_kernels_default(void);             /* the best this machine can run */
const fx_kernels *fx_kernels_named(const char *name);   /* NULL when unknown or not usable here */
const char *fx_kernels_name(const fx_kernels *kernels); /* "portable", ... */
const char *fx_kernels_name_at(size_t index);           /* names in order of preference; NULL past the end */

/* Since initialisation, per operation. */
typedef struct {
    uint32_t adc;    /* codes that the integer array's ADC clipped; another array counts its own */
    uint32_t result; /* results that were saturated */
} fx_clipped;

typedef struct {
    const fx_program *program;
    const fx_kernels *kernels;
    const fx_array *array; /* NULL: the integer array */
    uint32_t batch;
    size_t arena_stride; /* codes from one sequence's arena to the next */
    int16_t *arenas;
    fx_clipped *clipped;   /* operation_count entries */
    int16_t *rows;         /* scratch: DAC codes of one matrix's rows for the batch */
    int16_t *columns;      /* scratch: ADC codes of one tile for the batch */
    int64_t *accumulators; /* scratch: exact sums of one tile for the batch */
    int64_t *sums;         /* scratch: one matrix's column sums for the batch */
    size_t timesteps;      /* room for so many in the records; 0 when the program streams */
    size_t record_length;  /* codes */
    size_t record_stride;  /* codes from one sequence's records to the next */
    int16_t *records;
} fx_executor;

/* Bytes of memory an executor needs for `batch` sequences side by side of at most `timesteps`, which counts only for
 * programs that do not stream; 0 when that exceeds SIZE_MAX. */
size_t fx_executor_size(const fx_program *program, uint32_t batch, size_t timesteps);

/* Lay an executor out in `memory` (8-byte aligned) and reset it. `array` may be NULL. */
fx_status fx_executor_init(fx_executor *executor, const fx_program *program, const fx_kernels *kernels,
                           const fx_array *array, uint32_t batch, size_t timesteps, void *memory, size_t size);

/* Put every sequence's arena back to its contents at reset: zero states, constants in place. */
void fx_reset(fx_executor *executor);

/* Put `batch` x `length` codes into the arenas at `start`: initial states, after a reset. */
fx_status fx_put_state(fx_executor *executor, uint32_t start, uint32_t length, const int16_t *codes);

/* One timestep of a program that streams. `inputs`: batch x input_length codes, one sequence after another; `outputs`:
 * batch x output_length, or NULL when no output is wanted at this timestep. */
fx_status fx_step(fx_executor *executor, const int16_t *inputs, int16_t *outputs);

/* `timesteps` steps from where the state stands; a program that does not stream begins at a reset. `inputs`: batch x timesteps x input_length; `outputs`: batch x
 * timesteps x output_length, or batch x output_length when the program returns its last output only, or NULL when none
 * is wanted. */
fx_status fx_run(fx_executor *executor, size_t timesteps, const int16_t *inputs, int16_t *outputs);

/* What fx_run does for a program that does not stream, in pieces: keep the input of every timestep, sweep over them once
 * all are there, then ask for the outputs in order. Inputs and outputs as of fx_step. */
fx_status fx_keep(fx_executor *executor, size_t timestep, const int16_t *inputs);
fx_status fx_sweep_over(fx_executor *executor, size_t timesteps);
fx_status fx_finish(fx_executor *executor, size_t timestep, int16_t *outputs);

/* The code nearest to function(code * 2^-fraction), ties up; any code, fraction 0..15. */
int16_t fx_activation(uint8_t function, uint8_t fraction, int16_t code);

/* CRC-32 (IEEE 802.3, reflected, as zlib); start with crc = 0 and feed pieces in order. */
uint32_t fx_crc32(uint32_t crc, const void *bytes, size_t size);

/* COBS. Encoded form holds no zero byte and no delimiter. `out` needs fx_cobs_bound(size) bytes; returns bytes written.
 */
size_t fx_cobs_bound(size_t size);
size_t fx_cobs_encode(const uint8_t *bytes, size_t size, uint8_t *out);
/* `out` needs `size` bytes and may be `bytes` itself. On success *written holds the decoded size. */
fx_status fx_cobs_decode(const uint8_t *bytes, size_t size, uint8_t *out, size_t *written);

#endif
