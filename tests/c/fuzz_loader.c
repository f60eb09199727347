/* Mutate images, mend their CRC, open them and run what is accepted. The sanitizers watch; every buffer has its exact
 * size.
 *
 *     fuzz_loader <iterations> <seed> <image>...
 *
 * Prints one line per status met: its number and how often. Built for libFuzzer, that one mutates, guided by coverage.
 */
#include <string.h>

#include "check.h"
#include "files.h"
#include "fxlstm.h"
#include "generator.h"

#define STEPS 3u
#define LARGEST_RUN (1u << 20) /* bytes of executor memory; larger programs are opened but not run */

/* Give the image its CRC again, so that the checks behind it are reached. */
static void mend(buffer image) {
    fx_header *header = (fx_header *)image.bytes;
    if (header->size >= sizeof *header && header->size <= image.size) {
        header->crc = 0;
        header->crc = fx_crc32(0, image.bytes, header->size);
    }
}

/* One phase, by whole sequences or, where it streams, some of its timesteps without inputs. */
static void run_phase(generator *random, fx_executor *executor, uint32_t index) {
    fx_phase phase = fx_program_phase(executor->program, index);
    size_t given = phase.streams ? below(random, STEPS + 1) : STEPS;
    size_t input_codes = executor->batch * given * phase.input_length;
    size_t output_codes = (size_t)executor->batch * (phase.returns_last ? 1 : STEPS) * phase.output_length;
    if (input_codes + output_codes > LARGEST_RUN) {
        return;
    }
    int16_t *inputs = malloc(2 * (input_codes + !input_codes)), *outputs = malloc(2 * (output_codes + !output_codes));
    CHECK(inputs != NULL && outputs != NULL);
    for (size_t i = 0; i < input_codes; i++) {
        inputs[i] = (int16_t)next_random(random);
    }
    CHECK(fx_select(executor, index) == FX_OK);
    CHECK(fx_run(executor, given, STEPS, inputs, outputs) == FX_OK);
    free(inputs);
    free(outputs);
}

static void run(generator *random, const fx_program *program) {
    uint32_t batch = 1 + (uint32_t)below(random, 2);
    size_t size = fx_executor_size(program, batch, STEPS);
    if (size == 0 || size > LARGEST_RUN) {
        return;
    }
    void *memory = malloc(size);
    CHECK(memory != NULL);
    fx_executor executor;
    const fx_kernels *kernels = fx_kernels_default();
    CHECK(fx_executor_init(&executor, program, kernels, NULL, batch, STEPS, memory, size - 1) == FX_ERROR_MEMORY);
    CHECK(fx_executor_init(&executor, program, kernels, NULL, batch, STEPS, memory, size) == FX_OK);
    for (uint32_t index = 0; index < program->phase_count; index++) {
        run_phase(random, &executor, index);
    }
    free(memory);
}

static fx_status open_and_run(generator *random, const uint8_t *image, size_t size) {
    fx_program program;
    fx_status status = fx_program_open(&program, image, size);
    if (status == FX_OK) {
        run(random, &program);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    generator random = {.state = size};
    uint8_t *image = malloc(size + !size);
    CHECK(image != NULL);
    memcpy(image, data, size);
    if (size >= sizeof(fx_header)) {
        mend((buffer){image, size});
    }
    open_and_run(&random, image, size);
    free(image);
    return 0;
}

#ifndef COVERAGE_GUIDED

#define STATUSES 64

/* One change: a bit, a byte, an interesting or slightly different 32-bit field, or a record copied onto another. */
static void mutate(generator *random, buffer image) {
    static const uint32_t interesting[] = {0,          1,          2,          7,          8,          255,
                                           256,        32767,      32768,      65535,      65536,      0x3FFFFFFF,
                                           0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF8, 0xFFFFFFFF};
    size_t at = below(random, image.size), field = below(random, image.size / 4) * 4;
    size_t from = below(random, image.size / 8 - 3) * 8, to = below(random, image.size / 8 - 3) * 8;
    uint32_t value;
    memcpy(&value, image.bytes + field, sizeof value);
    switch (below(random, 6)) {
    case 0:
        image.bytes[at] ^= (uint8_t)(1u << below(random, 8));
        return;
    case 1:
        image.bytes[at] = (uint8_t)next_random(random);
        return;
    case 2:
        value = interesting[below(random, sizeof interesting / sizeof *interesting)];
        break;
    case 3:
        memmove(image.bytes + to, image.bytes + from, 8 * (1 + below(random, 4)));
        return;
    default:
        value += (uint32_t)below(random, 33) - 16;
    }
    memcpy(image.bytes + field, &value, sizeof value);
}

/* Mutate a copy of an image up to four times, perhaps cut it short, open it, run it if it is accepted. */
static fx_status try(generator *random, buffer original) {
    size_t size = below(random, 50) == 0 ? below(random, original.size) : original.size;
    uint8_t *whole = malloc(original.size), *cut = malloc(size + !size);
    CHECK(whole != NULL && cut != NULL);
    memcpy(whole, original.bytes, original.size);
    for (size_t count = below(random, 5); count > 0; count--) {
        mutate(random, (buffer){whole, original.size});
    }
    if (below(random, 20) != 0) {
        mend((buffer){whole, original.size});
    }
    memcpy(cut, whole, size);
    fx_status status = open_and_run(random, cut, size);
    free(whole);
    free(cut);
    return status;
}

int main(int count, char **arguments) {
    size_t met[STATUSES] = {0};
    CHECK(count > 3);
    generator random = {.state = strtoull(arguments[2], NULL, 10)};
    buffer *images = malloc((size_t)(count - 3) * sizeof *images);
    CHECK(images != NULL);
    for (int i = 3; i < count; i++) {
        images[i - 3] = read_file(arguments[i]);
    }
    for (long iteration = strtol(arguments[1], NULL, 10); iteration > 0; iteration--) {
        fx_status status = try(&random, images[below(&random, (size_t)(count - 3))]);
        CHECK(status < STATUSES);
        met[status]++;
    }
    for (int status = 0; status < STATUSES; status++) {
        if (met[status] > 0) {
            printf("%d %zu\n", status, met[status]);
        }
    }
    for (int i = 3; i < count; i++) {
        free(images[i - 3].bytes);
    }
    free(images);
    return EXIT_SUCCESS;
}

#endif
