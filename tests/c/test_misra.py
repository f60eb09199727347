"""The list of deviations from MISRA C:2012 gives reasons. The check itself is tools/misra.py, a part of scripts/test."""

import re

import misra


def test_every_deviation_has_a_reason() -> None:
    rows = re.findall(r"^\| ([\w.]+) \| (.*?) \| (.*?) \|$", misra.PAGE.read_text(), re.MULTILINE)
    assert {rule for rule, _, _ in rows} - {"rule"} == misra.deviations()
    assert all(about and len(reason) > 20 for rule, about, reason in rows if rule != "rule")
