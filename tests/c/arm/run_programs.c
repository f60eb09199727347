/* Runs programs on an emulated Cortex-M4: the core's object files as the firmware has them, requests and answers over
 * semihosting, which QEMU turns into reads and writes of the host's files. tests/arm_core.py is the other end.
 */
#include "fxlstm.h"
#include "port/cortex_m/core.h"

#include <string.h>

enum {
    SYS_OPEN = 0x01,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_EXIT = 0x18,
    READ_BINARY = 1,
    WRITE_BINARY = 5,
    APPLICATION_EXIT = 0x20026,
    LARGEST = 4 * 1024 * 1024,
};

extern uint32_t bss_start[], bss_end[], stack_top[];

static uint8_t image[LARGEST] __attribute__((section(".large"), aligned(8)));
static uint8_t memory[LARGEST] __attribute__((section(".large"), aligned(8)));
static int16_t codes[LARGEST / 2] __attribute__((section(".large"), aligned(8)));
static int16_t outputs[LARGEST / 2] __attribute__((section(".large"), aligned(8)));
static uintptr_t requests, answers;

static uintptr_t semihosting(uintptr_t operation, const void *argument) {
    register uintptr_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uintptr_t open_file(const char *name, uintptr_t size, uintptr_t mode) {
    const uintptr_t arguments[] = {(uintptr_t)name, mode, size};
    return semihosting(SYS_OPEN, arguments);
}

static void leave(void) {
    semihosting(SYS_EXIT, (const void *)APPLICATION_EXIT);
}

static void get(void *to, size_t size) {
    while (size > 0) {
        const uintptr_t arguments[] = {requests, (uintptr_t)to, size};
        size_t left = semihosting(SYS_READ, arguments);
        if (left >= size) {
            leave(); /* the other end is gone */
        }
        to = (uint8_t *)to + (size - left);
        size = left;
    }
}

static uint32_t get_number(void) {
    uint32_t number = 0;
    get(&number, sizeof number);
    return number;
}

static void put(const void *from, size_t size) {
    const uintptr_t arguments[] = {answers, (uintptr_t)from, size};
    if (size > 0 && semihosting(SYS_WRITE, arguments) != 0) {
        leave();
    }
}

/* Codes of one array of a request: their number, then themselves. */
static uint32_t get_codes(void) {
    uint32_t count = get_number();
    get(codes, count * sizeof *codes);
    return count;
}

static fx_status put_states(fx_executor *executor) {
    fx_status status = FX_OK;
    for (uint32_t left = get_number(); left > 0; left--) {
        uint32_t start = get_number();
        uint32_t count = get_codes();
        fx_status put_status = fx_put_state(executor, start, count / executor->batch, codes);
        status = status == FX_OK ? put_status : status;
    }
    return status;
}

static fx_status run_phases(fx_executor *executor, uint32_t phases, size_t *count) {
    fx_status status = FX_OK;
    for (uint32_t phase = 0; phase < phases; phase++) {
        uint32_t given = get_number();
        uint32_t timesteps = get_number();
        get_codes();
        status = status == FX_OK ? fx_select(executor, phase) : status;
        status = status == FX_OK ? fx_run(executor, given, timesteps, codes, outputs) : status;
        size_t length = executor->phase.returns_last ? 1 : timesteps;
        *count = executor->batch * length * executor->phase.output_length;
    }
    return status;
}

static void answer(const fx_executor *executor, fx_status status, size_t count) {
    uint32_t operations = executor->program->operation_count;
    const uint32_t head[] = {(uint32_t)status, operations, (uint32_t)count};
    put(head, sizeof head);
    put(executor->clipped, operations * sizeof *executor->clipped);
    put(outputs, count * sizeof *outputs);
}

static void serve(void) {
    fx_program program;
    fx_executor executor;
    size_t count = 0;
    uint32_t size = get_number();
    get(image, size);
    uint32_t batch = get_number();
    uint32_t longest = get_number();
    uint32_t phases = get_number();
    fx_status status = fx_program_open(&program, image, size);
    if (status == FX_OK) {
        status =
            fx_executor_init(&executor, &program, fx_kernels_default(), NULL, batch, longest, memory, sizeof memory);
    }
    if (status != FX_OK) {
        const uint32_t head[] = {(uint32_t)status, 0, 0};
        put(head, sizeof head);
        leave();
    }
    status = put_states(&executor);
    fx_status run_status = run_phases(&executor, phases, &count);
    answer(&executor, status == FX_OK ? run_status : status, count);
}

__attribute__((noinline)) static void run(void) {
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    requests = open_file("requests", 8, READ_BINARY);
    answers = open_file("answers", 7, WRITE_BINARY);
    for (;;) {
        serve();
    }
}

static void start(void) {
    SCB_CPACR |= SCB_CPACR_FPU;
    core_barrier();
    run();
}

__attribute__((section(".vectors"), used)) void *const VECTORS[] = {stack_top, (void *)start, (void *)leave,
                                                                    (void *)leave};
