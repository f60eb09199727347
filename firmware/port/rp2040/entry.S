/* Where the boot loader jumps to: the lowest address. From there on it is as after a reset of any other part.
 * SPDX-License-Identifier: BSD-3-Clause
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .entry, "ax"
    .global entry
    .thumb_func
    .type entry, %function
entry:
    ldr r0, =vectors
    ldr r1, [r0]
    msr msp, r1
    ldr r1, [r0, #4]
    bx r1
    .pool
