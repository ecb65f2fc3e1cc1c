"""What interop_on_cuda.py and streams_on_cuda.py test, on a CUDA that the host plays, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import anabranch as mx
import pytest

TESTS = Path(mx._core.__file__).absolute().parents[2] / "tests"
PLUGIN = TESTS / "libanabranch_cuda_emulated.so"


@pytest.mark.skipif(not PLUGIN.exists(), reason="the emulated CUDA is not built")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("tests", ["interop_on_cuda.py", "streams_on_cuda.py"])
def test_on_the_emulated_cuda(tests, seed):
    # So many channels that a stream which a test holds up holds up no other one.
    environment = {
        **os.environ,
        "ANABRANCH_SIM_GPU": "0",
        "ANABRANCH_CUDA": "1",
        "ANABRANCH_CUDA_LIBRARY": str(PLUGIN),
        "ANABRANCH_EMULATED_CUDA": f"devices=2,channels=2000,seed={seed}",
        "EMULATED_CUDA": str(TESTS / "libemulated_cuda.so"),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", str(Path(__file__).with_name(tests))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
