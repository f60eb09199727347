"""Fuzzing guided by coverage: what the corpus holds and what a short run finds leaves no sanitizer anything to say.

``scripts/fuzz`` does the same for as long as asked.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz

SECONDS = 20  # of fuzzing beyond the corpus: a minute for the three


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_no_input_of_the_corpus_or_near_it_breaks_a_rule(target: str, tmp_path: Path) -> None:
    fuzz.build(target, tmp_path)
    corpus = list((fuzz.CORPUS / target).iterdir())
    said = fuzz.run(target, tmp_path, "-runs=0", corpora=[fuzz.CORPUS / target])
    assert f"seed corpus: files: {len(corpus) + (fuzz.PROGRAMS if target == 'loader' else 0)}" in said
    assert "Done" in fuzz.fuzz(target, tmp_path, SECONDS, seed=1, keep=False)
