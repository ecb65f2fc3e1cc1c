"""What a type checker makes of a program."""

import re
import subprocess
import sys
from pathlib import Path

import anabranch
import pytest

PROGRAM = """\
import anabranch as mx

async def program() -> None:
    s = mx.new_stream()
    with s as t, mx.default_device(mx.cpu), mx.stream(mx.cpu):
        a = mx.ones((2, 3)) + 1
        b = 2 * a - a.sum(axis=0) @ mx.random.normal((3, 3), key=mx.random.key(1))
        a += 3
    e = t.record(a, b)
    await e
    await mx.async_eval([a, {"b": b}])
    done: bool = e.wait(timeout=1) and e.query()
    compared: mx.array = a == b
    parts: list[mx.array] = mx.split(a[0, ..., None], 2, stream=s)
    rows: list[mx.array] = [mx.maximum(row, 2.0) for row in mx.linalg.inv(a, stream=mx.cpu)]
    device: mx.Device = mx.default_device()
    shape: tuple[int, ...] = a.shape
    dtype: mx.Dtype = mx.result_type(a, mx.float32)
    mx.add(a, 1, device=device)  # wrong
    mx.add(a, "s")  # wrong
    mx.stream(None)  # wrong
"""


def test_a_program(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(PROGRAM)
    path = str(Path(anabranch.__file__).parents[1])
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "program.py"]
    result = subprocess.run(command, cwd=tmp_path, env={"MYPYPATH": path}, capture_output=True, text=True)
    wrong = {int(line) for line in re.findall(r"^program\.py:(\d+): error", result.stdout, flags=re.MULTILINE)}
    expected = {i for i, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}
    assert wrong == expected, result.stdout
