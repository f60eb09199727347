/* The C interface of the executor on images given as arguments: arguments refused, pieces equal to whole, reset complete. */
#include <string.h>

#include "check.h"
#include "files.h"
#include "fxlstm.h"
#include "generator.h"

#define BATCH 3u
#define TIMESTEPS 5u

typedef struct {
    fx_program program;
    fx_executor executor;
    void *memory;
    size_t size;
    int16_t *inputs;  /* BATCH x TIMESTEPS x input_length */
    int16_t *outputs; /* as fx_run gives them */
    size_t output_codes;
} fixture;

static fixture make(buffer image) {
    fixture made = {.memory = NULL};
    generator random = {image.size};
    CHECK(fx_program_open(&made.program, image.bytes, image.size) == FX_OK);
    fx_phase phase = fx_program_phase(&made.program, 0);
    size_t input_codes = (size_t)BATCH * TIMESTEPS * phase.input_length;
    made.output_codes = (size_t)BATCH * (phase.returns_last ? 1 : TIMESTEPS) * phase.output_length;
    made.size = fx_executor_size(&made.program, BATCH, TIMESTEPS);
    made.memory = malloc(made.size);
    made.inputs = malloc(input_codes * sizeof *made.inputs);
    made.outputs = malloc(made.output_codes * sizeof *made.outputs);
    CHECK(made.size > 0 && made.memory != NULL && made.inputs != NULL && made.outputs != NULL);
    for (size_t i = 0; i < input_codes; i++) {
        made.inputs[i] = (int16_t)next_random(&random);
    }
    return made;
}

static void drop(fixture *made) {
    free(made->memory);
    free(made->inputs);
    free(made->outputs);
}

static fx_status init(fixture *made, const fx_array *array, uint32_t batch, size_t offset, size_t size) {
    uint8_t *memory = made->memory;
    return fx_executor_init(&made->executor, &made->program, fx_kernels_default(), array, batch, TIMESTEPS,
                            memory + offset, size);
}

static void bad_arguments_are_refused(buffer image) {
    fixture made = make(image);
    fx_array array = {NULL, NULL};
    uint8_t *shifted = malloc(image.size + 4);
    CHECK(shifted != NULL);
    memcpy(shifted + 4, image.bytes, image.size);
    CHECK(fx_program_open(&made.program, shifted + 4, image.size) == FX_ERROR_IMAGE_ALIGNMENT);
    free(shifted);
    CHECK(fx_program_open(&made.program, image.bytes, image.size) == FX_OK);
    CHECK(init(&made, NULL, 0, 0, made.size) == FX_ERROR_ARGUMENT);
    CHECK(init(&made, NULL, 1, 4, made.size - 4) == FX_ERROR_ARGUMENT);
    CHECK(init(&made, NULL, BATCH, 0, made.size - 1) == FX_ERROR_MEMORY);
    CHECK(init(&made, NULL, UINT32_MAX, 0, made.size) == FX_ERROR_MEMORY);
    fx_status with_array = init(&made, &array, BATCH, 0, made.size);
    CHECK(with_array == (made.program.header->adc_bits == 0 ? FX_ERROR_ARRAY_NEEDS_ADC : FX_OK));
    CHECK(init(&made, NULL, BATCH, 0, made.size) == FX_OK);
    CHECK(fx_run(&made.executor, 0, 0, made.inputs, made.outputs) == FX_ERROR_ARGUMENT);
    drop(&made);
}

/* The inputs of one timestep, one sequence after another. */
static void gather(const fixture *made, size_t timestep, int16_t *inputs) {
    size_t in = fx_program_phase(&made->program, 0).input_length;
    for (size_t sequence = 0; sequence < BATCH; sequence++) {
        memcpy(inputs + sequence * in, made->inputs + (sequence * TIMESTEPS + timestep) * in, in * sizeof *inputs);
    }
}

static void keep_and_sweep(fixture *made, int16_t *step_inputs) {
    for (size_t t = 0; t < TIMESTEPS; t++) {
        gather(made, t, step_inputs);
        CHECK(fx_keep(&made->executor, t, step_inputs) == FX_OK);
    }
    CHECK(fx_keep(&made->executor, TIMESTEPS, step_inputs) == FX_ERROR_SEQUENCE_TOO_LONG);
    CHECK(fx_sweep_over(&made->executor, TIMESTEPS + 1) == FX_ERROR_SEQUENCE_TOO_LONG);
    CHECK(fx_finish(&made->executor, TIMESTEPS, NULL) == FX_ERROR_SEQUENCE_TOO_LONG);
    CHECK(fx_step(&made->executor, step_inputs, NULL) == FX_ERROR_WHOLE_SEQUENCE);
    CHECK(fx_sweep_over(&made->executor, TIMESTEPS) == FX_OK);
}

/* The timesteps one at a time; outputs land where fx_run puts them, the last only when the program returns its last. */
static void run_by_steps(fixture *made, int16_t *outputs) {
    fx_phase phase = fx_program_phase(&made->program, 0);
    size_t in = phase.input_length, out = phase.output_length;
    int16_t *step_inputs = malloc(BATCH * in * sizeof *step_inputs),
            *step_outputs = malloc(BATCH * out * sizeof *outputs);
    CHECK(step_inputs != NULL && step_outputs != NULL);
    if (!phase.streams) {
        keep_and_sweep(made, step_inputs);
    }
    for (size_t t = 0; t < TIMESTEPS; t++) {
        gather(made, t, step_inputs);
        bool wanted = !phase.returns_last || t + 1 == TIMESTEPS;
        int16_t *results = wanted ? step_outputs : NULL;
        if (phase.streams) {
            CHECK(fx_step(&made->executor, step_inputs, results) == FX_OK);
        } else {
            CHECK(fx_finish(&made->executor, t, results) == FX_OK);
        }
        for (size_t sequence = 0; wanted && sequence < BATCH; sequence++) {
            size_t at = phase.returns_last ? sequence : sequence * TIMESTEPS + t;
            memcpy(outputs + at * out, step_outputs + sequence * out, out * sizeof *outputs);
        }
    }
    free(step_inputs);
    free(step_outputs);
}

static void steps_equal_a_run_and_reset_forgets_everything(buffer image) {
    fixture made = make(image);
    size_t bytes = made.output_codes * sizeof *made.outputs;
    int16_t *stepped = malloc(bytes);
    CHECK(stepped != NULL);
    CHECK(init(&made, NULL, BATCH, 0, made.size) == FX_OK);
    CHECK(fx_run(&made.executor, TIMESTEPS, TIMESTEPS, made.inputs, made.outputs) == FX_OK);
    fx_reset(&made.executor);
    run_by_steps(&made, stepped);
    CHECK(memcmp(stepped, made.outputs, bytes) == 0);
    free(stepped);
    drop(&made);
}

/* A program that returns its last output runs in pieces without outputs before the last, as a board does. */
static void a_piece_without_outputs_carries_the_state_on(buffer image) {
    fixture made = make(image);
    fx_phase phase = fx_program_phase(&made.program, 0);
    size_t last_codes = phase.output_length, in = phase.input_length;
    int16_t *last = malloc(last_codes * sizeof *last);
    CHECK(last != NULL);
    if (phase.returns_last && phase.streams) {
        CHECK(init(&made, NULL, 1, 0, made.size) == FX_OK);
        CHECK(fx_run(&made.executor, TIMESTEPS, TIMESTEPS, made.inputs, made.outputs) == FX_OK);
        fx_reset(&made.executor);
        CHECK(fx_run(&made.executor, TIMESTEPS - 2, TIMESTEPS - 2, made.inputs, NULL) == FX_OK);
        CHECK(fx_run(&made.executor, 2, 2, made.inputs + (TIMESTEPS - 2) * in, last) == FX_OK);
        CHECK(memcmp(last, made.outputs, last_codes * sizeof *last) == 0);
    }
    free(last);
    drop(&made);
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
