/* Small programs for an emulated Cortex-M4, one of which runs: `scenario` says which. What they saw is in `seen`.
 * Interrupts 8 and 9 are nobody's, so software makes them pending.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define NVIC_ISER REGISTER(0xE000E100u)
#define NVIC_ISPR REGISTER(0xE000E200u)
#define NVIC_IPR2 REGISTER(0xE000E408u) /* priorities of interrupts 8 to 11 */
#define SYSTICK_CSR REGISTER(0xE000E010u)
#define SYSTICK_RVR REGISTER(0xE000E014u)
#define SCB_ICSR REGISTER(0xE000ED04u)
#define SCB_CPACR REGISTER(0xE000ED88u)
#define SCB_CFSR REGISTER(0xE000ED28u)
#define SCB_HFSR REGISTER(0xE000ED2Cu)
#define SCB_BFAR REGISTER(0xE000ED38u)
#define NOWHERE 0x30000000u

enum { URGENT = 0x40, PATIENT = 0x80 };

volatile uint32_t scenario __attribute__((section(".noinit"))), seen[8] __attribute__((section(".noinit")));
static volatile uint32_t place;

extern uint32_t stack_top[];
void start(void);

static void settle(void) {
    __asm volatile("dsb\n\tisb" ::: "memory");
}

static void pend(uint32_t interrupts) {
    NVIC_ISPR = interrupts;
    settle();
}

static void set_basepri(uint32_t priority) {
    __asm volatile("msr basepri, %0" ::"r"(priority));
    settle();
}

static void note(uint32_t value) {
    seen[place++] = value;
}

static void interrupt_8(void) {
    note(8);
    if (scenario == 0) {
        pend(1u << 9); /* more urgent: it comes at once */
        note(80);
    }
    volatile float spoil = 3.5f;
    spoil *= spoil;
}

static void interrupt_9(void) {
    note(9);
}

static void system_call(void) {
    uint32_t exception;
    __asm volatile("mrs %0, ipsr" : "=r"(exception));
    note(exception);
}

static void tick(void) {
    note(15);
}

static void hard_fault(void) {
    const uint32_t *frame;
    __asm volatile("mrs %0, msp" : "=r"(frame));
    note(3);
    note(SCB_CFSR);
    note(SCB_HFSR);
    note(SCB_BFAR);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void (*const VECTORS[16 + 82])(void) = {
    (void (*)(void))stack_top, start, 0, hard_fault, [11] = system_call, [15] = tick, [16 + 8] = interrupt_8,
    [16 + 9] = interrupt_9,
};

static void nested(void) {
    pend(1u << 8);
    note(1);
}

static void masked(void) {
    __asm volatile("cpsid i");
    pend(1u << 8);
    note(1);
    __asm volatile("cpsie i");
    settle();
    note(2);
    set_basepri(URGENT);
    pend(1u << 8 | 1u << 9); /* neither is more urgent than URGENT */
    note(3);
    set_basepri(PATIENT);
    note(4); /* by now the urgent one has come */
    set_basepri(0);
    note(5);
}

static void floats(void) {
    float sum = 0;
    for (int i = 1; i <= 1000; i++) {
        sum += (float)i;
        if (i % 100 == 0) {
            pend(1u << 8);
        }
        place = 0;
    }
    seen[7] = (uint32_t)sum;
}

static void call(void) {
    __asm volatile("svc 7");
    note(1);
}

static void sleep(void) {
    SYSTICK_RVR = 16000 - 1; /* a millisecond */
    SYSTICK_CSR = 7;
    __asm volatile("wfi");
    note(1);
    __asm volatile("wfi");
    note(2);
}

static void read_nowhere(void) {
    note(REGISTER(NOWHERE));
}

static void undefined(void) {
    __asm volatile("udf #0");
}

static void empty_vector(void) {
    NVIC_ISER = 1u << 10;
    pend(1u << 10);
    note(1);
}

static void jump_to_data(void) {
    ((void (*)(void))(uintptr_t)0x10000001u)();
}

static void count(void) {
    __asm volatile("mov r0, #1000\n1: subs r0, #1\nbne 1b" ::: "r0", "cc");
    note(1);
}

void start(void) {
    static void (*const SCENARIOS[])(void) = {nested,       masked,    floats,       call,         sleep,
                                              read_nowhere, undefined, empty_vector, jump_to_data, count};
    SCB_CPACR = 15u << 20;
    settle();
    place = 0;
    NVIC_IPR2 = (uint32_t)URGENT << 8 | PATIENT;
    NVIC_ISER = 1u << 8 | 1u << 9;
    SCENARIOS[scenario]();
    for (;;) {
        __asm volatile("wfi");
    }
}
