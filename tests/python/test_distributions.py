"""`mlx.core` is `anabranch`; where the real MLX is installed beside it, importing says so. The seed's program runs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python(*args, **env):
    return subprocess.run([sys.executable, *args], env=env, capture_output=True, text=True, timeout=120)


def test_mlx_core_is_anabranch():
    program = """
import mlx.core as mx, mlx.core.random, anabranch
from mlx.core import linalg
assert mx is anabranch is mlx.core and mlx.core.random is anabranch.random and linalg is anabranch.linalg
"""
    result = python("-c", program)
    assert result.returncode == 0, result.stderr


def test_the_real_mlx_beside_it_is_an_error_that_names_the_cure(tmp_path):
    (tmp_path / "mlx").mkdir()
    (tmp_path / "mlx" / "core.cpython-311-x86_64-linux-gnu.so").touch()
    result = python("-c", "import mlx.core", PYTHONPATH=str(tmp_path))
    assert result.returncode != 0
    assert "ImportError" in result.stderr
    assert "pip uninstall anabranch-mlx" in result.stderr
    assert str(tmp_path) in result.stderr


def test_seed_program():
    result = python(str(ROOT / "examples" / "seed.py"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["Device(cpu, 0)", "(2048, 2048)"]
