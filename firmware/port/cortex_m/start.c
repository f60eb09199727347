/* Memory as C expects it, the port, the firmware.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/cortex_m/start.h"

#include <string.h>

#include "port/cortex_m/core.h"

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];
extern const start_vector vectors[];

enum { WAKES_PER_SECOND = 1000 };

firmware start_firmware;

void start_wake(void) {
}

static void start_wake_timer(uint32_t clock_hertz) {
    SYSTICK_RVR = clock_hertz / WAKES_PER_SECOND - 1;
    SYSTICK_CVR = 0;
    SYSTICK_CSR = SYSTICK_CSR_CLKSOURCE | SYSTICK_CSR_TICKINT | SYSTICK_CSR_ENABLE;
}

__attribute__((noinline, noreturn)) static void run(void) {
    memcpy(data_start, data_image, (size_t)((char *)data_end - (char *)data_start));
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    hal *port = port_start();
    firmware_init(&start_firmware, port_cells(), port);
    core_allow_interrupts(); /* a boot loader may have left them off */
    start_wake_timer(hal_how_started(port)->clock_hertz);
    for (;;) {
        if (!firmware_poll(&start_firmware)) {
            core_sleep();
        }
    }
}

void start_reset(void) {
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
#ifdef __ARM_FP
    SCB_CPACR |= SCB_CPACR_FPU;
    core_barrier();
#endif
    run();
}
