"""Who may know whom: the import rule of the Python packages and the include rule of the C code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fxlstm"

# Package -> packages it may import beside itself; all may import status, errors, files and the version.
MAY_IMPORT = {
    "data": set(),
    "network": set(),
    "program": {"network"},
    "core": {"program"},
    "crossbar": {"program"},
    "circuits": {"crossbar"},
    "board": {"program", "core"},
    "emulator": {"program", "core", "crossbar"},
    "urls": {"crossbar", "emulator"},
    "sweep": {"network", "program", "core", "crossbar"},
    "analysis": {"network", "program", "core", "crossbar", "board"},
    "app": {"data", "network", "program", "core", "crossbar", "circuits", "board", "emulator", "sweep", "analysis"},
}
FOR_ALL = {"status", "errors", "files", "__version__"}
PYSERIAL_USERS = {"fxlstm/board/port.py", "fxlstm/urls/protocol_emu.py"}
# Folder of network/importers, imported by its function when that is called -> the framework that it imports.
FRAMEWORKS = {"pytorch": "torch", "onnx": "onnx", "keras": "h5py"}
THIRD_PARTIES_OF_NETWORK = {"numpy", "safetensors"}

FREESTANDING = {"stdint.h", "stddef.h", "string.h", "stdbool.h", "limits.h"}
HOST = "fxlstm/core/host/"  # kernels of processors, not in the firmware
ON_HOSTS = {"immintrin.h", "arm_neon.h", "stdatomic.h", "sched.h"}  # instructions; what threads need
# Folder of C code -> folders whose headers it may include beside its own.
MAY_INCLUDE = {
    "fxlstm/core": set(),
    "fxlstm/crossbar": set(),
    "firmware/hal": set(),
    "firmware/gen": set(),
    "firmware/drivers": {"firmware/hal", "firmware/gen", "fxlstm/core"},
    "firmware/app": {"firmware/drivers", "firmware/hal", "firmware/gen", "fxlstm/core"},
    "firmware/port": {"firmware/app", "firmware/hal", "firmware/gen", "fxlstm/core"},
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules(package: str) -> list[Path]:
    return sorted(path for path in (PACKAGE / package).rglob("*") if path.suffix in (".py", ".pyi"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere, absolute, with the imported name appended."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno} imports relatively; write the whole name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_packages(path: Path) -> set[str]:
    """The parts of fxlstm that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("fxlstm.")}


def third_parties(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)} - {"fxlstm"}


def test_every_package_has_a_rule():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_stands_below_it(package):
    for path in modules(package):
        unexpected = own_packages(path) - MAY_IMPORT[package] - FOR_ALL - {package}
        assert not unexpected, f"{relative(path)} imports {unexpected}"


def test_the_float_network_needs_only_numpy_and_its_file_format():
    for path in modules("network"):
        frameworks = set(FRAMEWORKS.values()) if "importers" in path.parts else set()
        assert third_parties(path) <= THIRD_PARTIES_OF_NETWORK | frameworks | set(sys.stdlib_module_names), relative(path)


def test_only_the_port_and_the_url_handler_touch_pyserial():
    users = {relative(path) for path in modules(".") if "serial" in third_parties(path)}
    assert users == PYSERIAL_USERS


def test_no_module_of_the_package_imports_tests_or_tools():
    for path in modules("."):
        assert not third_parties(path) & {"tests", "tools", "generators", "pytest"}, relative(path)


@pytest.mark.parametrize("folder", FRAMEWORKS)
def test_only_its_importer_imports_a_framework(folder):
    users = {relative(path) for path in modules(".") if FRAMEWORKS[folder] in third_parties(path)}
    door = "fxlstm/network/importers/__init__.py"  # for type checkers alone
    assert {path for path in users if not path.startswith(f"fxlstm/network/importers/{folder}/")} <= {door}


def test_no_framework_is_imported_before_its_importer_is_called():
    script = "import sys, fxlstm, fxlstm.network.importers, fxlstm.app.cli; fxlstm.from_torch; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "fxlstm.network.importers" in loaded and not {*FRAMEWORKS.values(), "keras", "tensorflow"} & set(loaded)


def c_files(folder: str) -> list[Path]:
    files = (path for path in (ROOT / folder).rglob("*") if path.suffix in (".c", ".h"))
    return sorted(path for path in files if not path.name.startswith("_"))  # _*.c is what Cython writes


def includes(path: Path) -> tuple[set[str], set[str]]:
    """(system headers, own headers) that a C file includes."""
    text = path.read_text()
    return set(re.findall(r"^\s*#\s*include\s*<(.+?)>", text, re.M)), set(re.findall(r'^\s*#\s*include\s*"(.+?)"', text, re.M))


def folder_of_header(name: str, including: Path) -> str:
    """The folder of MAY_INCLUDE in which a header stands, found by its name as the compiler would find it."""
    candidates = [path for folder in MAY_INCLUDE for path in c_files(folder) if path.as_posix().endswith("/" + name.lstrip("./"))]
    beside = (including.parent / name).resolve()
    path = beside if beside in candidates else candidates[0]
    return next(folder for folder in MAY_INCLUDE if relative(path).startswith(folder + "/"))


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_c_code_includes_only_what_stands_below_it(folder):
    for path in c_files(folder):
        for name in includes(path)[1]:
            assert folder_of_header(name, path) in MAY_INCLUDE[folder] | {folder}, f"{relative(path)} includes {name}"


@pytest.mark.parametrize(
    "folder", ["fxlstm/core", *(folder for folder in MAY_INCLUDE if folder.startswith("firmware/") and folder != "firmware/port")]
)
def test_core_and_firmware_are_freestanding(folder):
    for path in c_files(folder):
        assert includes(path)[0] <= FREESTANDING | (ON_HOSTS if relative(path).startswith(HOST) else set()), relative(path)


def test_the_link_of_the_firmware_knows_nothing_of_what_it_carries():
    text = (ROOT / "firmware/app/link.c").read_text() + (ROOT / "firmware/app/link.h").read_text()
    assert [line for line in text.splitlines() if line.startswith('#include "app/')] == ['#include "app/link.h"']
