/* Memory as C expects it, the port, the firmware.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/cortex_m/start.h"

#include <string.h>

#include "port/cortex_m/core.h"

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];
extern const start_vector vectors[];

firmware start_firmware;

__attribute__((noinline, noreturn)) static void run(void) {
    memcpy(data_start, data_image, (size_t)((char *)data_end - (char *)data_start));
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    hal *port = port_start();
    firmware_init(&start_firmware, port_cells(), port);
    for (;;) {
        firmware_poll(&start_firmware);
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
