/* The operations on AMX tiles that the amx set is made of, as the processor's instructions or, where FX_TILE_MODEL is defined,
 * as functions that stand for them on processors without. Part of amx.c.
 *
 * A tile has up to 16 rows of up to 64 bytes, as its thread's configuration says. tile_dot(sums, a, b) adds, to each 32-bit
 * lane n of each row m of `sums`, the products of 4 unsigned bytes k of row m of `a` and 4 signed bytes n of row k of `b`, over
 * all k: Intel's TDPBUSD. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */
#ifndef FX_AMX_TILES_H
#define FX_AMX_TILES_H

#include <stddef.h>
#include <stdint.h>

#define TILE_ROWS 16u
#define TILE_BYTES 64u /* of a row */
#define TILES 8u

/* What LDTILECFG reads. */
typedef struct {
    uint8_t palette; /* 1: eight tiles */
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_configuration;

#ifdef FX_TILE_MODEL

void tile_configure(const tile_configuration *configuration);
void tile_zero(unsigned tile);
void tile_load(unsigned tile, const void *rows, size_t stride);
void tile_dot(unsigned sums, unsigned a, unsigned b);
void tile_store(unsigned tile, void *rows, size_t stride);
void tile_release(void);

#else

#include <immintrin.h>

/* The configuration is handed to an empty instruction first, as GCC 12's intrinsic says that it reads no more than 8 bytes. */
static inline void tile_configure(const tile_configuration *configuration) {
    __asm__ volatile("" ::"r"(configuration) : "memory");
    _tile_loadconfig(configuration);
}

/* Macros, as the tile's number is a part of the instruction. */
#define tile_zero(tile) _tile_zero(tile)
#define tile_load(tile, rows, stride) _tile_loadd(tile, rows, stride)
#define tile_dot(sums, a, b) _tile_dpbusd(sums, a, b)
#define tile_store(tile, rows, stride) _tile_stored(tile, rows, stride)

static inline void tile_release(void) {
    _tile_release();
}

#endif

#endif
