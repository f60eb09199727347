/* Whether this process may use AMX tiles; in instructions that any x86-64 processor has. Part of amx.c.
 *
 * Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18 (detection); the Linux kernel's
 * Documentation/arch/x86/xstate.rst (permission).
 */
#ifndef FX_AMX_SUPPORT_H
#define FX_AMX_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef FX_TILE_MODEL

static inline bool tiles_are_granted(void) {
    return true;
}

#else

typedef struct {
    uint32_t a, b, c, d;
} cpuid_result;

static inline cpuid_result cpuid(uint32_t leaf, uint32_t part) {
    cpuid_result result;
    __asm__ volatile("cpuid" : "=a"(result.a), "=b"(result.b), "=c"(result.c), "=d"(result.d) : "a"(leaf), "c"(part));
    return result;
}

/* The processor has the instructions, and palette 1 with eight tiles of 16 rows of 64 bytes: some hypervisors show the one
 * without the other. */
static inline bool processor_has_tiles(void) {
    const uint32_t tile = 1u << 24, int8 = 1u << 25, xsave_in_use = 1u << 27;
    if (cpuid(0, 0).a < 0x1D || (cpuid(1, 0).c & xsave_in_use) == 0 ||
        (cpuid(7, 0).d & (tile | int8)) != (tile | int8)) {
        return false;
    }
    const cpuid_result palette = cpuid(0x1D, 1);
    return cpuid(0x1D, 0).a >= 1 && palette.b == (8u << 16 | 64) && (palette.c & 0xFFFF) == 16;
}

/* The system saves tiles when it switches threads: bits 17 and 18 of XCR0. */
static inline bool system_saves_tiles(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low >> 17 & 3) == 3;
}

/* Linux lets a process use tiles only after it has asked, once for all its threads. */
static inline bool system_permits_tiles(void) {
#ifdef __linux__
    const long arch_prctl = 158, request_permission = 0x1023, tile_data = 18;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(arch_prctl), "D"(request_permission), "S"(tile_data)
                     : "rcx", "r11", "memory");
    return result == 0;
#else
    return false;
#endif
}

static inline bool tiles_are_granted(void) {
    return processor_has_tiles() && system_saves_tiles() && system_permits_tiles();
}

#endif

#endif
