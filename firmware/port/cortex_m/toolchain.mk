# Compilers for ARM Cortex-M: TOOLCHAIN=gcc is arm-none-eabi-gcc, TOOLCHAIN=zig the clang of the ziglang wheel.
TOOLCHAIN ?= $(if $(shell command -v arm-none-eabi-gcc),gcc,zig)
PYTHON ?= python3
BUILD ?= build/$(PORT)-$(TOOLCHAIN)
CFLAGS ?= $(OPTIMISE_$(TOOLCHAIN)) -g
OPTIMISE_gcc := -O2
OPTIMISE_zig := -Os
ENTRY ?= start_reset
PRODUCT := $(BUILD)/firmware.elf

ifeq ($(TOOLCHAIN),gcc)
CC := arm-none-eabi-gcc -mthumb $(GCC_CPU)
LIBRARIES := -nostdlib -lgcc
REPORTS := -fcallgraph-info=su -fstack-usage
NO_IDIOMS := -fno-tree-loop-distribute-patterns
else
CC := $(PYTHON) -m ziglang cc $(ZIG_CPU) -fno-sanitize=undefined
NO_IDIOMS := -fno-builtin
endif

INCLUDES += -Iport/cortex_m/include
CODEGEN := -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables $(REPORTS)
LDFLAGS := -T port/$(PORT)/link.ld -Wl,--gc-sections -Wl,--entry=$(ENTRY)

# PROGRAM=model.fxl: the program that the firmware comes with, in flash. Its name is kept, so that another one is noticed.
$(BUILD)/program: FORCE
	@mkdir -p $(@D)
	@echo '$(abspath $(PROGRAM))' | cmp -s - $@ || echo '$(abspath $(PROGRAM))' >$@
FORCE:

$(BUILD)/%.o: %.S $(BUILD)/program $(PROGRAM)
	@mkdir -p $(@D)
	$(CC) $(if $(PROGRAM),-DPROGRAM='"$(abspath $(PROGRAM))"') -c $< -o $@

$(BUILD)/port/cortex_m/memory.o: CODEGEN += $(NO_IDIOMS)
