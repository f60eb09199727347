"""Fuzzing guided by coverage: what the corpus holds and what a short run finds leaves no sanitizer anything to say.

``--fuzz-seconds`` and ``scripts/fuzz`` do the same for as long as asked.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_no_input_of_the_corpus_or_near_it_breaks_a_rule(target: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    fuzz.build(target, tmp_path)
    corpus = list((fuzz.CORPUS / target).iterdir())
    said = fuzz.run(target, tmp_path, "-runs=0", corpora=[fuzz.CORPUS / target])
    assert f"seed corpus: files: {len(corpus) + (fuzz.PROGRAMS if target == 'loader' else 0)}" in said
    seconds = pytestconfig.getoption("--fuzz-seconds")
    assert "Done" in fuzz.fuzz(target, tmp_path, seconds, seed=1, keep=False)
