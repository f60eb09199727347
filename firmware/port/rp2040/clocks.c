/* 125 MHz from the crystal; without it, the ring oscillator that a reset leaves running.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/rp2040/port.h"
#include "port/rp2040/registers.h"

enum {
    CRYSTAL_HERTZ = 12000000,
    RING_HERTZ = 6500000, /* nominal */
    PLL_FEEDBACK = 125,   /* 1500 MHz */
    PLL_DIVIDER_1 = 6,
    PLL_DIVIDER_2 = 2,
    CRYSTAL_START = 47, /* x 256 periods: 1 ms */
    REF_FROM_CRYSTAL = 2,
    SYS_FROM_AUX = 1, /* of which the first choice is the PLL */
    LOOKS = 100000,
};

static bool start_crystal(void) {
    XOSC_STARTUP = CRYSTAL_START;
    XOSC_CTRL = XOSC_CTRL_ENABLE_1_TO_15_MHZ;
    if (!port_wait(&XOSC_STATUS, XOSC_STATUS_STABLE, XOSC_STATUS_STABLE, LOOKS)) {
        return false;
    }
    CLK_REF_CTRL = REF_FROM_CRYSTAL;
    return port_wait(&CLK_REF_SELECTED, 1u << REF_FROM_CRYSTAL, 1u << REF_FROM_CRYSTAL, LOOKS);
}

static bool start_pll(void) {
    RESETS_RESET &= ~RESETS_PLL_SYS;
    port_wait(&RESETS_RESET_DONE, RESETS_PLL_SYS, RESETS_PLL_SYS, LOOKS);
    PLL_SYS_CS = 1; /* the crystal undivided */
    PLL_SYS_FBDIV = PLL_FEEDBACK;
    PLL_SYS_PWR &= ~(PLL_SYS_PWR_PD | PLL_SYS_PWR_VCOPD);
    if (!port_wait(&PLL_SYS_CS, PLL_SYS_CS_LOCK, PLL_SYS_CS_LOCK, LOOKS)) {
        return false;
    }
    PLL_SYS_PRIM = PLL_DIVIDER_1 << 16 | PLL_DIVIDER_2 << 12;
    PLL_SYS_PWR &= ~PLL_SYS_PWR_POSTDIVPD;
    CLK_SYS_CTRL = SYS_FROM_AUX;
    return port_wait(&CLK_SYS_SELECTED, 1u << SYS_FROM_AUX, 1u << SYS_FROM_AUX, LOOKS);
}

void clocks_start(hal *board) {
    bool crystal = start_crystal();
    uint32_t reference = crystal ? CRYSTAL_HERTZ : RING_HERTZ;
    bool fast = crystal && start_pll();
    board->start.clock = fast ? HAL_CLOCK_CRYSTAL : crystal ? HAL_CLOCK_NO_LOCK : HAL_CLOCK_NO_CRYSTAL;
    board->start.clock_hertz = fast ? CRYSTAL_HERTZ / (PLL_DIVIDER_1 * PLL_DIVIDER_2) * PLL_FEEDBACK : reference;
    CLK_PERI_CTRL = CLK_PERI_CTRL_ENABLE;                       /* as fast as the processor */
    WATCHDOG_TICK = WATCHDOG_TICK_ENABLE | reference / 1000000; /* a microsecond, for the timer as well */
}
