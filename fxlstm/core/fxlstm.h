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
 *     status = fx_run(&executor, timesteps, timesteps, inputs, outputs);
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
    const void *weights; /* int8_t or int16_t, as the header's weight_bits say */
    const fx_scale *scales;
    const fx_sweep *sweeps;
    uint32_t operation_count;
    uint32_t matrix_count;
    uint32_t tile_count;
    uint32_t sweep_count;
    uint32_t phase_count;
} fx_program;

/* A run of sweeps of one phase number: an encoder, a decoder. The arena lives on from a phase to the next. */
typedef struct {
    const fx_sweep *sweeps;
    uint32_t sweep_count;
    uint32_t first_operation; /* of the program's */
    uint32_t input_start;     /* arena index of what its first sweep reads */
    uint32_t input_length;
    uint32_t output_start; /* arena index of what its last sweep gives */
    uint32_t output_length;
    uint64_t record_length; /* codes of a timestep's record: input and what sweeps but the last give; 0 if it streams */
    bool returns_last;      /* a sequence gives its last output only */
    bool streams;           /* runs timestep by timestep; one that reads backward needs its whole sequence in memory */
} fx_phase;

/* Check every header field, section, record, index, shift and bound of an image before anything runs. */
fx_status fx_program_open(fx_program *program, const void *image, size_t size);

/* The phase of an index; from phase_count on, one without sweeps. */
fx_phase fx_program_phase(const fx_program *program, uint32_t index);

/* Whether all phases stream. */
bool fx_program_streams(const fx_program *program);

/* The longest record of a phase that does not stream, in codes; 0 where there is none. */
uint64_t fx_record_length(const fx_program *program);

/* An array that multiplies one tile for `count` sequences: codes that drive rows in, ADC codes on the 16-bit grid out.
 * Strides are in codes from one sequence to the next. Row codes lie in -32767..32767. Returns FX_OK or the reason. */
typedef struct {
    void *context;
    fx_status (*multiply)(void *context, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                          int16_t *columns, size_t column_stride);
} fx_array;

/* The code of a pair of columns from those of its two ADCs; counts it in `clipped` when it saturated. */
int16_t fx_pair_code(int16_t positive, int16_t negative, uint32_t *clipped);

typedef struct fx_kernels fx_kernels; /* one implementation of the hot loops (kernels/kernels.h) */

const fx_kernels *fx_kernels_default(void);             /* the best this machine can run */
const fx_kernels *fx_kernels_named(const char *name);   /* NULL when unknown or not usable here */
const char *fx_kernels_name(const fx_kernels *kernels); /* "portable", ... */
const char *fx_kernels_needs(const char *name); /* what a set runs on, usable here or not; NULL: unknown, or anything */
const char *fx_kernels_name_at(size_t index);   /* names in order of preference; NULL past the end */

/* Since initialisation, per operation. */
typedef struct {
    uint32_t adc;    /* codes that the integer array's ADC clipped; another array counts its own */
    uint32_t result; /* results that were saturated */
} fx_clipped;

typedef struct fx_plan fx_plan;     /* what a kernel set makes of a program (host/plan.h) */
typedef struct fx_runner fx_runner; /* runs operations by a plan (operations.h) */
typedef struct fx_team fx_team;     /* threads that share the products of one executor (host/team.h) */

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
    size_t record_stride;  /* codes from one sequence's records to the next */
    int16_t *records;
    void *prepared;          /* what the kernels made of the operations */
    fx_phase phase;          /* the one selected */
    uint64_t timestep;       /* how many of it have run, where it streams; 64 bits: periods outlast years */
    const fx_runner *runner; /* NULL: operations run one by one, without a plan */
    const fx_plan *plan;
    uint32_t *words;     /* scratch of the plan: driven codes */
    int64_t *ahead_sums; /* scratch of the plan: products of inputs of the next timesteps */
    uint32_t ahead;      /* how many timesteps these are */
    uint32_t block;      /* sequences that run all operations of a timestep before the next ones */
    bool backward;       /* the order of a large matrix's pieces, each time the other */
    fx_team *team;       /* shares the plan's products among threads; NULL: the caller's does them all */
} fx_executor;

/* Bytes of memory an executor needs for `batch` sequences side by side of at most `timesteps`, which counts only for
 * programs that do not stream; 0 when that exceeds SIZE_MAX. */
size_t fx_executor_size(const fx_program *program, uint32_t batch, size_t timesteps);

/* Lay an executor out in `memory` (8-byte aligned) and reset it. `array` may be NULL. */
fx_status fx_executor_init(fx_executor *executor, const fx_program *program, const fx_kernels *kernels,
                           const fx_array *array, uint32_t batch, size_t timesteps, void *memory, size_t size);

/* Plans: hosts only (host/SOURCES). A plan is what the kernel set needs of a program to run it fast, with the same results; any
 * number of executors may share it. It refers to the program, which has to stay. `memory` and `scratch` are aligned to 64. */
size_t fx_plan_size(const fx_program *program, const fx_kernels *kernels); /* bytes; 0: the set has no plans */
fx_status fx_plan_init(const fx_plan **plan, const fx_program *program, const fx_kernels *kernels, void *memory,
                       size_t size);
size_t fx_plan_scratch_size(const fx_plan *plan); /* bytes that each executor needs */
/* Run by a plan of the executor's program and kernels from now on; an array goes on multiplying tile by tile. */
fx_status fx_executor_use_plan(fx_executor *executor, const fx_plan *plan, void *scratch, size_t size);

/* Products of the plan's largest matrix with one sequence; 0: none runs by the plan. */
uint64_t fx_plan_largest_product(const fx_plan *plan);

#define FX_MOST_SHARES 16u /* of a team */

/* Teams: hosts only. Threads share the columns of every product that takes at least so many multiplications, with the same
 * results: `executor->team` is set by the one that runs it, each of the others calls fx_team_help with a share of its own, 1 to
 * size - 1, and returns after fx_team_end. None is waited for. `memory`: fx_team_size() bytes aligned to 64, to stay until all
 * have returned; more shares than there is room for stay without work. */
size_t fx_team_size(void);
fx_status fx_team_init(fx_team **team, uint32_t size, uint64_t least, void *memory);
void fx_team_help(fx_team *team, uint32_t share);
void fx_team_end(fx_team *team);

/* Put every sequence's arena back to its contents at reset, zero states, constants in place; select phase 0. */
void fx_reset(fx_executor *executor);

/* Put or get `batch` x `length` codes of the arenas from `start` on: states. */
fx_status fx_put_state(fx_executor *executor, uint32_t start, uint32_t length, const int16_t *codes);
fx_status fx_get_state(const fx_executor *executor, uint32_t start, uint32_t length, int16_t *codes);

/* Go on with the first timestep of a phase; the arenas stay as they are. */
fx_status fx_select(fx_executor *executor, uint32_t phase);

/* One timestep of a phase that streams. `inputs`: batch x input_length codes, one sequence after another, or NULL: run on
 * what the operations left there. `outputs`: batch x output_length, or NULL when no output is wanted at this timestep. */
fx_status fx_step(fx_executor *executor, const int16_t *inputs, int16_t *outputs);

/* `timesteps` timesteps of the phase; one that streams goes on from where it stands. `inputs`: batch x given x
 * input_length, for the first `given` timesteps; later ones are as without inputs, which only a phase that streams or has
 * no input can do. `outputs`: batch x timesteps x output_length, or batch x output_length when the phase returns its
 * last output only, or NULL when none is wanted. */
fx_status fx_run(fx_executor *executor, size_t given, size_t timesteps, const int16_t *inputs, int16_t *outputs);

/* What fx_run does for a phase that does not stream, in pieces: keep the input of every timestep, sweep over them once
 * all are there, then ask for the outputs in order. Inputs and outputs as of fx_step. */
fx_status fx_keep(fx_executor *executor, size_t timestep, const int16_t *inputs);
fx_status fx_sweep_over(fx_executor *executor, size_t timesteps);
fx_status fx_finish(fx_executor *executor, size_t timestep, int16_t *outputs);

/* fx_sweep_over in steps of one timestep of one sweep: 0 to (sweep_count - 1) * timesteps - 1, in order. */
fx_status fx_sweep_step(fx_executor *executor, size_t timesteps, size_t step);

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
