"""Random models of PyTorch, Keras and ONNX, of all sizes and flags: the network gives what the framework gives."""

import pytest
from random_importers import IMPORTERS, LIMITS, difference, importer_of

CHUNK = 12


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "numbers" in metafunc.fixturenames:
        count = metafunc.config.getoption("--importers")
        chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
        metafunc.parametrize("numbers", chunks, ids=[f"cases-{chunk.start}-{chunk.stop - 1}" for chunk in chunks])


def test_a_network_gives_what_its_framework_gives(numbers: range) -> None:
    for number in numbers:
        importer = importer_of(number)
        assert difference(number) <= LIMITS[importer], f"case {number}, {importer}"


def test_the_frameworks_take_turns() -> None:
    assert {importer_of(number) for number in range(len(IMPORTERS))} == set(IMPORTERS)
