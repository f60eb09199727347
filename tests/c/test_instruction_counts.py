"""Instructions of a timestep, counted by Valgrind, beside committed figures: what makes a kernel slower is seen in review.

After a change that is meant to move them: ``python tests/c/test_instruction_counts.py`` prints the new ones.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from planned_programs import planned_programs
from test_core_in_c import build_timesteps, run

TIMESTEPS = 12
TOLERANCE = 0.1  # another compiler counts a little differently

# (kernel set, program, batch) -> instructions per timestep, gcc 12 -O2. Valgrind knows AVX2, not AVX-512.
INSTRUCTIONS = {
    ("portable", "lstm-bytes", 1): 36410,
    ("avx2", "lstm-bytes", 1): 5436,
    ("avx2", "lstm-split", 8): 82145,
    ("avx2", "lstm-adc", 8): 65411,
    ("avx2", "gru-reset-after-bytes", 1): 5163,
}


def instructions(timesteps: Path, kernels: str, name: str, batch: int) -> float:
    """Instructions per timestep."""
    image, counts = timesteps.parent / "image.fxl", timesteps.parent / "counts"
    image.write_bytes(planned_programs()[name].to_bytes())
    tool = ("valgrind", "--tool=callgrind", "--toggle-collect=count_timesteps", f"--callgrind-out-file={counts}", "-q")
    run(*tool, timesteps, kernels, image, str(batch), str(TIMESTEPS))
    total = re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.M)
    assert total
    return int(total.group(1)) / TIMESTEPS


@pytest.mark.parametrize("case", INSTRUCTIONS, ids=str)
def test_a_timestep_takes_no_more_instructions_than_it_did(case: tuple[str, str, int], timesteps: Path) -> None:
    assert instructions(timesteps, *case) == pytest.approx(INSTRUCTIONS[case], rel=TOLERANCE)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        built = build_timesteps(Path(place))
        for one in INSTRUCTIONS:
            print(one, round(instructions(built, *one)))
