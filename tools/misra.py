#!/usr/bin/env python3
"""Check core and firmware by cppcheck and its MISRA C:2012 rules; what is found has to be among the deviations of docs/misra.md.

Prints findings beyond those, and deviations that nothing needs any more; exits with 1 when there is any.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/misra.md"
CHECKED = ("fxlstm/core", "firmware")  # what their SOURCES list: what runs on a microcontroller, but for its ports
COMMAND = ("cppcheck", "--std=c11", "--enable=warning,style,performance,portability", "--addon=misra", "--quiet", "-j2")
OPTIONS = ("-Ifxlstm/core", "-Ifirmware", "--template={file}:{line}: {id}: {message}")


def findings() -> dict[str, list[str]]:
    """Return what cppcheck finds: places by rule."""
    files = [
        f"{folder}/{name}" for folder in CHECKED for name in (ROOT / folder / "SOURCES").read_text().splitlines() if name[:1] != "#"
    ]
    with tempfile.TemporaryDirectory() as folder:  # else what the addon reads is written beside the sources
        command = [*COMMAND, *OPTIONS, f"--cppcheck-build-dir={folder}", *files]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    found: dict[str, list[str]] = {}
    for line in said.splitlines():
        match = re.match(r"(\S+:\d+): ([\w.-]+): ", line)
        if match:
            found.setdefault(match[2].removeprefix("misra-c2012-"), []).append(match[1])
    return found


def deviations() -> set[str]:
    """Return the rules that the page gives reasons to deviate from."""
    return set(re.findall(r"^\| ([\w.]+) \|", PAGE.read_text(), re.MULTILINE)) - {"rule"}


def main() -> int:
    found, allowed = findings(), deviations()
    new = {rule: places for rule, places in found.items() if rule not in allowed}
    for rule, places in sorted(new.items()):
        print(f"{rule}: {', '.join(places[:5])}{' ...' if len(places) > 5 else ''}; mend it, or give the reason in {PAGE.name}")
    for rule in sorted(allowed - found.keys()):
        print(f"{rule}: nothing deviates from it any more; take it out of {PAGE.name}")
    return 1 if new or allowed - found.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
