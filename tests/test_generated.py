"""Generated files say what their tables say."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_no_generated_file_is_stale() -> None:
    stale = runpy.run_path(str(ROOT / "tools" / "generate.py"))["stale"]()
    assert [str(path.relative_to(ROOT)) for path in stale] == [], "run tools/generate.py"
