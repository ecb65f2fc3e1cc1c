"""The program on the seed's page, verbatim, in a process of its own."""

import subprocess
import sys

PROGRAM = """\
import mlx.core as mx

print(mx.default_device())
# Run a block on CPU explicitly
with mx.default_device(mx.cpu):
    a = mx.ones((1024, 1024))

# Queue work on a new stream and sync before host use
s = mx.new_stream()
with s:
    b = mx.random.normal((2048, 2048)) @ mx.random.normal((2048, 2048))

# Change default device globally (all subsequent ops)
mx.set_default_device(mx.cpu)

# Ensure work completed before converting to Python types / printing
mx.synchronize()
print(b.shape)
"""


def test_the_seed_s_program():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    device, shape = result.stdout.splitlines()
    assert device in ("Device(cpu, 0)", "Device(gpu, 0)") and shape == "(2048, 2048)"
    assert not result.stderr
