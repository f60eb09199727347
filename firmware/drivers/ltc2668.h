/* LTC2668-16: sixteen 16-bit DACs behind one chip select.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames are 32 bits, MSB first: 8 bits of zero, command, channel, code. The chip shifts out the previous frame, so
 * every frame proves the one before it, and that the chip has not restarted. Written codes wait in the chip's input registers until the board's LDAC line
 * moves them.
 */
#ifndef LTC2668_H
#define LTC2668_H

#include "hal/hal.h"
#include "status.h"

#define LTC2668_CHANNELS 16u

typedef struct {
    unsigned chip;
    uint32_t previous;                /* the frame whose echo comes next */
    bool started;                     /* there is such a frame */
    bool pending;                     /* it has not been proved yet */
    uint16_t known;                   /* bit n: codes[n] stands in input register n */
    uint16_t codes[LTC2668_CHANNELS]; /* input registers */
} ltc2668;

/* Set every channel to `span`, every input register and output to `code`, and the monitor output off; proves that the
 * chip is there. */
fx_status ltc2668_init(ltc2668 *dac, hal *board, unsigned chip, unsigned span, uint16_t code);

/* Put a code into one input register, or one into each; what is there already is not sent. */
fx_status ltc2668_write(ltc2668 *dac, hal *board, unsigned channel, uint16_t code);
fx_status ltc2668_write_codes(ltc2668 *dac, hal *board, const uint16_t codes[LTC2668_CHANNELS]);

/* Put one code into all input registers with one frame, whatever they are known to hold. */
fx_status ltc2668_write_all(ltc2668 *dac, hal *board, uint16_t code);

/* Prove the last frame, so that nothing unproved reaches an output. FX_ERROR_DAC_ECHO when it was damaged. */
fx_status ltc2668_confirm(ltc2668 *dac, hal *board);

/* Connect an output to the chip's monitor output, or let that drive nothing; proved. */
fx_status ltc2668_monitor_on(ltc2668 *dac, hal *board, unsigned channel);
fx_status ltc2668_monitor_off(ltc2668 *dac, hal *board);

#endif
