"""What a person reads who imports fxlstm before building it."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_EXTENSION = """
import sys
sys.modules["fxlstm.core._core"] = None
import fxlstm.core
"""


def test_a_missing_extension_says_what_to_type() -> None:
    result = subprocess.run([sys.executable, "-c", WITHOUT_EXTENSION], capture_output=True, text=True)
    assert "ImportError: the compiled part of fxlstm does not load" in result.stderr
    assert "pip install -e ." in result.stderr
