/* The C interface of the executor on images given as arguments: arguments refused, pieces equal to whole, reset complete. */
#include <string.h>

#include "check.h"
#include "files.h"
#include "fxlstm.h"
#include "generator.h"

#define BATCH 3u
#define TIMESTEPS 5u
#define GIVEN 3u /* timesteps with inputs, of a phase that streams */

typedef struct {
    fx_program program;
    fx_executor executor;
    void *memory;
    size_t size;
} fixture;

/* What one phase of a run takes and gives. */
typedef struct {
    fx_phase phase;
    size_t given;
    int16_t *inputs;  /* BATCH x given x input_length */
    int16_t *outputs; /* as fx_run gives them */
    size_t output_bytes;
} leg;

static fixture make(buffer image) {
    fixture made = {.memory = NULL};
    CHECK(fx_program_open(&made.program, image.bytes, image.size) == FX_OK);
    made.size = fx_executor_size(&made.program, BATCH, TIMESTEPS);
    made.memory = malloc(made.size);
    CHECK(made.size > 0 && made.memory != NULL);
    return made;
}

/* Every buffer has its exact size, but no less than a code. */
static leg make_leg(const fixture *made, uint32_t index) {
    generator random = {.state = made->size + index};
    leg one = {.phase = fx_program_phase(&made->program, index)};
    one.given = one.phase.streams ? GIVEN : TIMESTEPS;
    size_t input_codes = BATCH * one.given * one.phase.input_length;
    one.output_bytes = (size_t)BATCH * (one.phase.returns_last ? 1 : TIMESTEPS) * one.phase.output_length * 2;
    one.inputs = malloc(2 * (input_codes + !input_codes));
    one.outputs = malloc(one.output_bytes + 2);
    CHECK(one.inputs != NULL && one.outputs != NULL);
    for (size_t i = 0; i < input_codes; i++) {
        one.inputs[i] = (int16_t)next_random(&random);
    }
    return one;
}

static void drop_leg(leg *one) {
    free(one->inputs);
    free(one->outputs);
}

static fx_status init(fixture *made, const fx_array *array, uint32_t batch, size_t offset, size_t size) {
    uint8_t *memory = made->memory;
    return fx_executor_init(&made->executor, &made->program, fx_kernels_default(), array, batch, TIMESTEPS,
                            memory + offset, size);
}

static void bad_arguments_are_refused(buffer image) {
    fixture made = make(image);
    fx_array array = {NULL, NULL};
    int16_t code = 0;
    uint32_t arena = made.program.header->arena_length;
    uint8_t *shifted = malloc(image.size + 4);
    CHECK(shifted != NULL);
    memcpy(shifted + 4, image.bytes, image.size);
    CHECK(fx_program_open(&made.program, shifted + 4, image.size) == FX_ERROR_IMAGE_ALIGNMENT);
    free(shifted);
    CHECK(fx_program_open(&made.program, image.bytes, image.size) == FX_OK);
    CHECK(fx_program_phase(&made.program, made.program.phase_count).sweep_count == 0);
    CHECK(init(&made, NULL, 0, 0, made.size) == FX_ERROR_ARGUMENT);
    CHECK(init(&made, NULL, 1, 4, made.size - 4) == FX_ERROR_ARGUMENT);
    CHECK(init(&made, NULL, BATCH, 0, made.size - 1) == FX_ERROR_MEMORY);
    CHECK(init(&made, NULL, UINT32_MAX, 0, made.size) == FX_ERROR_MEMORY);
    fx_status with_array = init(&made, &array, BATCH, 0, made.size);
    CHECK(with_array == (made.program.header->adc_bits == 0 ? FX_ERROR_ARRAY_NEEDS_ADC : FX_OK));
    CHECK(init(&made, NULL, BATCH, 0, made.size) == FX_OK);
    CHECK(fx_run(&made.executor, 0, 0, NULL, &code) == FX_ERROR_ARGUMENT);
    CHECK(fx_run(&made.executor, 2, 1, &code, &code) == FX_ERROR_ARGUMENT);
    CHECK(fx_select(&made.executor, made.program.phase_count) == FX_ERROR_ARGUMENT);
    CHECK(fx_put_state(&made.executor, arena, 1, &code) == FX_ERROR_ARGUMENT);
    CHECK(fx_get_state(&made.executor, arena, 1, &code) == FX_ERROR_ARGUMENT);
    free(made.memory);
}

/* The inputs of one timestep, one sequence after another; NULL where none are given. */
static const int16_t *gather(const leg *one, size_t timestep, int16_t *inputs) {
    size_t in = one->phase.input_length;
    for (size_t sequence = 0; sequence < BATCH && timestep < one->given; sequence++) {
        memcpy(inputs + sequence * in, one->inputs + (sequence * one->given + timestep) * in, in * sizeof *inputs);
    }
    return timestep < one->given ? inputs : NULL;
}

/* Sweeps run in steps are those of fx_run; a step beyond the last is none. */
static void keep_and_sweep(fixture *made, const leg *one, int16_t *inputs) {
    size_t steps = (one->phase.sweep_count - 1) * (size_t)TIMESTEPS;
    for (size_t t = 0; t < TIMESTEPS; t++) {
        CHECK(fx_keep(&made->executor, t, gather(one, t, inputs)) == FX_OK);
    }
    CHECK(fx_keep(&made->executor, TIMESTEPS, inputs) == FX_ERROR_SEQUENCE_TOO_LONG);
    CHECK(fx_sweep_over(&made->executor, TIMESTEPS + 1) == FX_ERROR_SEQUENCE_TOO_LONG);
    CHECK(fx_finish(&made->executor, TIMESTEPS, NULL) == FX_ERROR_SEQUENCE_TOO_LONG);
    CHECK(fx_step(&made->executor, inputs, NULL) == FX_ERROR_WHOLE_SEQUENCE);
    CHECK(one->phase.input_length == 0 ||
          fx_run(&made->executor, TIMESTEPS - 1, TIMESTEPS, one->inputs, one->outputs) == FX_ERROR_ARGUMENT);
    for (size_t step = 0; step < steps; step++) {
        CHECK(fx_sweep_step(&made->executor, TIMESTEPS, step) == FX_OK);
    }
    CHECK(fx_sweep_step(&made->executor, TIMESTEPS, steps) == FX_ERROR_ARGUMENT);
    CHECK(fx_sweep_step(&made->executor, 1, SIZE_MAX) == FX_ERROR_ARGUMENT);
    CHECK(fx_sweep_step(&made->executor, 0, 0) == FX_ERROR_ARGUMENT);
}

/* The timesteps one at a time; outputs land where fx_run puts them, the last only when the phase returns its last. */
static void run_by_steps(fixture *made, const leg *one, int16_t *outputs) {
    size_t in = one->phase.input_length, out = one->phase.output_length;
    int16_t *inputs = malloc(2 * (BATCH * in + 1)), *results = malloc(2 * (BATCH * out + 1));
    CHECK(inputs != NULL && results != NULL);
    if (one->phase.streams) {
        CHECK(fx_keep(&made->executor, 0, inputs) == FX_ERROR_ARGUMENT);
    } else {
        keep_and_sweep(made, one, inputs);
    }
    for (size_t t = 0; t < TIMESTEPS; t++) {
        bool wanted = !one->phase.returns_last || t + 1 == TIMESTEPS;
        int16_t *to = wanted ? results : NULL;
        const int16_t *from = gather(one, t, inputs);
        CHECK((one->phase.streams ? fx_step(&made->executor, from, to) : fx_finish(&made->executor, t, to)) == FX_OK);
        for (size_t sequence = 0; wanted && sequence < BATCH; sequence++) {
            size_t at = one->phase.returns_last ? sequence : sequence * TIMESTEPS + t;
            memcpy(outputs + at * out, results + sequence * out, out * sizeof *outputs);
        }
    }
    free(inputs);
    free(results);
}

static void steps_equal_a_run_and_reset_forgets_everything(buffer image) {
    fixture made = make(image);
    CHECK(init(&made, NULL, BATCH, 0, made.size) == FX_OK);
    for (uint32_t index = 0; index < made.program.phase_count; index++) {
        leg one = make_leg(&made, index);
        uint32_t arena = made.program.header->arena_length;
        int16_t *before = malloc(2 * (size_t)BATCH * arena), *stepped = malloc(one.output_bytes + 2);
        CHECK(before != NULL && stepped != NULL);
        CHECK(fx_get_state(&made.executor, 0, arena, before) == FX_OK);
        CHECK(fx_select(&made.executor, index) == FX_OK);
        CHECK(fx_run(&made.executor, one.given, TIMESTEPS, one.inputs, one.outputs) == FX_OK);
        fx_reset(&made.executor);
        CHECK(fx_put_state(&made.executor, 0, arena, before) == FX_OK);
        CHECK(fx_select(&made.executor, index) == FX_OK);
        run_by_steps(&made, &one, stepped);
        CHECK(memcmp(stepped, one.outputs, one.output_bytes) == 0);
        free(before);
        free(stepped);
        drop_leg(&one);
    }
    free(made.memory);
}

/* A phase that returns its last output runs in pieces without outputs before the last, as a board does. */
static void a_piece_without_outputs_carries_the_state_on(buffer image) {
    fixture made = make(image);
    leg one = make_leg(&made, 0);
    size_t in = one.phase.input_length;
    if (one.phase.returns_last && one.phase.streams) {
        int16_t *last = malloc(2 * one.phase.output_length);
        CHECK(last != NULL);
        CHECK(init(&made, NULL, 1, 0, made.size) == FX_OK);
        CHECK(fx_run(&made.executor, GIVEN, TIMESTEPS, one.inputs, one.outputs) == FX_OK);
        fx_reset(&made.executor);
        CHECK(fx_run(&made.executor, 1, 1, one.inputs, NULL) == FX_OK);
        CHECK(fx_run(&made.executor, GIVEN - 1, TIMESTEPS - 1, one.inputs + in, last) == FX_OK);
        CHECK(memcmp(last, one.outputs, 2 * one.phase.output_length) == 0);
        free(last);
    }
    drop_leg(&one);
    free(made.memory);
}

int main(int count, char **paths) {
    CHECK(count > 1);
    for (int i = 1; i < count; i++) {
        buffer image = read_file(paths[i]);
        bad_arguments_are_refused(image);
        steps_equal_a_run_and_reset_forgets_everything(image);
        a_piece_without_outputs_carries_the_state_on(image);
        free(image.bytes);
    }
    return EXIT_SUCCESS;
}
