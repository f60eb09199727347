/* 168 MHz from the crystal; from the internal oscillator when that does not start; 16 MHz when nothing multiplies.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "gen/wiring.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum {
    INTERNAL_HERTZ = 16000000,
    PLL_INPUT_HERTZ = 1000000,
    PLL_N = 336,
    PLL_P = 2,
    PLL_Q = 7, /* 48 MHz for the random numbers */
    FAST_HERTZ = PLL_INPUT_HERTZ * PLL_N / PLL_P,
    DIVIDED_BY_2 = 4, /* codes of PPRE1 and PPRE2 */
    DIVIDED_BY_4 = 5,
    SYSTEM_FROM_PLL = 2,    /* code of SW and SWS */
    FLASH_WAITS = 5,        /* at 168 MHz and 3.3 V */
    LOOKS_CRYSTAL = 200000, /* some 100 ms at 16 MHz; crystals take a few */
    LOOKS = 20000,
};

_Static_assert(FAST_HERTZ == 168000000, "the fastest that the part may run");
_Static_assert(FW_CRYSTAL_HERTZ % PLL_INPUT_HERTZ == 0, "a divider makes the crystal fit the PLL");

/* As after a reset, whatever a boot loader has left: the PLL takes no settings while it runs. */
static void take_internal(void) {
    RCC_CR |= RCC_CR_HSION;
    port_wait(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY, LOOKS);
    RCC_CFGR = 0;
    port_wait(&RCC_CFGR, RCC_CFGR_SWS(3), 0, LOOKS);
    RCC_CR &= ~RCC_CR_PLLON;
    port_wait(&RCC_CR, RCC_CR_PLLRDY, 0, LOOKS);
}

static void start_pll(uint32_t source_hertz, uint32_t source) {
    RCC_PLLCFGR = RCC_PLLCFGR_PLLM(source_hertz / PLL_INPUT_HERTZ) | RCC_PLLCFGR_PLLN(PLL_N) |
                  RCC_PLLCFGR_PLLP(PLL_P / 2 - 1) | RCC_PLLCFGR_PLLQ(PLL_Q) | source;
    RCC_CR |= RCC_CR_PLLON;
}

/* Let the processor run from the PLL once it has locked, the flash slow enough for it. */
static bool take_pll(void) {
    if (!port_wait(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY, LOOKS)) {
        return false;
    }
    uint32_t waits = FLASH_ACR_LATENCY(FLASH_WAITS);
    FLASH_ACR = waits | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN;
    if (!port_wait(&FLASH_ACR, waits, waits, LOOKS)) {
        return false;
    }
    RCC_CFGR = RCC_CFGR_PPRE1(DIVIDED_BY_4) | RCC_CFGR_PPRE2(DIVIDED_BY_2) | RCC_CFGR_SW(SYSTEM_FROM_PLL);
    return port_wait(&RCC_CFGR, RCC_CFGR_SWS(3), RCC_CFGR_SWS(SYSTEM_FROM_PLL), LOOKS);
}

static bool start_crystal(void) {
    RCC_CR |= RCC_CR_HSEON;
    bool started = port_wait(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY, LOOKS_CRYSTAL);
    if (started) {
        RCC_CR |= RCC_CR_CSSON; /* should it stop one day, that is a fault */
    }
    return started;
}

void clocks_start(hal *board) {
    take_internal();
    bool crystal = start_crystal();
    start_pll(crystal ? FW_CRYSTAL_HERTZ : INTERNAL_HERTZ, crystal ? RCC_PLLCFGR_PLLSRC : 0);
    bool fast = take_pll();
    if (!fast) {
        take_internal();
    }
    board->start.clock = !fast ? HAL_CLOCK_NO_LOCK : crystal ? HAL_CLOCK_CRYSTAL : HAL_CLOCK_NO_CRYSTAL;
    board->start.clock_hertz = fast ? FAST_HERTZ : INTERNAL_HERTZ;
    board->peripheral_hertz = fast ? FAST_HERTZ / 2 : INTERNAL_HERTZ;
    board->timer_hertz = fast ? FAST_HERTZ / 2 : INTERNAL_HERTZ; /* twice APB1 where that is divided */
}
