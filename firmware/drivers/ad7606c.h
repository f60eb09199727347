/* AD7606C-16 in software mode: eight 16-bit channels sampled together, CRC on every frame.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Register frames are address, data, CRC-8; bit 6 of the address reads, and the answer comes in the next frame. A
 * register read enters register mode, a write to address 0 leaves it. A conversion frame is eight samples, MSB first,
 * and their CRC-16.
 */
#ifndef AD7606C_H
#define AD7606C_H

#include "hal/hal.h"
#include "status.h"

#define AD7606C_CHANNELS 8u

typedef struct {
    unsigned chip;
    uint8_t ranges[AD7606C_CHANNELS / 2]; /* that the range registers are known to hold */
    bool checked;                         /* CRCs are on */
    uint32_t crc_errors;                  /* frames that failed their CRC, repeated ones too */
} ad7606c;

/* After a reset of the chip: check who it is, turn the CRCs on, set the range of all channels.
 * FX_ERROR_ADC_IDENTITY (`*seen` holds the ID register) or FX_ERROR_ADC_CRC. */
fx_status ad7606c_init(ad7606c *adc, hal *board, unsigned chip, uint8_t range, uint8_t *seen);

/* Read the ID register again. */
fx_status ad7606c_identify(ad7606c *adc, hal *board, uint8_t *seen);

/* Range of `count` channels from `first` on: 0 +-2.5 V, 1 +-5 V, 3 +-10 V. What stands already is not sent. */
fx_status ad7606c_set_range(ad7606c *adc, hal *board, unsigned first, unsigned count, uint8_t range);

/* Samples of the conversion that has finished; a frame with a wrong CRC-16 is read once more. */
fx_status ad7606c_read(ad7606c *adc, hal *board, int16_t samples[AD7606C_CHANNELS]);

#endif
