/* From reset to the main loop.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef START_H
#define START_H

#include "app/firmware.h"
#include "port/cortex_m/fault.h"

typedef void (*start_vector)(void);

/* Where a port's linker script puts the stack: it grows down to the lower end of memory, so that an overflow faults. */
extern uint32_t stack_bottom[], stack_top[];

extern firmware start_firmware;

/* The first instruction after a reset. */
void start_reset(void);

/* The interrupt that ends a sleep of the main loop, for between two events of the board time goes on. */
void start_wake(void);

/* The exceptions that all these processors number alike, for the beginning of a port's vector table. */
#define START_VECTORS                                                                                                  \
    (start_vector) stack_top, start_reset, fault_entry, fault_entry, fault_entry, fault_entry,                         \
        fault_entry, [15] = start_wake

/* What came with the firmware: `make PROGRAM=model.fxl`. Both are the same address when nothing did. */
extern const uint8_t program_start[], program_end[];

/* What a port does before the firmware runs: clocks, pins, line, watchdog. */
hal *port_start(void);

/* Memory for what the firmware keeps per cell, left alone by start-up. */
firmware_cells *port_cells(void);

#endif
