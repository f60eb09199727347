/* Registers of the STM32F405 that this port uses; names as in ST's reference manual RM0090, PERIPHERAL_REGISTER_FIELD.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * tests/firmware/test_registers.py holds every line against a public SVD file.
 */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#define REGISTER(peripheral, offset) (*(volatile uint32_t *)(uintptr_t)((peripheral) + (offset)))
#define BIT(position) (1u << (position))
#define FIELD(value, position) ((uint32_t)(value) << (position))

/* Reset and clock control. */
#define RCC 0x40023800u
#define RCC_CR REGISTER(RCC, 0x00u)
#define RCC_CR_HSION BIT(0)
#define RCC_CR_HSIRDY BIT(1)
#define RCC_CR_HSEON BIT(16)
#define RCC_CR_HSERDY BIT(17)
#define RCC_CR_CSSON BIT(19)
#define RCC_CR_PLLON BIT(24)
#define RCC_CR_PLLRDY BIT(25)
#define RCC_PLLCFGR REGISTER(RCC, 0x04u)
#define RCC_PLLCFGR_PLLM(value) FIELD(value, 0)
#define RCC_PLLCFGR_PLLN(value) FIELD(value, 6)
#define RCC_PLLCFGR_PLLP(value) FIELD(value, 16)
#define RCC_PLLCFGR_PLLSRC BIT(22)
#define RCC_PLLCFGR_PLLQ(value) FIELD(value, 24)
#define RCC_CFGR REGISTER(RCC, 0x08u)
#define RCC_CFGR_SW(value) FIELD(value, 0)
#define RCC_CFGR_SWS(value) FIELD(value, 2)
#define RCC_CFGR_PPRE1(value) FIELD(value, 10)
#define RCC_CFGR_PPRE2(value) FIELD(value, 13)
#define RCC_CIR REGISTER(RCC, 0x0Cu)
#define RCC_CIR_CSSC BIT(23)
#define RCC_AHB1ENR REGISTER(RCC, 0x30u)
#define RCC_AHB1ENR_GPIOAEN BIT(0)
#define RCC_AHB1ENR_GPIOBEN BIT(1)
#define RCC_AHB1ENR_GPIOCEN BIT(2)
#define RCC_AHB2ENR REGISTER(RCC, 0x34u)
#define RCC_AHB2ENR_RNGEN BIT(6)
#define RCC_APB1ENR REGISTER(RCC, 0x40u)
#define RCC_APB1ENR_TIM2EN BIT(0)
#define RCC_APB2ENR REGISTER(RCC, 0x44u)
#define RCC_APB2ENR_USART1EN BIT(4)
#define RCC_APB2ENR_SPI1EN BIT(12)
#define RCC_CSR REGISTER(RCC, 0x74u)
#define RCC_CSR_RMVF BIT(24)
#define RCC_CSR_BORRSTF BIT(25)
#define RCC_CSR_PORRSTF BIT(27)
#define RCC_CSR_SFTRSTF BIT(28)
#define RCC_CSR_WDGRSTF BIT(29)
#define RCC_CSR_WWDGRSTF BIT(30)

/* Flash interface. */
#define FLASH 0x40023C00u
#define FLASH_ACR REGISTER(FLASH, 0x00u)
#define FLASH_ACR_LATENCY(value) FIELD(value, 0)
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_ICEN BIT(9)
#define FLASH_ACR_DCEN BIT(10)

/* General-purpose pins; port A is 0. */
#define GPIOA 0x40020000u
#define GPIOB 0x40020400u
#define GPIO(port) (GPIOA + (port) * (GPIOB - GPIOA))
#define GPIO_MODER(port) REGISTER(GPIO(port), 0x00u)
#define GPIO_OSPEEDR(port) REGISTER(GPIO(port), 0x08u)
#define GPIO_PUPDR(port) REGISTER(GPIO(port), 0x0Cu)
#define GPIO_IDR(port) REGISTER(GPIO(port), 0x10u)
#define GPIO_BSRR(port) REGISTER(GPIO(port), 0x18u)
#define GPIO_AFRL(port) REGISTER(GPIO(port), 0x20u)
#define GPIO_AFRH(port) REGISTER(GPIO(port), 0x24u)

/* Serial line. */
#define USART1 0x40011000u
#define USART1_INTERRUPT 37u
#define USART1_SR REGISTER(USART1, 0x00u)
#define USART1_SR_FE BIT(1)
#define USART1_SR_ORE BIT(3)
#define USART1_SR_RXNE BIT(5)
#define USART1_SR_TXE BIT(7)
#define USART1_DR REGISTER(USART1, 0x04u)
#define USART1_BRR REGISTER(USART1, 0x08u)
#define USART1_CR1 REGISTER(USART1, 0x0Cu)
#define USART1_CR1_RE BIT(2)
#define USART1_CR1_TE BIT(3)
#define USART1_CR1_RXNEIE BIT(5)
#define USART1_CR1_TXEIE BIT(7)
#define USART1_CR1_UE BIT(13)
#define USART1_CR1_OVER8 BIT(15)

/* Bus of the converters. */
#define SPI1 0x40013000u
#define SPI1_CR1 REGISTER(SPI1, 0x00u)
#define SPI1_CR1_CPHA BIT(0)
#define SPI1_CR1_CPOL BIT(1)
#define SPI1_CR1_MSTR BIT(2)
#define SPI1_CR1_BR(value) FIELD(value, 3)
#define SPI1_CR1_SPE BIT(6)
#define SPI1_CR1_SSI BIT(8)
#define SPI1_CR1_SSM BIT(9)
#define SPI1_SR REGISTER(SPI1, 0x08u)
#define SPI1_SR_RXNE BIT(0)
#define SPI1_SR_TXE BIT(1)
#define SPI1_SR_BSY BIT(7)
#define SPI1_DR REGISTER(SPI1, 0x0Cu)

/* 32-bit timer: the time base. */
#define TIM2 0x40000000u
#define TIM2_CR1 REGISTER(TIM2, 0x00u)
#define TIM2_CR1_CEN BIT(0)
#define TIM2_EGR REGISTER(TIM2, 0x14u)
#define TIM2_EGR_UG BIT(0)
#define TIM2_CNT REGISTER(TIM2, 0x24u)
#define TIM2_PSC REGISTER(TIM2, 0x28u)
#define TIM2_ARR REGISTER(TIM2, 0x2Cu)

/* Independent watchdog. */
#define IWDG 0x40003000u
#define IWDG_KR REGISTER(IWDG, 0x00u)
#define IWDG_PR REGISTER(IWDG, 0x04u)
#define IWDG_RLR REGISTER(IWDG, 0x08u)
#define IWDG_SR REGISTER(IWDG, 0x0Cu)

/* Random numbers. */
#define RNG 0x50060800u
#define RNG_CR REGISTER(RNG, 0x00u)
#define RNG_CR_RNGEN BIT(2)
#define RNG_SR REGISTER(RNG, 0x04u)
#define RNG_SR_DRDY BIT(0)
#define RNG_DR REGISTER(RNG, 0x08u)

/* Debug support. */
#define DBGMCU 0xE0042000u
#define DBGMCU_APB1_FZ REGISTER(DBGMCU, 0x08u)
#define DBGMCU_APB1_FZ_IWDG_STOP BIT(12)

/* 96 bits that no two parts share; in no SVD file: RM0090, section 39.1. */
#define UNIQUE_ID 0x1FFF7A10u

#endif
