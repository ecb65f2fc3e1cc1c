"""A GPU for tests of what differs there: a real one where there is one, else the CUDA that the host plays
(tests/cuda_kernels/emulated), in programs of their own."""

from pathlib import Path

import anabranch as mx
import pytest
from programs import run

FOLDER = Path(mx.__file__).parents[2] / "tests"  # of the build
EMULATED = FOLDER / "libanabranch_cuda_emulated.so"


def has_real_gpu():
    if not mx.is_available(mx.gpu):
        return False
    info = mx.device_info(mx.gpu)
    return "pci_bus_id" in info and not str(info["device_name"]).startswith("emulated")


REAL = has_real_gpu()
real_alone = pytest.mark.skipif(not REAL, reason="no GPU")
emulated_alone = pytest.mark.skipif(not EMULATED.exists(), reason="no emulated CUDA")
either = pytest.mark.skipif(not REAL and not EMULATED.exists(), reason="neither a GPU nor the emulated CUDA")


def emulated(**options):
    """The environment for an emulated CUDA."""
    given = ",".join(f"{name}={value}" for name, value in options.items())
    return {"ANABRANCH_SIM_GPU": "0", "ANABRANCH_CUDA_LIBRARY": str(EMULATED), "ANABRANCH_EMULATED_CUDA": given}


def succeed(code, timeout=120, **environment):
    """Runs a program that ends well, with mx.gpu real or else emulated; what it prints."""
    result = run(code, timeout, **({} if REAL else emulated()) | environment)
    errors = [line for line in result.stderr.splitlines() if not line.startswith("emulated CUDA: GPU")]
    assert (result.returncode, errors) == (0, []), result.stdout + result.stderr
    return result.stdout
