"""Programs of their own: for the end of a process, and for figures that other tests would disturb."""

import os
import subprocess
import sys


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


# For programs: the resident memory of the process, in bytes.
RESIDENT = """
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096
"""
