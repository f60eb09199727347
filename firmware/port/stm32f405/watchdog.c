/* Independent watchdog: a main loop that stands still for a second is reset.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum {
    KEY_UNLOCK = 0x5555,
    KEY_START = 0xCCCC,
    KEY_KICK = 0xAAAA,
    DIVIDED_BY_32 = 3, /* code of PR; the watchdog's own oscillator runs at 17 to 47 kHz, 32 typically */
    COUNT = 1000,
    LOOKS = 100000,
};

void watchdog_start(void) {
    DBGMCU_APB1_FZ |= DBGMCU_APB1_FZ_IWDG_STOP; /* it waits while a debugger does */
    IWDG_KR = KEY_START;
    IWDG_KR = KEY_UNLOCK;
    IWDG_PR = DIVIDED_BY_32;
    IWDG_RLR = COUNT;
    port_wait(&IWDG_SR, 3, 0, LOOKS);
    IWDG_KR = KEY_KICK;
}

void hal_watchdog_kick(hal *board) {
    (void)board;
    IWDG_KR = KEY_KICK;
}
