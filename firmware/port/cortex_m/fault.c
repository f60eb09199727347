/* Fault entry, record, probe.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/cortex_m/fault.h"

#include <stddef.h>

#include "app/firmware.h"
#include "fxlstm.h"
#include "port/cortex_m/core.h"
#include "port/cortex_m/start.h"

enum { FAULT_STACK_SIZE = 1024 }; /* bytes; fault_entry has the number as well */

/* What the processor stacks when it takes an exception. */
typedef struct {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} exception_frame;

static fault_record record __attribute__((section(".retained")));

/* Faults do not trust the stack that they interrupt. */
uint8_t fault_stack[FAULT_STACK_SIZE] __attribute__((used, aligned(8)));

static uint32_t crc_of_record(void) {
    return fx_crc32(0, &record, offsetof(fault_record, crc));
}

fault_record fault_record_open(bool *survived) {
    *survived = *survived && crc_of_record() == record.crc;
    if (!*survived) {
        record = (fault_record){.starts = 0};
    }
    record.starts++;
    fault_record opened = record;
    record.faulted = false;
    record.crc = crc_of_record();
    return opened;
}

/* uint32_t fault_probe(uintptr_t address): 1, or after a fault of the load, which is its first instruction, 0. */
__asm("    .section .text.fault_probe, \"ax\"\n"
      "    .syntax unified\n"
      "    .thumb\n"
      "    .align 2\n"
      "    .global fault_probe\n"
      "    .type fault_probe, %function\n"
      "fault_probe:\n"
      "    ldr r0, [r0]\n"
      "    movs r0, #1\n"
      "    bx lr\n"
      "    .global fault_probe_failed\n"
      "    .type fault_probe_failed, %function\n"
      "fault_probe_failed:\n"
      "    movs r0, #0\n"
      "    bx lr\n"
      "    .text\n");

uint32_t fault_probe(uintptr_t address);
void fault_probe_failed(void);

enum { THUMB = 1 }; /* bit of a function's address that is no part of it */

bool fault_can_read(uintptr_t address) {
    return fault_probe(address) != 0;
}

static bool on_stack(const exception_frame *frame) {
    uintptr_t start = (uintptr_t)frame;
    return start >= (uintptr_t)stack_bottom && start + sizeof *frame <= (uintptr_t)stack_top;
}

static void write_record(const exception_frame *frame) {
    uint32_t exception;
    __asm volatile("mrs %0, ipsr" : "=r"(exception));
#if __ARM_ARCH >= 7
    uint32_t status = SCB_CFSR;
#else
    uint32_t status = 0;
#endif
    bool stacked = on_stack(frame);
    record.fault = (hal_fault){
        .count = record.fault.count + 1,
        .exception = exception,
        .pc = stacked ? frame->pc : 0,
        .lr = stacked ? frame->lr : 0,
        .status = status,
        .address = (status & SCB_CFSR_BFARVALID) != 0   ? SCB_BFAR
                   : (status & SCB_CFSR_MMARVALID) != 0 ? SCB_MMFAR
                                                        : 0,
    };
    record.faulted = true;
    record.crc = crc_of_record();
}

/* Returns only from the load of a probe. */
__attribute__((used)) void fault_handle(exception_frame *frame) {
    if (on_stack(frame) && frame->pc == (uintptr_t)fault_probe - THUMB) {
        frame->pc = (uintptr_t)fault_probe_failed - THUMB;
        return;
    }
    port_let_go();
    write_record(frame);
    firmware_rest(&start_firmware);
    core_reset();
}

__attribute__((naked)) void fault_entry(void) {
    __asm volatile("    mrs r0, msp\n"
                   "    mov r1, lr\n"
                   "    ldr r2, 1f\n"
                   "    mov sp, r2\n"
                   "    push {r0, r1}\n"
                   "    bl fault_handle\n"
                   "    pop {r0, r1}\n"
                   "    mov sp, r0\n"
                   "    bx r1\n"
                   "    .align 2\n"
                   "1:  .word fault_stack + 1024\n");
}
