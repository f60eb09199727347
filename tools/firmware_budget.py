#!/usr/bin/env python3
"""Print what a build of the firmware takes of flash, memory and stack, and exit 1 where a budget is exceeded.

usage: firmware_budget.py BUILD_FOLDER

Flash and memory are read from the ELF file. The stack of an entry point is the deepest path through the call graph that GCC
writes beside each object file (-fcallgraph-info=su); what a function pointer may point to is said in POINTERS. Recursion,
a stack that grows by data, a heap and a function of unknown depth are errors.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

KIB = 1024
FLASH_BUDGET = 64 * KIB  # the firmware with everything in it, without a program that comes with it
CELLS_BUDGET = 64 * KIB  # what is kept per cell of a 128 x 64 array: pulses given, state of the campaign, target map
REST_BUDGET = 2 * KIB  # state of no cell, program or frame: too little for another bit of every cell
STACK_BUDGET = 4 * KIB  # of each entry point

KERNELS = (
    r".*core/kernels/cortex_m4(_multiply)?\.c:.*|fx_(cortex_m4_)?(multiply_(8|16)|product|product_sum)"
    r"|fx_rescale|fx_activate|fx_product_operation"
)

# File that calls through pointers -> the functions that these may point to, by their titles in the graph; "": none of the
# firmware, where kernels run on every processor and no plan is made. A runner is a kernel set's, if it has one.
POINTERS = {
    "app/campaign.c": r"gate_scheme_judge|gate_scheme_pulse|incremental_judge|incremental_pulse",
    "app/commands.c": r"handle_\w+",
    "core/kernels/kernels.c": "",
    "core/run.c": r".*cortex_m4_run\.c:run_operations|fx_operation_run",
    "core/executor.c": r"fx_cortex_m4_prepare",
    "core/kernels/cortex_m4_run.c": r".*cortex_m4_(columns|elements)\.c:run_\w+|.*cortex_m4_run\.c:drive_\w+",
    "core/operations.c": KERNELS,
    "core/multiply.c": rf"{KERNELS}|tiles_multiply",
}
# Bytes of stack of functions that are all assembly, by patterns of their titles; and of those without a graph, written in other
# files or the compiler's own.
ASSEMBLY = {r".*/cortex_m4_columns\.c:run_\w*(words|bytes)": 100}
WITHOUT_GRAPH = {"fault_probe": 0, "__aeabi_uldivmod": 64, "__aeabi_ldivmod": 64, "__aeabi_lmul": 16}
ENTRIES = r"start_reset|handle_\w+|\w+_poll|firmware_init|\w+_interrupt|fault_handle"
# What the members of struct firmware hold that are large whatever the array.
HOLDS = {
    "objects": "a program sent over the line",
    "inference": "the executor of a program",
    "link": "frames, kept answers and events of the link",
    "piece": "a piece of a sequence under way",
}
HEAP = {"malloc", "calloc", "realloc", "free", "_sbrk", "sbrk"}


@dataclass
class Function:
    """A function's own frame, what it calls, and the files of its calls through pointers."""

    frame: int | None = None
    calls: set[str] = field(default_factory=set)
    pointer_calls: set[str] = field(default_factory=set)


class BudgetError(Exception):
    """The graph holds what no budget can be computed for."""


def read_graph(build: Path) -> dict[str, Function]:
    """Every function of all object files by its title."""
    functions: dict[str, Function] = {}
    for path in sorted(build.rglob("*.ci")):
        text = path.read_text()
        for title, label in re.findall(r'node: \{ title: "(.+?)" label: "(.+?)"', text):
            function = functions.setdefault(title, Function())
            frame = re.search(r"(\d+) bytes \((\w+)", label)
            if frame:
                if frame[2] != "static":
                    raise BudgetError(f"{title} takes {frame[2]} stack, which no call graph bounds")
                function.frame = int(frame[1])
        for source, target, place in re.findall(r'edge: \{ sourcename: "(.+?)" targetname: "(.+?)" label: "(.+?):', text):
            caller = functions.setdefault(source, Function())
            if target == "__indirect_call":
                caller.pointer_calls.add(place)
            else:
                caller.calls.add(target)
    return functions


def resolve_pointers(functions: dict[str, Function]) -> None:
    """Add what calls through pointers may call to the graph."""
    for title, function in functions.items():
        for place in function.pointer_calls:
            patterns = [pattern for end, pattern in POINTERS.items() if place.endswith(end)]
            if not patterns:
                raise BudgetError(f"{title} calls through a pointer in {place}; say in POINTERS what it may point to")
            targets = {target for target in functions if re.fullmatch(patterns[0], target)}
            if patterns[0] and not targets:
                raise BudgetError(f"{title} calls through a pointer in {place}, but nothing is called {patterns[0]}; mend POINTERS")
            function.calls |= targets


def stack_depths(functions: dict[str, Function]) -> dict[str, int]:
    """Worst-case stack of every function with all that it calls."""
    depths: dict[str, int] = {}
    open_calls: list[str] = []

    def depth(title: str) -> int:
        if title in depths:
            return depths[title]
        if title in open_calls:
            raise BudgetError(f"recursion: {' calls '.join([*open_calls[open_calls.index(title) :], title])}")
        function = functions.get(title, Function())
        frame = function.frame if function.frame is not None else WITHOUT_GRAPH.get(title)
        frame = next((size for pattern, size in ASSEMBLY.items() if re.fullmatch(pattern, title)), frame)
        if frame is None:
            raise BudgetError(f"the stack of {title} is not known; enter it in WITHOUT_GRAPH")
        open_calls.append(title)
        depths[title] = frame + max((depth(target) for target in function.calls), default=0)
        open_calls.pop()
        return depths[title]

    for title, function in functions.items():
        if function.frame is not None:
            depth(title)
    return depths


def symbols(elf: Path) -> dict[str, tuple[int, int]]:
    """Address and size of every symbol."""
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name: (symbol["st_value"], symbol["st_size"]) for symbol in table.iter_symbols()}


@cache
def sections(elf: Path) -> dict[str, int]:
    """Size of every section that stands in memory."""
    with elf.open("rb") as file:
        return {section.name: section["sh_size"] for section in ELFFile(file).iter_sections() if section["sh_flags"] & 2}


def state_parts(elf: Path) -> dict[str, int]:
    """Bytes of every member of ``struct firmware``, which holds all state but what is kept per cell."""
    with elf.open("rb") as file:
        entries = (entry for unit in ELFFile(file).get_dwarf_info().iter_CUs() for entry in unit.iter_DIEs())
        state = next(entry for entry in entries if _is_the_state(entry))
        members = [entry.attributes for entry in state.iter_children()]
        starts = [member["DW_AT_data_member_location"].value for member in members]
    ends = [*starts[1:], state.attributes["DW_AT_byte_size"].value]
    names = [member["DW_AT_name"].value.decode() for member in members]
    return {name: end - start for name, start, end in zip(names, starts, ends, strict=True)}


def _is_the_state(entry: DIE) -> bool:
    name, size = (entry.attributes.get(key) for key in ("DW_AT_name", "DW_AT_byte_size"))
    return bool(entry.tag == "DW_TAG_structure_type" and size and name and name.value == b"firmware")


def measure(build: Path) -> list[tuple[str, int, int | None]]:
    """(what, bytes, budget) of a build's memories."""
    elf = build / "firmware.elf"
    sizes, names, parts = sections(elf), symbols(elf), state_parts(elf)
    found = HEAP & set(names)
    if found:
        raise BudgetError(f"the firmware has a heap: {', '.join(sorted(found))}")
    program = names["program_end"][0] - names["program_start"][0]
    return [
        ("flash, the firmware", sizes[".text"] + sizes[".data"] - program, FLASH_BUDGET),
        ("flash, a program that came with it", program, None),
        ("memory, per cell of the array: pulses, campaign, target map", sizes[".core_coupled"], CELLS_BUDGET),
        *((f"memory, {what}", parts.pop(name), None) for name, what in HOLDS.items()),
        ("memory, the rest of the firmware's state", sum(parts.values()), REST_BUDGET),
        ("memory, buffers of the serial line", names["port_board"][1], None),
        ("memory, stack", sizes[".stack"], None),
        ("memory, all but what is kept per cell", sum(sizes[name] for name in (".stack", ".retained", ".data", ".bss")), None),
    ]


def entry_points(build: Path) -> list[tuple[str, int, int]]:
    """(function, bytes, budget) of the stack of every entry point; none where the compiler writes no graph."""
    functions = read_graph(build)
    resolve_pointers(functions)
    depths = stack_depths(functions)
    return sorted((title, size, STACK_BUDGET) for title, size in depths.items() if re.fullmatch(ENTRIES, title))


def main(arguments: list[str]) -> int:
    """Print both tables."""
    build = Path(arguments[0])
    try:
        lines = [*measure(build), *((f"stack, {title}", size, budget) for title, size, budget in entry_points(build))]
    except BudgetError as error:
        print(f"firmware_budget: {error}", file=sys.stderr)
        return 1
    for what, size, budget in lines:
        print(f"{size:7d} {f'of {budget:6d}' if budget else '':9}  {what}{'  EXCEEDED' if budget and size > budget else ''}")
    return int(any(budget and size > budget for _, size, budget in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
