/* Timesteps of an image on one kernel set, for a tool that counts the instructions of count_timesteps().
 *
 *     timesteps <kernel set> <image> <batch> <timesteps>
 */
#include "check.h"
#include "files.h"
#include "fxlstm.h"
#include "generator.h"

#define ALIGNMENT 64u

static void *aligned(size_t size) {
    void *memory = aligned_alloc(ALIGNMENT, (size + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    CHECK(memory != NULL);
    return memory;
}

__attribute__((noinline)) void count_timesteps(fx_executor *executor, size_t timesteps, const int16_t *inputs,
                                               int16_t *outputs);

void count_timesteps(fx_executor *executor, size_t timesteps, const int16_t *inputs, int16_t *outputs) {
    CHECK(fx_run(executor, timesteps, timesteps, inputs, outputs) == FX_OK);
}

int main(int count, char **arguments) {
    CHECK(count == 5);
    const fx_kernels *kernels = fx_kernels_named(arguments[1]);
    buffer image = read_file(arguments[2]);
    uint32_t batch = (uint32_t)strtoul(arguments[3], NULL, 10);
    size_t timesteps = strtoul(arguments[4], NULL, 10);
    fx_program program;
    fx_executor executor;
    CHECK(kernels != NULL && fx_program_open(&program, image.bytes, image.size) == FX_OK);
    size_t size = fx_executor_size(&program, batch, timesteps), plan_size = fx_plan_size(&program, kernels);
    CHECK(fx_executor_init(&executor, &program, kernels, NULL, batch, timesteps, aligned(size), size) == FX_OK);
    if (plan_size > 0) {
        const fx_plan *plan = NULL;
        CHECK(fx_plan_init(&plan, &program, kernels, aligned(plan_size), plan_size) == FX_OK);
        size_t scratch_size = fx_plan_scratch_size(plan);
        CHECK(fx_executor_use_plan(&executor, plan, aligned(scratch_size), scratch_size) == FX_OK);
    }
    generator random = {.state = 1};
    size_t codes = batch * timesteps * executor.phase.input_length;
    int16_t *inputs = aligned(2 * codes);
    int16_t *outputs = aligned(2 * batch * timesteps * executor.phase.output_length);
    for (size_t i = 0; i < codes; i++) {
        inputs[i] = (int16_t)next_random(&random);
    }
    count_timesteps(&executor, timesteps, inputs, outputs);
    return EXIT_SUCCESS;
}
