/* The program that comes with the firmware, in read-only memory: make PROGRAM=model.fxl.
 * SPDX-License-Identifier: BSD-3-Clause
 */
    .section .rodata.program, "a"
    .balign 8
    .global program_start
    .global program_end
program_start:
#ifdef PROGRAM
    .incbin PROGRAM
#endif
program_end:
