# The processor of this port, in the words of both compilers.
GCC_CPU := -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16
ZIG_CPU := -target thumb-freestanding-eabihf -mcpu=cortex_m4+vfp4d16sp # plain cortex_m4 would be soft float
include port/cortex_m/toolchain.mk
