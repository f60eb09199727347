/* Faults: the array to rest, a record that outlives the reset, a new start.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FAULT_H
#define FAULT_H

#include "hal/hal.h"

/* What memory keeps over every reset but the loss of power. */
typedef struct {
    uint32_t starts; /* since power-up */
    bool faulted;    /* the reset to come, or just past, is a fault's */
    hal_fault fault;
    uint32_t crc;
} fault_record;

/* The record as the last run left it, one start further. It is begun anew when power was off, which `*survived` says as far
 * as the caller knows, and in the end as the record's CRC shows. */
fault_record fault_record_open(bool *survived);

/* Whether a word can be read where some parts and emulators have nothing, which otherwise is a fault. */
bool fault_can_read(uintptr_t address);

/* The exception handler of all faults, and of interrupts that nobody asked for. */
void fault_entry(void);

/* What a port does first in a fault: everything that it drives out of the way of the chips. */
void port_let_go(void);

#endif
