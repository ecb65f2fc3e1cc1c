"""The structure check of ./dev lint finds what it is there to find."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_structure.py"
spec = importlib.util.spec_from_file_location("check_structure", TOOL)
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("src/base/shape.cpp", '#include "graph/opcode.h"'),
        ("src/kernels/linalg/matmul.cpp", '#include "runtime/pool.h"'),
        ("src/runtime/memory.cpp", '#include "graph/opcode.h"'),
        ("include/anabranch/array.h", '#include "graph/opcode.h"'),
        ("src/eval/submit.cpp", '#include "kernels/linalg/blas.h"'),
        ("src/eval/submit.cpp", '#include "hwy/highway.h"'),
        ("src/graph/opcode.cpp", '#include "nowhere.h"'),
        ("src/backends/cpu/cpu_backend.cpp", '#include "graph/program.h"'),
    ],
)
def test_include_against_the_direction(file, line):
    (violation,) = check.check_includes(file, ["", line])
    assert violation.startswith(f"{file}:2: ")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("src/eval/submit.cpp", '#include "kernels/cpu_kernels.h"'),
        ("src/kernels/linalg/matmul.cpp", '#include "runtime/launch.h"'),
        ("src/kernels/linalg/matmul.cpp", '#include "hwy/highway.h"'),
        ("tests/kernels/linalg_test.cpp", '#include "runtime/memory.h"'),
    ],
)
def test_include_along_the_direction(file, line):
    assert not list(check.check_includes(file, [line]))


def test_a_new_folder_must_say_what_it_may_include():
    assert list(check.check_includes("src/unnamed/a.cpp", [""]))


def test_seam():
    assert list(check.check_seam("src/runtime/pool.cpp", ["  std::mutex m;"]))
    assert list(check.check_seam("src/eval/fuse.cpp", ["static thread_local int depth;"]))
    assert not list(check.check_seam("src/runtime/sync.h", ["std::mutex m;"]))
    assert not list(check.check_seam("src/runtime/pool.cpp", ["// unlike std::mutex"]))
    assert list(check.check_seam("src/graph/node.h", ["std::atomic<int> n;"]))
    assert not list(check.check_seam("src/kernels/sort/sort.cpp", ["thread_local int n;"]))


def test_size():
    assert list(check.check_size("src/a.cpp", [""] * 601))
    assert not list(check.check_size("src/a.cpp", [""] * 600))


def test_architecture_names_every_folder():
    assert list(check.check_architecture(["src/unnamed/a.cpp"]))
    assert not list(check.check_architecture(["src/base/a.cpp"]))
