"""Every fault that an emulated board can have comes out as docs/reliability.md says."""

from unittest.mock import patch

import pytest

from reliability import Trial, recovered, run_trial
from reliability_table import FAULTS, PAGE, stale


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}: {fault.options}")
def test_a_fault_comes_out_as_the_page_says(fault) -> None:
    assert stale((fault,)) == [], f"run tools/reliability_table.py, which writes {PAGE.name}"


def test_a_repeated_pulse_a_broken_limit_and_a_wrong_number_are_noticed() -> None:
    for wrong in (Trial("", right=True, repeated=1), Trial("", right=True, violations=1), Trial("", right=False)):
        with pytest.raises(AssertionError):
            recovered([wrong])


def test_a_trial_without_a_fault_needs_one_call() -> None:
    with patch("fxlstm.board.link.time.sleep"):
        trial = run_trial("")
    assert trial.right and not trial.reasons
