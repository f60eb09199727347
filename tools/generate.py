#!/usr/bin/env python3
"""Write every generated file from its table, or with --check say which are not fresh.

Tables: fxlstm/status.py, fxlstm/program/layout.py and operations.py, fxlstm/board/protocol.py, fxlstm/boards/*.toml,
fxlstm/network/cells.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from generators import activation, board_page, cells_page, core, crc, docs, protocol, protocol_page, wiring  # noqa: E402

# Path from the root -> function that returns the text the file must have (given its present text).
TARGETS: dict[str, Callable[[str], str]] = {
    "fxlstm/core/layout.h": core.layout_header,
    "fxlstm/core/status.h": core.status_header,
    "fxlstm/core/activation_table.c": activation.activation_table,
    "firmware/gen/protocol.h": protocol.header,
    "firmware/gen/wiring.h": wiring.header,
    "firmware/gen/crc.h": crc.header,
    "docs/board.md": board_page.page,
    "docs/cells.md": cells_page.page,
    "docs/protocol.md": protocol_page.page,
    "docs/image.md": docs.image_page,
    "docs/numerics.md": docs.numerics_page,
}


def stale(root: Path = ROOT) -> dict[Path, str]:
    """Return the files whose text differs from what their tables say, with the text they should have."""
    wanted = {}
    for name, make in TARGETS.items():
        path = root / name
        present = path.read_text() if path.exists() else ""
        text = make(present)
        if text != present:
            wanted[path] = text
    return wanted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is not fresh")
    arguments = parser.parse_args()
    wanted = stale()
    for path, text in wanted.items():
        print(("stale: " if arguments.check else "wrote ") + str(path.relative_to(ROOT)))
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if arguments.check and wanted else 0


if __name__ == "__main__":
    sys.exit(main())
