"""One door for files of networks: the kind is told by the content, the suffix must agree, and no code of a file is ever run."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fxlstm.errors import ModelError
from fxlstm.network.importers import from_keras, from_onnx
from fxlstm.network.storage import read_network
from fxlstm.network.structure import Model

PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
_NO_CODE = (
    "which can run code, and no code is ever executed from a file; load it in PyTorch where you trust it, then "
    "fxlstm.from_torch(module) and fxlstm.save_network"
)


@dataclass(frozen=True)
class _Kind:
    """A kind of file: what it is called, its suffixes, how it is told by its first bytes or its members, who reads it."""

    name: str
    suffixes: tuple[str, ...]
    is_of: Callable[[bytes, frozenset[str]], bool]
    read: Callable[[Path], Model]


def _is_onnx(head: bytes, members: frozenset[str]) -> bool:
    """Return whether the bytes begin as ModelProto does: a small ir_version, then producer, domain, graph or operator sets."""
    return len(head) > 2 and head[0] == 0x08 and 0 < head[1] < 32 and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)


# ONNX comes last: a protocol buffer has no magic bytes.
_KINDS = (
    _Kind(
        "a safetensors file", (".safetensors",), lambda head, members: head[8:9] == b"{" and head[5:8] == b"\0\0\0", read_network
    ),
    _Kind("a Keras archive", (".keras",), lambda head, members: "config.json" in members, from_keras),
    # Keras 2 wrote HDF5 under the suffix .keras too.
    _Kind("an HDF5 file", (".h5", ".hdf5", ".keras"), lambda head, members: head.startswith(b"\x89HDF\r\n\x1a\n"), from_keras),
    _Kind("an ONNX model", (".onnx",), _is_onnx, from_onnx),
)
SUFFIXES = tuple(dict.fromkeys(suffix for kind in _KINDS for suffix in kind.suffixes))

# Files that people try: how they are told, what they are, and what to do.
_OTHERS: tuple[tuple[Callable[[bytes, frozenset[str]], bool], str], ...] = (
    (lambda head, members: any(name.endswith("data.pkl") for name in members), f"a file of torch.save, a pickle, {_NO_CODE}"),
    (lambda head, members: head[:1] == b"\x80" and head[1:2] <= b"\x05", f"a pickle, {_NO_CODE}"),
    (
        lambda head, members: any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in members),
        "a program of torch.export; load it by torch.export.load, then fxlstm.from_torch(program) and fxlstm.save_network",
    ),
    (
        lambda head, members: any(name.endswith(".npy") for name in members) or head[:6] == b"\x93NUMPY",
        "an array of NumPy, no network",
    ),
    (lambda head, members: head.startswith(b"FXLM"), "an integer program; open it with fxlstm.Program.load"),
    (lambda head, members: head[4:8] == b"TFL3", "a TensorFlow Lite model; give the Keras or ONNX model that it was made from"),
    (
        lambda head, members: head[:1] in (b"{", b"["),
        "JSON text without weights; save the whole model with model.save('name.keras')",
    ),
)


def load_network(path: str | os.PathLike[str]) -> Model:
    """Return the network in a file: ``.safetensors`` of :func:`save_network`, ``.onnx``, or Keras's ``.keras``, ``.h5``, ``.hdf5``.

    The kind of a file is told by its content, and its suffix must agree. What reads it (onnx, h5py) is imported only then; Keras
    and PyTorch are not needed. No code is ever executed from a file: pickles (``.pt``, ``.pth``) are refused.
    Raises :class:`ModelError` for a file that is absent, empty, damaged, of another kind or holds what is not supported.
    """
    path = Path(path)
    if path.suffix.lower() in PICKLES:
        raise ModelError(f"{str(path)!r} is a pickle, {_NO_CODE}")
    head, members = _contents(path)
    for is_of, what in _OTHERS:
        if is_of(head, members):
            raise ModelError(f"{str(path)!r} is {what}")
    suffix = path.suffix.lower()
    told = [kind for kind in _KINDS if kind.is_of(head, members)]
    kinds = told or [kind for kind in _KINDS if suffix in kind.suffixes]
    if not kinds:
        raise ModelError(f"{str(path)!r} is of no kind that is known; networks are read from {', '.join(SUFFIXES)}")
    if suffix not in kinds[0].suffixes:
        raise ModelError(f"{str(path)!r} has the suffix {path.suffix!r} but is {kinds[0].name}; call it {kinds[0].suffixes[0]}")
    return kinds[0].read(path)


def _contents(path: Path) -> tuple[bytes, frozenset[str]]:
    """Return the first bytes of a file, and the names in it where it is an archive."""
    if path.is_dir():
        raise ModelError(f"{str(path)!r} is a folder; give a file: a SavedModel is saved anew with model.save('name.keras')")
    if not path.is_file():
        raise ModelError(f"no file {str(path)!r}; check the path")
    try:
        with path.open("rb") as file:
            head = file.read(16)
        members = frozenset(zipfile.ZipFile(path).namelist()) if head.startswith(b"PK") else frozenset()
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{str(path)!r} cannot be read ({error}); export the network again") from error
    if not head:
        raise ModelError(f"{str(path)!r} is empty; export the network again")
    return head, members
