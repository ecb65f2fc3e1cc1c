"""Programs of their own: for the end of a process, and for figures that other tests would disturb."""

import os
import subprocess
import sys

# No GPU, whatever there is.
CPU_ALONE = {"ANABRANCH_SIM_GPU": "0", "ANABRANCH_CUDA": "0", "ANABRANCH_CUDA_LIBRARY": ""}


def run(code, timeout=120, **environment):
    """The completed process of `python -c code`, with `import anabranch as mx` before it. Warnings of forks are off."""
    options = ["-X", "faulthandler", "-W", "ignore::DeprecationWarning"]
    return subprocess.run(
        [sys.executable, *options, "-c", "import anabranch as mx\n" + code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )


def expect_success(code, timeout=120, **environment):
    """What the program prints. It exits with 0 and writes no errors."""
    result = run(code, timeout, **environment)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    return result.stdout


# For programs: the bytes that objects hold, from malloc and (reckoned at 64 a block) from Python's allocator. The
# resident memory would also tell how far ahead of a slow device the host once was: what is free again stays with the
# process.
HELD = """
import ctypes, sys, time
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
def held_now():
    while mx.is_available(mx.gpu) and mx.device_info(mx.gpu).get("programs_compiling"):
        time.sleep(0.001)  # the compiler's memory comes and goes
    info = mallinfo2()
    return info.uordblks + info.hblkhd + 64 * sys.getallocatedblocks()
def held():
    before, now = sys.maxsize, held_now()
    while now < before:  # a thread that watches a GPU lets go of streams a little later
        time.sleep(0.01)
        before, now = now, held_now()
    return now
"""
