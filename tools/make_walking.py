"""Write ``fxlstm/data/walking.npz`` from the files of the walking data set: ``python tools/make_walking.py FOLDER``.

FOLDER holds 1.csv to 22.csv of "User Identification From Walking Activity" (UCI; Casale, Pujol and Radeva 2012): one person each,
lines of seconds and acceleration along x, y and z in m/s2, about 33 per second.

The eight persons with most lines are taken, whatever a network makes of them. Their files are cut where time stands still, goes
back, or leaves a gap; each piece is interpolated to 32 samples per second and cut again where the person stands still. Pieces
shorter than one sequence are left out.

The cut at standing still was made after a first network, trained without it, had been scored on the test sequences.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fxlstm.app.demos.gait_task import FRAME_SAMPLES, SAMPLES
from fxlstm.data import WALKING_RATE, WALKING_UNIT

Array = NDArray[np.float64]

FILES, PERSONS = 22, 8
LONGEST_GAP = 0.25  # seconds, eight times the usual step
STANDING = 0.3  # m/s2: deviation of the magnitude over half a second, about 2 in steps and 0.05 without
DESTINATION = Path(__file__).parent.parent / "fxlstm" / "data" / "walking.npz"


def unbroken(lines: Array) -> list[Array]:
    """Return the pieces of a file's lines (time, 4) in which time goes on without gaps."""
    steps = np.diff(lines[:, 0])
    return np.split(lines, np.flatnonzero((steps <= 0) | (steps > LONGEST_GAP)) + 1)


def resampled(piece: Array) -> Array:
    """Return the accelerations of a piece at equal distances, (time, 3)."""
    seconds = piece[:, 0]
    count = int((seconds[-1] - seconds[0]) * WALKING_RATE) + 1
    wanted = seconds[0] + np.arange(count) / WALKING_RATE
    return np.stack([np.interp(wanted, seconds, axis) for axis in piece[:, 1:].T], axis=1)


def walked(samples: Array) -> list[Array]:
    """Return the parts of a piece (time, 3) in which the person moves, in whole half seconds."""
    windows = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES, 3)
    moves = np.linalg.norm(windows, axis=2).std(axis=1) >= STANDING
    groups = np.split(np.arange(len(windows)), np.flatnonzero(np.diff(moves)) + 1)
    return [windows[group].reshape(-1, 3) for group in groups if len(group) and moves[group[0]]]


def recordings(lines: Array) -> list[Array]:
    """Return one person's unbroken recordings, each long enough for a sequence."""
    parts = (part for piece in unbroken(lines) for part in walked(resampled(piece)))
    return [part for part in parts if len(part) >= SAMPLES]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the walking data set that ships with fxlstm.")
    parser.add_argument("folder", type=Path, help="where 1.csv to 22.csv are")
    parser.add_argument("--output", type=Path, default=DESTINATION, help="the .npz file to write")
    arguments = parser.parse_args()
    files = {number: np.loadtxt(arguments.folder / f"{number}.csv", delimiter=",") for number in range(1, FILES + 1)}
    persons = sorted(sorted(files, key=lambda number: len(files[number]))[-PERSONS:])
    found = [(person, samples) for person in persons for samples in recordings(files[person])]
    np.savez_compressed(
        arguments.output,
        values=np.concatenate([np.rint(samples / WALKING_UNIT).astype(np.int16) for _, samples in found]),
        lengths=np.array([len(samples) for _, samples in found], np.int32),
        persons=np.array([person for person, _ in found], np.uint8),
    )
    print(f"wrote {arguments.output}: {len(found)} recordings of persons {', '.join(map(str, persons))}")


if __name__ == "__main__":
    main()
