/* What every ARM Cortex-M has beside its instructions: system control, interrupts, faults (ARMv6-M, ARMv7-M).
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CORE_H
#define CORE_H

#include <stdbool.h>
#include <stdint.h>

#define CORE_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define SYSTICK_CSR CORE_REGISTER(0xE000E010u)
#define SYSTICK_RVR CORE_REGISTER(0xE000E014u)
#define SYSTICK_CVR CORE_REGISTER(0xE000E018u)
#define NVIC_ISER(index) CORE_REGISTER(0xE000E100u + 4u * (index)) /* enable interrupt 32 index + bit */
#define SCB_VTOR CORE_REGISTER(0xE000ED08u)                        /* where the vectors stand */
#define SCB_AIRCR CORE_REGISTER(0xE000ED0Cu)                       /* system reset */
#define SCB_CFSR CORE_REGISTER(0xE000ED28u)                        /* why a fault was taken */
#define SCB_HFSR CORE_REGISTER(0xE000ED2Cu)                        /* why it became a hard fault */
#define SCB_MMFAR CORE_REGISTER(0xE000ED34u)
#define SCB_BFAR CORE_REGISTER(0xE000ED38u)
#define SCB_CPACR CORE_REGISTER(0xE000ED88u) /* access to coprocessors, of which 10 and 11 are the FPU */

#define SYSTICK_CSR_ENABLE 1u
#define SYSTICK_CSR_TICKINT 2u
#define SYSTICK_CSR_CLKSOURCE 4u /* the processor's clock */
#define SCB_AIRCR_RESET 0x05FA0004u
#define SCB_CFSR_MMARVALID (1u << 7)
#define SCB_CFSR_BFARVALID (1u << 15)
#define SCB_CPACR_FPU (15u << 20)

static inline void core_barrier(void) {
    __asm volatile("dsb\n\tisb" ::: "memory");
}

static inline void core_enable_interrupt(unsigned number) {
    NVIC_ISER(number / 32) = 1u << number % 32;
}

static inline void core_allow_interrupts(void) {
    __asm volatile("cpsie i" ::: "memory");
}

/* Sleep until an interrupt; the wake-up timer sees to it that one comes. */
static inline void core_sleep(void) {
    __asm volatile("wfi" ::: "memory");
}

/* Does not return. */
static inline void core_reset(void) {
    core_barrier();
    SCB_AIRCR = SCB_AIRCR_RESET;
    core_barrier();
    for (;;) {
    }
}

#endif
