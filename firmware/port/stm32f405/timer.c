/* TIM2 counts microseconds in 32 bits.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

void timer_start(const hal *board) {
    port_enable(&RCC_APB1ENR, RCC_APB1ENR_TIM2EN);
    TIM2_PSC = board->timer_hertz / 1000000 - 1;
    TIM2_ARR = UINT32_MAX;
    TIM2_EGR = TIM2_EGR_UG; /* takes the prescaler over */
    TIM2_CR1 = TIM2_CR1_CEN;
}

uint32_t hal_microseconds(hal *board) {
    (void)board;
    return TIM2_CNT;
}

/* At least as long as asked, for the microsecond that is running when it begins does not count. A timer that stands still
 * ends the wait as well: a look takes more than one clock. */
void hal_delay_microseconds(hal *board, uint32_t microseconds) {
    uint32_t start = TIM2_CNT;
    uint32_t looks = (board->start.clock_hertz / 1000000) * (microseconds + 1);
    while (TIM2_CNT - start <= microseconds && looks > 0) {
        looks--;
    }
}
