"""Builds the compiled extensions; everything else about the package is in pyproject.toml.

``FXLSTM_DEBUG=1 python setup.py build_ext --inplace --force`` builds them with bounds checks, assertions and symbols;
``FXLSTM_SANITIZE=1``, which scripts/test --sanitize uses, for the address and undefined-behaviour sanitizers.
"""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
CORE = Path("fxlstm/core")
HOST = CORE / "host"
CELLS = Path("fxlstm/crossbar/c")
FIRMWARE = Path("firmware")
DEBUG = os.environ.get("FXLSTM_DEBUG", "0") != "0"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if os.environ.get("FXLSTM_SANITIZE", "0") != "0" else []


def sources(folder: Path) -> list[str]:
    """Return the C files that ``folder/SOURCES`` lists."""
    lines = (ROOT / folder / "SOURCES").read_text().splitlines()
    return [(folder / line.strip()).as_posix() for line in lines if line.strip() and not line.startswith("#")]


def headers(*folders: Path) -> list[str]:
    """Return every header below the folders, so that a changed one rebuilds and relinks the extension."""
    return [path.relative_to(ROOT).as_posix() for folder in folders for path in sorted((ROOT / folder).rglob("*.h"))]


def compile_arguments() -> list[str]:
    """Return flags for GCC and Clang, or for Microsoft's compiler; where numbers are real, every operation rounds by itself."""
    if os.name == "nt":
        return ["/std:c11"]
    same_bits = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
    return [
        "-std=c11",
        *same_bits,
        *(["-O0", "-g", "-UNDEBUG"] if DEBUG else ["-O1", "-g"] if SANITIZERS else ["-O3"]),
        *SANITIZERS,
    ]


def extension(name: str, folders: list[Path], **macros: str) -> Extension:
    """Return the extension ``name`` made of its .pyx file and the C files of ``folders``, compiled with ``macros``."""
    module = Path(*name.split("."))
    return Extension(
        name,
        sources=[module.with_suffix(".pyx").as_posix(), *(source for folder in folders for source in sources(folder))],
        include_dirs=[*(folder.as_posix() for folder in (CORE, CELLS, FIRMWARE)), numpy.get_include()],
        depends=headers(CORE, *folders),
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), *macros.items()],
        extra_compile_args=compile_arguments(),
        extra_link_args=SANITIZERS,
    )


EXTENSIONS = [
    extension("fxlstm.core._core", [CORE, HOST], FX_HOST="1"),
    extension("fxlstm.crossbar._cells", [CELLS]),
    extension("fxlstm.emulator._firmware", [CORE, FIRMWARE, FIRMWARE / "port/host"]),
    extension("fxlstm.emulator.stm32f405._processor", []),
]

setup(
    ext_modules=cythonize(
        EXTENSIONS,
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives={"language_level": 3, "binding": True, "boundscheck": DEBUG, "wraparound": False},
    )
)
