"""An STM32F405: Unicorn's Cortex-M4, and peripherals that answer register by register as in ST's reference manual RM0090."""
