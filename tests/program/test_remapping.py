"""A program gives way to cells that do not obey: the same integers at other places, and partners that make up for faulty cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from random_networks import quantized_network

import fxlstm as fx
from fxlstm.errors import ArrayError, ProgramError
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE, level_differences, target_map, tiles_of
from fxlstm.program.remapping.damage import Damage
from fxlstm.program.remapping.faults import most_units, standing
from fxlstm.program.remapping.units import exchangeable_units, reordered

SHAPE = (128, 64)
X = np.random.default_rng(0).uniform(-1, 1, (30, 3))
BASE, DEAD = 1e-4, 1e-5  # siemens: level 0 of preset "ta-hfo2", and where its stuck cells stand


def network(units: int = 6, head: bool = True) -> fx.Network:
    random = np.random.default_rng(units)
    recurrent = fx.lstm(*(random.normal(0, 0.6, shape) for shape in ((3, 4 * units), (units, 4 * units), 4 * units)))
    dense = fx.dense(random.normal(0, 0.6, (units, 2)), np.zeros(2))
    return fx.Network((recurrent, dense) if head else (recurrent,))


def program_of(units: int = 6, head: bool = True, **hardware) -> fx.Program:
    return fx.quantize(network(units, head), X, Hardware(**hardware))


def random_faults(seed: int, part: float = 0.05) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.where(random.random(SHAPE) < part, random.uniform(0, 4e-4, SHAPE), np.nan)


def shuffled(program: fx.Program, seed: int) -> fx.Program:
    """The program with all units that are free in a random order."""
    random, source = np.random.default_rng(seed), np.arange(len(program.arena))
    for group in exchangeable_units(program):
        source[group.codes] = source[random.permutation(group.codes)]
    return reordered(program, source)


# ---- the same integers


def test_units_of_random_networks_in_any_order_give_the_same_integers() -> None:
    free = 0
    for seed in range(80):
        program, given = quantized_network(seed)
        other = shuffled(program, seed)
        run = given.inputs, given.timesteps, given.initial
        np.testing.assert_array_equal(fx.Engine(other).run_phases(*run), fx.Engine(program).run_phases(*run), f"seed {seed}")
        free += any(group.layer != "the bias rows" for group in exchangeable_units(program))
    assert free > 10


@pytest.mark.parametrize("pairing", ["adjacent", "columns"])
def test_remapped_random_networks_give_the_same_integers_and_are_damaged_no_more(pairing: str) -> None:
    for seed in range(8):
        program, given = quantized_network(seed)
        if program.hardware.adc_bits is None or program.hardware.pairing != pairing:
            continue
        arrays = 1 + max(tile.array for tile in tiles_of(program))
        found = fx.remapped(program, [random_faults(seed + index) for index in range(arrays)])
        assert found.after <= found.at_corners <= found.before
        run = given.inputs, given.timesteps, given.initial
        np.testing.assert_array_equal(fx.Engine(found.program).run_phases(*run), fx.Engine(program).run_phases(*run))


def test_units_of_a_layer_on_several_tiles_change_places_only_where_the_tiles_round_alike() -> None:
    program = program_of(70)
    assert len(program.matrices[0].tiles) > 4
    other = shuffled(program, 1)
    assert not np.array_equal(other.matrices[0].weights, program.matrices[0].weights)
    np.testing.assert_array_equal(fx.Engine(other).run(X), fx.Engine(program).run(X))


def test_all_units_below_a_head_are_free_and_none_whose_state_is_the_output() -> None:
    assert fx.remapped(program_of(), random_faults(1)).free == {"lstm": 6}
    alone = fx.remapped(program_of(head=False), random_faults(1))
    assert alone.free == {}
    assert alone.exchanged == 0
    assert "none, inputs and outputs fix them all" in str(alone)


def test_states_keep_the_users_order() -> None:
    program = program_of()
    other = shuffled(program, 3)
    assert other.metadata["order"]["lstm/h"] != list(range(6))
    random = np.random.default_rng(2)
    states = {"lstm/h": random.uniform(-1, 1, (1, 6)), "lstm/c": random.uniform(-1, 1, (1, 6))}
    x = X[np.newaxis]
    np.testing.assert_array_equal(fx.Engine(other).run(x, states=states), fx.Engine(program).run(x, states=states))
    with fx.Board("emu://host?device=ideal", log=False) as board:
        kept = []
        for each in (program, other):
            board.load(each)
            board.run(x, states=states, on_array=False)
            kept.append(board.states())
    for name, values in kept[0].items():
        np.testing.assert_array_equal(kept[1][name], values, name)


def test_a_second_reordering_of_a_loaded_image_still_knows_the_users_order() -> None:
    program = program_of()
    again = shuffled(shuffled(program, 3), 4)
    states = {"lstm/h": np.linspace(-1, 1, 6)[np.newaxis]}
    x = X[np.newaxis]
    np.testing.assert_array_equal(fx.Engine(again.to_bytes()).run(x, states=states), fx.Engine(program).run(x, states=states))


@pytest.mark.parametrize("order", [{"lstm/h": [0, 0, 1, 2, 3, 4]}, {"lstm/h": [0, 1]}, {"lstm/h": "012345"}, {"lstm/h": None}, 7])
def test_an_order_that_is_none_is_refused(order: object) -> None:
    program = program_of()
    broken = replace(program, metadata={**program.metadata, "order": order})
    with pytest.raises(ProgramError, match="order of 'lstm/h' is not one of its 6 elements"):
        fx.Engine(broken).run(X[np.newaxis], states={"lstm/h": np.zeros((1, 6))})


# ---- corners, units, partners


@pytest.mark.parametrize("pairing", ["adjacent", "halves", "columns"])
def test_a_tile_leaves_a_damaged_corner_for_the_best_free_one(pairing: str) -> None:
    program = program_of(pairing=pairing)
    faults = np.full(SHAPE, np.nan)
    faults[:40, :50] = DEAD
    found = fx.remapped(program, faults)
    assert found.before > 0.5
    assert found.at_corners == found.after == 0
    assert found.moved == len(tiles_of(program))
    assert found.exchanged == 0


@pytest.mark.parametrize("pairing", ["adjacent", "halves", "columns"])
def test_no_free_corner_is_better_than_the_one_that_is_chosen(pairing: str) -> None:
    layer = fx.dense(np.random.default_rng(1).normal(size=(50, 20)), np.zeros(20))
    program = fx.quantize(fx.Network((layer,)), np.eye(50), Hardware(pairing=pairing))
    stands = standing(program, random_faults(5), "ta-hfo2")
    damage = Damage(program, most_units("ta-hfo2", program.hardware), compensate=True)
    (matrix,) = program.matrices
    (tile,) = matrix.tiles
    every = []
    for row, column in np.ndindex(*damage.of_corners(0, tile, stands[0]).shape):
        moved = replace(matrix, tiles=(replace(tile, array_row=row, array_column=column),))
        every.append(damage.of_program(replace(program, matrices=(moved,)), stands))
    np.testing.assert_allclose(damage.of_corners(0, tile, stands[0]).ravel(), every)
    assert fx.remapped(program, random_faults(5), units=False).after == pytest.approx(damage.relative(min(every)))


def test_exchanging_units_lowers_the_damage_to_what_no_other_exchange_lowers() -> None:
    program, faults = program_of(15), random_faults(7)
    found = fx.remapped(program, faults, corners=False)
    assert found.after < 0.8 * found.before
    assert found.exchanged > 2
    again = fx.remapped(found.program, faults, corners=False)
    assert again.exchanged == 0
    assert again.before == pytest.approx(found.after)


def test_the_same_faults_give_the_same_program() -> None:
    program, faults = program_of(), random_faults(8)
    assert fx.remapped(program, faults).program.to_bytes() == fx.remapped(program, faults).program.to_bytes()


def test_cells_of_another_program_are_kept_free() -> None:
    first = program_of()
    second = fx.quantize(network(4), X, taken=[first])
    moved = fx.remapped(second, random_faults(9), taken=[first]).program
    array = fx.SimulatedArray(device="ideal")
    for program in (first, moved):
        array.program(program)
    for program in (first, moved):
        np.testing.assert_array_equal(fx.Engine(program, array=array).run(X), fx.Engine(program).run(X))


def test_what_weights_are_worth_decides_which_of_them_meet_faulty_cells() -> None:
    program = program_of(15)
    worth = [np.zeros(matrix.weights.shape) for matrix in program.matrices]
    worth[0][:, :15] = 1
    faults = random_faults(7, 0.02)
    found = fx.remapped(program, faults, worth=worth)
    stands = standing(program, faults, "ta-hfo2")
    damage = Damage(program, most_units("ta-hfo2", program.hardware), True, worth)
    assert damage.relative(damage.of_program(fx.remapped(program, faults).program, stands)) > 2 * found.after


@pytest.mark.parametrize("pairing", ["adjacent", "halves", "columns"])
def test_the_partner_of_a_faulty_cell_makes_up_for_it_as_far_as_the_window_allows(pairing: str) -> None:
    program = program_of(pairing=pairing)
    unit, faults = program.hardware.conductance_unit, random_faults(11, 0.1)
    targets = fx.compensated_targets(program, faults)
    healthy = np.isnan(faults)
    assert (targets[~healthy] == LEAVE).all()
    siemens = np.where(healthy, BASE + targets * unit, faults)
    plain = np.where(healthy, BASE + target_map(program) * unit, faults)
    before, after = (np.abs(level_differences(program, cells)[0] - program.matrices[0].weights) for cells in (plain, siemens))
    assert (after <= before + 0.01).all()
    assert (before > 1).sum() > 1.3 * (after > 1).sum()


def test_a_stuck_cell_on_an_array_is_made_up_for_when_the_targets_say_so() -> None:
    program = program_of()
    array = fx.SimulatedArray(seed=1, stuck=False, read_noise=False)
    targets = target_map(program)
    row, column = np.argwhere((targets > 20000) & (targets < 30000))[0]
    array.program(program)
    array.stuck[row, column] = True  # where a weight stands that is to become its opposite: twice as much is left to its partner
    flipped = replace(program, matrices=tuple(replace(m, weights=-m.weights) for m in program.matrices))
    faults = fx.Faults.of(array.program(flipped))
    assert faults.cells[row, column]
    assert faults.cells.sum() == 1
    array.program(flipped, targets=fx.compensated_targets(flipped, faults))
    found = level_differences(flipped, array.conductance)
    for matrix, weights in zip(flipped.matrices, found, strict=True):
        assert np.abs(weights - matrix.weights).max() < 3


def test_remapping_brings_the_airline_networks_output_nearer_on_every_array_with_two_percent_of_stuck_cells() -> None:
    from fxlstm.app.demos.airline_task import AirlineTask, load_trained

    x = AirlineTask.load().inputs
    program = fx.quantize(load_trained(), x)
    worth = fx.weight_sensitivity(program, x)
    wanted = fx.Engine(program).run(x)
    for seed in (1, 2):
        device = "ta-hfo2?stuck.fraction=0.02"
        stuck = fx.SimulatedArray(device=device, seed=seed)
        faults = np.where(stuck.stuck, stuck.conductance, np.nan)
        better = fx.remapped(program, faults, worth=worth)
        errors = []
        for each, targets in ((program, None), (better.program, fx.compensated_targets(better.program, faults))):
            array = fx.SimulatedArray(device=device, seed=seed)
            array.program(each, targets=targets)
            errors.append(float(np.sqrt(((fx.Engine(each, array=array).run(x) - wanted) ** 2).mean())))
        assert errors[1] < errors[0] / 3  # measured: 1/5 to 1/14


def test_boards_and_several_arrays_take_targets_in_place_of_a_programs_own() -> None:
    program, faults = program_of(), random_faults(12)
    targets = fx.compensated_targets(program, faults)
    with fx.Board("emu://host?device=ideal", log=False) as board:
        report = board.program(program, targets=targets)
        np.testing.assert_array_equal(report.targeted, targets != LEAVE)
        with pytest.raises(ArrayError, match="targets beside a target map"):
            board.program(targets, targets=targets)
        with pytest.raises(ArrayError, match="a target map of shape"):
            board.program(program, targets=targets[:4])
    arrays = fx.SimulatedArrays(program, device="ideal")
    np.testing.assert_array_equal(arrays.program(program, targets=targets[np.newaxis])[0].targeted, targets != LEAVE)
    with pytest.raises(ArrayError, match=r"one map .* for each of 1 arrays"):
        arrays.program(program, targets=np.stack((targets, targets)))


# ---- faults


def test_faults_are_what_programming_could_not_bring_to_its_target() -> None:
    array = fx.SimulatedArray(device="ta-hfo2?stuck.fraction=0.02", seed=1)
    faults = fx.Faults.of(array.program(np.full(SHAPE, 30000, np.uint16)))
    assert (faults.cells & array.stuck).sum() > 0.97 * array.stuck.sum()
    assert (faults.cells & ~array.stuck).sum() < 0.002 * faults.cells.size
    np.testing.assert_allclose(faults.conductance[faults.cells & array.stuck], DEAD, rtol=0.05)


def test_a_bool_map_means_cells_at_level_0() -> None:
    program = program_of()
    cells = np.isfinite(random_faults(13))
    found, at_base = fx.remapped(program, cells), fx.remapped(program, np.where(cells, BASE, np.nan))
    assert found.program.to_bytes() == at_base.program.to_bytes()
    assert found.after == pytest.approx(at_base.after)


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (np.zeros((4, 4), bool), r"faults of shape \(4, 4\): the array has 128 x 64"),
        (np.zeros(SHAPE[0], bool), r"give both \(rows, columns\)"),
        (np.where(np.eye(*SHAPE) > 0, -1e-6, np.nan), "stands at -1e-06"),
        (np.where(np.eye(*SHAPE) > 0, np.inf, np.nan), "stands at inf"),
        (np.zeros(SHAPE), "in which no cell obeys"),
        (np.zeros(SHAPE, np.int64), "faults of type int64"),
        ([], "stands on 1 arrays and there are faults of 0"),
    ],
)
def test_faults_that_cannot_be_are_refused(faults, words: str) -> None:
    for use in (fx.remapped, fx.compensated_targets):
        with pytest.raises(ArrayError, match=words):
            use(program_of(), faults)


def test_programs_on_no_array_and_an_impossible_worth_are_refused() -> None:
    digital = fx.quantize(network(), X, Hardware(adc_bits=None))
    for use in (fx.remapped, fx.compensated_targets):
        with pytest.raises(ArrayError, match="digital program stands on no array"):
            use(digital, random_faults(1))
    with pytest.raises(ArrayError, match="worth of weights: give arrays of shapes"):
        fx.remapped(program_of(), random_faults(1), worth=[np.ones((2, 2))])
    with pytest.raises(ArrayError, match="array 3: there are faults of arrays 0 to 0"):
        fx.compensated_targets(program_of(), random_faults(1), array=3)
    with pytest.raises(ArrayError, match="no device preset named 'gold'"):
        fx.remapped(program_of(), random_faults(1), "gold")
