/* Internal to the core. */
#ifndef FX_CRC32_H
#define FX_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Bring a CRC register over as many bytes as this processor takes quickly; returns how many. */
size_t fx_crc32_blocks(uint32_t *crc, const uint8_t *bytes, size_t size);

#endif
