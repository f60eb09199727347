/* Loops over columns that compilers turn into vector instructions, once for every instruction set. */
#ifndef FX_LANES_H
#define FX_LANES_H

#if defined(_MSC_VER)
#define ALWAYS static __forceinline
#define RESTRICT __restrict
#else
#define ALWAYS static inline __attribute__((always_inline))
#define RESTRICT restrict
#endif

#endif
