# The processor of this port, in the words of both compilers.
GCC_CPU := -mcpu=cortex-m0plus -mfloat-abi=soft
ZIG_CPU := -target thumb-freestanding-eabi -mcpu=cortex_m0plus
ENTRY := entry
include port/cortex_m/toolchain.mk
