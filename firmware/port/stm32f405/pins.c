/* Pins by the board's wiring: chip selects, lines, what SPI and serial line need.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "gen/wiring.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

typedef struct {
    uint8_t port, number;
} pin;

#define SELECT(port, number, mode, hertz) {port, number},
#define LINE(port, number, output) {port, number},
#define OUTPUT(port, number, output) output,
#define PIN(port, number) {port, number},
static const pin SELECTS[] = {FW_SELECT_PINS(SELECT)};
static const pin LINES[] = {FW_LINE_PINS(LINE)};
static const bool IS_OUTPUT[] = {FW_LINE_PINS(OUTPUT)};
static const pin SPI_PINS[] = {FW_SPI_PINS(PIN)};
static const pin SERIAL_PINS[] = {FW_SERIAL_PINS(PIN)};

enum {
    MODE_INPUT = 0,
    MODE_OUTPUT = 1,
    MODE_ALTERNATE = 2,
    PULL_UP = 1,
    PULL_DOWN = 2,
    SPEED_HIGH = 2,
    FUNCTION_SPI1 = 5,
    FUNCTION_USART1 = 7,
    SPI_DATA_IN = 1, /* index in SPI_PINS */
    SERIAL_RECEIVE = 1,
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Put `value` into field `index` of a register whose fields have `width` bits. */
static void set_field(volatile uint32_t *bits, unsigned width, unsigned index, uint32_t value) {
    uint32_t mask = (1u << width) - 1;
    *bits = (*bits & ~(mask << width * index)) | value << width * index;
}

static void set_mode(pin which, uint32_t mode) {
    set_field(&GPIO_MODER(which.port), 2, which.number, mode);
}

static void set_pull(pin which, uint32_t pull) {
    set_field(&GPIO_PUPDR(which.port), 2, which.number, pull);
}

static void write(pin which, bool high) {
    GPIO_BSRR(which.port) = 1u << (which.number + (high ? 0 : 16));
}

static void start_output(pin which, bool high) {
    write(which, high);
    set_field(&GPIO_OSPEEDR(which.port), 2, which.number, SPEED_HIGH);
    set_mode(which, MODE_OUTPUT);
}

static void start_function(pin which, uint32_t function) {
    volatile uint32_t *functions = which.number < 8 ? &GPIO_AFRL(which.port) : &GPIO_AFRH(which.port);
    set_field(functions, 4, which.number % 8, function);
    set_field(&GPIO_OSPEEDR(which.port), 2, which.number, SPEED_HIGH);
    set_mode(which, MODE_ALTERNATE);
}

void pins_start(void) {
    port_enable(&RCC_AHB1ENR, RCC_AHB1ENR_GPIOAEN | RCC_AHB1ENR_GPIOBEN | RCC_AHB1ENR_GPIOCEN);
    for (unsigned chip = 0; chip < COUNT(SELECTS); chip++) {
        start_output(SELECTS[chip], true);
    }
    for (unsigned line = 0; line < COUNT(LINES); line++) {
        if (IS_OUTPUT[line]) {
            start_output(LINES[line], line == FW_PIN_LOAD_DAC || line == FW_PIN_CONVERT); /* as they are pulled */
        } else {
            set_pull(LINES[line], PULL_DOWN); /* with no chip there, none is busy */
        }
    }
    for (unsigned i = 0; i < COUNT(SPI_PINS); i++) {
        start_function(SPI_PINS[i], FUNCTION_SPI1);
    }
    set_pull(SPI_PINS[SPI_DATA_IN], PULL_DOWN);
    for (unsigned i = 0; i < COUNT(SERIAL_PINS); i++) {
        start_function(SERIAL_PINS[i], FUNCTION_USART1);
    }
    set_pull(SERIAL_PINS[SERIAL_RECEIVE], PULL_UP);
}

void pins_let_go(void) {
    for (unsigned chip = 0; chip < COUNT(SELECTS); chip++) {
        write(SELECTS[chip], true);
    }
    write(LINES[FW_PIN_RANGE_SWITCH], false);
}

void pins_select(unsigned chip, bool selected) {
    write(SELECTS[chip], !selected);
}

void hal_pin_write(hal *board, unsigned line, bool high) {
    (void)board;
    write(LINES[line], high);
}

bool hal_pin_read(hal *board, unsigned line) {
    (void)board;
    return (GPIO_IDR(LINES[line].port) >> LINES[line].number & 1u) != 0;
}
