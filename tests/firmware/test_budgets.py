"""What the firmware for the STM32F405 takes of flash, memory and stack stays within its budgets."""

from __future__ import annotations

from pathlib import Path

import pytest
from firmware_builds import COMPILERS, firmware_elf

import firmware_budget
from firmware_budget import BudgetError, Function, entry_points, measure, read_graph, resolve_pointers, stack_depths
from fxlstm.board.protocol import MESSAGES


@pytest.mark.parametrize("compiler", COMPILERS)
def test_flash_and_memory_stay_within_their_budgets(compiler: str) -> None:
    lines = measure(firmware_elf(compiler).parent)
    assert {what: size for what, size, budget in lines if budget and size > budget} == {}
    assert sum(budget is not None for _, _, budget in lines) == 3


def test_what_is_kept_per_cell_is_all_in_one_place_whose_budget_counts_it() -> None:
    build = firmware_elf("gcc").parent
    lines = {what: (size, budget) for what, size, budget in measure(build)}
    size, budget = lines["memory, per cell of the array: pulses, campaign, target map"]
    assert size == firmware_budget.sections(build / "firmware.elf")[".core_coupled"] <= 64 * 1024 == budget
    rest, allowed = lines["memory, the rest of the firmware's state"]
    assert allowed is not None
    assert rest + 128 * 64 // 8 > allowed  # another bit of every cell would exceed it


def test_the_stack_of_every_entry_point_stays_within_its_budget() -> None:
    entries = {name: size for name, size, _ in entry_points(firmware_elf("gcc").parent)}
    assert {f"handle_{message.name}" for message in MESSAGES} | {"start_reset", "serial_interrupt", "fault_handle"} <= set(entries)
    assert {name: size for name, size in entries.items() if size > firmware_budget.STACK_BUDGET} == {}


def test_the_main_loop_and_its_interrupts_fit_the_stack_that_the_linker_gives() -> None:
    build = firmware_elf("gcc").parent
    entries = {name: size for name, size, _ in entry_points(build)}
    frames = 2 * 112  # the processor saves as much for each of two interrupts, with the FPU's registers
    assert (
        entries["start_reset"] + entries["serial_interrupt"] + frames <= firmware_budget.sections(build / "firmware.elf")[".stack"]
    )


def written(folder: Path, *lines: str) -> dict[str, Function]:
    (folder / "graph.ci").write_text("\n".join(lines))
    functions = read_graph(folder)
    resolve_pointers(functions)
    return functions


def node(name: str, frame: str) -> str:
    return f'node: {{ title: "{name}" label: "{name}\\nfile.c:1:1\\n{frame}" }}'


def edge(source: str, target: str, place: str = "file.c:2:2") -> str:
    return f'edge: {{ sourcename: "{source}" targetname: "{target}" label: "{place}" }}'


def test_the_deepest_path_counts(tmp_path: Path) -> None:
    frames = {"a": 8, "b": 100, "c": 16, "handle_x": 40}
    nodes = [node(name, f"{size} bytes (static)") for name, size in frames.items()]
    calls = [edge("a", "b"), edge("a", "c"), edge("c", "__indirect_call", "app/commands.c:9:9")]
    assert stack_depths(written(tmp_path, *nodes, *calls))["a"] == 108
    assert stack_depths(written(tmp_path, *nodes, *calls))["c"] == 56


def test_recursion_unknown_depths_and_unknown_pointers_are_refused(tmp_path: Path) -> None:
    a = node("a", "8 bytes (static)")
    with pytest.raises(BudgetError, match="recursion: a calls b calls a"):
        stack_depths(written(tmp_path, a, node("b", "8 bytes (static)"), edge("a", "b"), edge("b", "a")))
    with pytest.raises(BudgetError, match="the stack of elsewhere is not known"):
        stack_depths(written(tmp_path, a, edge("a", "elsewhere")))
    with pytest.raises(BudgetError, match="a takes dynamic stack"):
        written(tmp_path, node("a", "8 bytes (dynamic)"))
    with pytest.raises(BudgetError, match=r"through a pointer in file\.c"):
        written(tmp_path, a, edge("a", "__indirect_call"))


def test_pointers_that_are_said_to_lead_to_functions_of_no_such_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"handle_.*mend POINTERS"):
        written(tmp_path, node("commands", "8 bytes (static)"), edge("commands", "__indirect_call", "app/commands.c:9:9"))
