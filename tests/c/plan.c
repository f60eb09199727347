/* Executors with a plan of every kernel set of this machine, run by one thread or several, against one without: the same
 * outputs, arenas and counts on images given as arguments, multiplied in exact integers and by an array. Buffers have their
 * exact size, for the sanitizer. Prints the names of the sets.
 * With FX_TILE_MODEL the set for AMX is among them, by a model of its tiles.
 */
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "files.h"
#include "fxlstm.h"
#include "generator.h"
#ifdef FX_TILE_MODEL
#include "tile_model.h"
#endif

#define TIMESTEPS 9u
#define GIVEN 8u /* timesteps with inputs, of a phase that streams */
#define ALIGNMENT 64u

static void *aligned(size_t size) {
    void *memory = aligned_alloc(ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    CHECK(memory != NULL);
    return memory;
}

#define MOST_THREADS 4u

/* Threads that help an executor; every product is shared, however small. */
typedef struct {
    fx_team *team;
    void *memory;
    uint32_t threads;
    struct helper {
        fx_team *team;
        uint32_t share;
        pthread_t thread;
    } helpers[MOST_THREADS];
} crew;

static void *help(void *context) {
    const struct helper *own = context;
    fx_team_help(own->team, own->share);
    return NULL;
}

static void gather(crew *made, uint32_t threads) {
    *made = (crew){.memory = aligned(fx_team_size()), .threads = threads};
    CHECK(fx_team_init(&made->team, threads, 0, made->memory) == FX_OK);
    for (uint32_t share = 1; share < threads; share++) {
        made->helpers[share] = (struct helper){.team = made->team, .share = share};
        CHECK(pthread_create(&made->helpers[share].thread, NULL, help, made->helpers + share) == 0);
    }
}

static void dismiss(crew *made) {
    fx_team_end(made->team);
    for (uint32_t share = 1; share < made->threads; share++) {
        CHECK(pthread_join(made->helpers[share].thread, NULL) == 0);
    }
    free(made->memory);
}

/* An executor with what it stands in; `plan` may be NULL. */
typedef struct {
    fx_executor executor;
    void *memory;
    void *scratch;
} stand;

static stand make(const fx_program *program, const fx_kernels *kernels, const fx_array *array, const fx_plan *plan,
                  uint32_t batch) {
    size_t size = fx_executor_size(program, batch, TIMESTEPS);
    stand made = {.memory = aligned(size), .scratch = NULL};
    CHECK(fx_executor_init(&made.executor, program, kernels, array, batch, TIMESTEPS, made.memory, size) == FX_OK);
    if (plan != NULL) {
        size_t scratch_size = fx_plan_scratch_size(plan);
        made.scratch = aligned(scratch_size);
        CHECK(fx_executor_use_plan(&made.executor, plan, made.scratch, scratch_size) == FX_OK);
    }
    return made;
}

static void drop(stand *made) {
    free(made->memory);
    free(made->scratch);
}

/* Any code, an end of the scale more often than chance. */
static int16_t any_code(generator *random) {
    static const int16_t ends[] = {INT16_MIN, INT16_MIN + 1, -1, 0, 1, INT16_MAX};
    return below(random, 8) == 0 ? ends[below(random, sizeof ends / sizeof *ends)] : (int16_t)next_random(random);
}

/* An array that gives any codes, the same ones for the same rows. */
static fx_status any_product(void *context, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                             int16_t *columns, size_t column_stride) {
    (void)context;
    for (uint32_t sequence = 0; sequence < count; sequence++) {
        generator random = {.state =
                                fx_crc32(tile->row, (const uint8_t *)(rows + sequence * row_stride), tile->rows * 2)};
        for (uint32_t column = 0; column < tile->columns; column++) {
            columns[sequence * column_stride + column] = any_code(&random);
        }
    }
    return FX_OK;
}

static int16_t *any_codes(generator *random, size_t count) {
    int16_t *codes = malloc(2 * (count + !count));
    CHECK(codes != NULL);
    for (size_t i = 0; i < count; i++) {
        codes[i] = any_code(random);
    }
    return codes;
}

static void same_arenas(const stand *a, const stand *b) {
    uint32_t length = a->executor.program->header->arena_length, batch = a->executor.batch;
    size_t bytes = (size_t)batch * length * 2;
    int16_t *first = malloc(bytes), *second = malloc(bytes);
    CHECK(first != NULL && second != NULL);
    CHECK(fx_get_state(&a->executor, 0, length, first) == FX_OK &&
          fx_get_state(&b->executor, 0, length, second) == FX_OK);
    CHECK(memcmp(first, second, bytes) == 0);
    free(first);
    free(second);
}

static void same_phase(generator *random, stand *a, stand *b, uint32_t index) {
    fx_phase phase = fx_program_phase(a->executor.program, index);
    size_t given = phase.streams ? GIVEN : TIMESTEPS, batch = a->executor.batch;
    size_t bytes = batch * (phase.returns_last ? 1 : TIMESTEPS) * phase.output_length * 2;
    int16_t *inputs = any_codes(random, batch * given * phase.input_length);
    int16_t *first = malloc(bytes + 2), *second = malloc(bytes + 2);
    CHECK(first != NULL && second != NULL);
    CHECK(fx_select(&a->executor, index) == FX_OK && fx_select(&b->executor, index) == FX_OK);
    CHECK(fx_run(&a->executor, given, TIMESTEPS, inputs, first) == FX_OK);
    CHECK(fx_run(&b->executor, given, TIMESTEPS, inputs, second) == FX_OK);
    CHECK(memcmp(first, second, bytes) == 0);
    free(inputs);
    free(first);
    free(second);
}

static void same_run(const fx_program *program, const fx_plan *plan, const fx_kernels *kernels, const fx_array *array,
                     uint32_t batch, uint32_t threads) {
    generator random = {.state = batch};
    crew helpers;
    gather(&helpers, threads);
    stand plain = make(program, fx_kernels_named("portable"), array, NULL, batch),
          planned = make(program, kernels, array, plan, batch);
    planned.executor.team = helpers.team;
    uint32_t arena = program->header->arena_length;
    int16_t *start = any_codes(&random, (size_t)batch * arena);
    CHECK(fx_put_state(&plain.executor, 0, arena, start) == FX_OK);
    CHECK(fx_put_state(&planned.executor, 0, arena, start) == FX_OK);
    for (uint32_t index = 0; index < program->phase_count; index++) {
        same_phase(&random, &plain, &planned, index);
        same_arenas(&plain, &planned);
    }
    size_t bytes = program->operation_count * sizeof(fx_clipped);
    CHECK(bytes == 0 || memcmp(plain.executor.clipped, planned.executor.clipped, bytes) == 0);
    free(start);
    dismiss(&helpers);
    drop(&plain);
    drop(&planned);
}

static void bad_arguments_are_refused(const fx_program *program, const fx_kernels *kernels, size_t size) {
    const fx_plan *plan = NULL;
    uint8_t *memory = aligned(size + 8);
    CHECK(fx_plan_init(&plan, program, kernels, memory + 8, size) == FX_ERROR_ARGUMENT);
    CHECK(fx_plan_init(&plan, program, kernels, memory, size - 1) == FX_ERROR_MEMORY);
    CHECK(fx_plan_init(&plan, program, kernels, memory, size) == FX_OK);
    stand own = make(program, kernels, NULL, NULL, 1),
          other = make(program, fx_kernels_named("portable"), NULL, NULL, 1);
    size_t scratch_size = fx_plan_scratch_size(plan);
    uint8_t *scratch = aligned(scratch_size + 8);
    CHECK(fx_executor_use_plan(&own.executor, plan, scratch + 8, scratch_size) == FX_ERROR_ARGUMENT);
    CHECK(scratch_size == 0 || fx_executor_use_plan(&own.executor, plan, scratch, scratch_size - 1) == FX_ERROR_MEMORY);
    CHECK(fx_executor_use_plan(&other.executor, plan, scratch, scratch_size) == FX_ERROR_ARGUMENT);
    drop(&own);
    drop(&other);
    free(scratch);
    free(memory);
}

static void check_set(const fx_program *program, const fx_kernels *kernels) {
    static const struct {
        uint32_t batch, threads;
    } runs[] = {{1, 1}, {1, 4}, {2, 2}, {3, 1}, {5, 3}, {6, 1}, {7, 2}, {13, 1}, {33, 2}};
    const fx_array array = {NULL, any_product};
    size_t size = fx_plan_size(program, kernels);
    if (size == 0) {
        return;
    }
    const fx_plan *plan = NULL;
    void *memory = aligned(size);
    bad_arguments_are_refused(program, kernels, size);
    CHECK(fx_plan_init(&plan, program, kernels, memory, size) == FX_OK);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        same_run(program, plan, kernels, NULL, runs[i].batch, runs[i].threads);
        if (program->header->adc_bits != 0) {
            same_run(program, plan, kernels, &array, runs[i].batch, runs[i].threads);
        }
    }
    free(memory);
}

int main(int count, char **paths) {
    CHECK(count > 1);
    for (int i = 1; i < count; i++) {
        buffer image = read_file(paths[i]);
        fx_program program;
        CHECK(fx_program_open(&program, image.bytes, image.size) == FX_OK);
        for (size_t set = 0; fx_kernels_name_at(set) != NULL; set++) {
            check_set(&program, fx_kernels_named(fx_kernels_name_at(set)));
        }
        free(image.bytes);
    }
#ifdef FX_TILE_MODEL
    CHECK(fx_kernels_named("amx") == NULL || (tile_dots() > 0 && tiles_are_released()));
#endif
    for (size_t set = 0; fx_kernels_name_at(set) != NULL; set++) {
        printf("%s\n", fx_kernels_name_at(set));
    }
    return EXIT_SUCCESS;
}
