"""Files whose structure was changed: every change gives a network or a ModelError that names the file, never another error."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from fxlstm.errors import ModelError
from fxlstm.network import (
    Backward,
    EncoderDecoder,
    Model,
    Network,
    TimeGate,
    Tree,
    TreeNetwork,
    bidirectional,
    dense,
    gru,
    load_network,
    lstm,
    nary_tree_lstm,
    phased_lstm,
    save_network,
)

OTHERS: tuple[Any, ...] = (None, 3, -1, 1.5, float("inf"), True, "h", "", [], {}, ["x"], [["h"]], {"x": "x"}, [None], 10**30)
ones = np.ones


def models() -> dict[str, Model]:
    clipped = lstm(ones((1, 8)), ones((2, 8)), ones(8), gate="hard_sigmoid", clip=2)
    phased = phased_lstm(ones((2, 8)), ones((2, 8)), ones(8), TimeGate(ones(2), ones(2), ones(2)))
    unit = gru(ones((1, 3)), ones((1, 3)), ones(3))
    tree = nary_tree_lstm(ones((1, 4)), ones((2, 1, 5)), ones(4))
    return {
        "network": Network([clipped, phased, bidirectional(dense(ones((2, 1)), [0]), Backward(dense(ones((2, 1)), [0])).layer)]),
        "backward": Network([Backward(unit)], "final", initial={"gru/h": [1.0]}, mask_value=0.0, reads_backward=True),
        "tree": TreeNetwork(tree, (dense(ones((1, 1)), [0.0]),)),
        "encoder-decoder": EncoderDecoder(Network([unit]), Network([unit]), {"gru/h": "gru/h"}),
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in below for place in places(part, (*path, key)))]


def changed(structure: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy with the value at one place replaced, or left out where ``other`` is ``...``."""
    if not path:
        return other
    structure = copy.deepcopy(structure)
    target = structure
    for key in path[:-1]:
        target = target[key]
    if other is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = other
    return structure


def run(model: Model) -> None:
    """One forward pass: what loads must run, or say why it does not."""
    if isinstance(model, Network):
        model(ones((4, model.inputs)))
    elif isinstance(model, TreeNetwork):
        model(ones((3, model.inputs)), Tree([[1, 2], [], []]))
    else:
        model.generate(ones((4, model.encoder.inputs)), 2, ones((2, 1)) if model.feed == "given" else None)


@pytest.mark.parametrize("kind", models())
def test_a_changed_structure_is_a_network_or_a_model_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_network(models()[kind], path)
    with safe_open(path, framework="numpy") as file:
        structure = json.loads(file.metadata()["fxlstm"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    refused = 0
    for place in places(structure)[1:]:
        for other in (*OTHERS, ...):
            save_file(tensors, path, {"fxlstm": json.dumps(changed(structure, place, other))})
            try:
                run(load_network(path))
            except ModelError as error:
                refused += str(path) in str(error)
    assert refused > 100


@pytest.mark.parametrize("kind", models())
def test_a_tensor_that_is_absent_misshapen_or_not_finite_is_refused_by_its_layer(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_network(models()[kind], path)
    with safe_open(path, framework="numpy") as file:
        header, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    for key, array in tensors.items():
        without = {name: tensor for name, tensor in tensors.items() if name != key}
        for other in (array[..., np.newaxis], array[np.newaxis], np.full_like(array, np.nan)):
            save_file(without | {key: np.ascontiguousarray(other)}, path, header)
            with pytest.raises(ModelError, match=r"net\.safetensors"):
                load_network(path)
        if not key.endswith("initial.gru/h"):
            save_file(without, path, header)
            with pytest.raises(ModelError, match=r"net\.safetensors"):
                load_network(path)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"])
def test_a_pickle_is_refused_and_not_opened(suffix: str, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path / "ran").touch, ()

    for name in (f"net{suffix}", f"net{suffix.upper()}"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(ModelError, match="is a pickle, which can run code"):
            load_network(tmp_path / name)
    (tmp_path / "net.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match="is a pickle"):
        load_network(tmp_path / "net.safetensors")
    assert not (tmp_path / "ran").exists()
