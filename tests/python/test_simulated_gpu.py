"""Programs on simulated GPUs: what differs from the CPU for who writes Python. The rest of the suite runs there too."""

import pytest
from programs import expect_success, run

TWO = {"ANABRANCH_SIM_GPU": "2"}


def test_the_devices_are_there():
    code = """
assert mx.is_available(mx.gpu) and mx.device_count(mx.gpu) == 2
assert mx.default_device() == mx.Device(mx.gpu, 0)
assert mx.device_info(mx.Device(mx.gpu, 1))["device_name"] == "simulated GPU 1"
with mx.default_device(mx.Device(mx.gpu, 1)):
    print(mx.new_stream(), (mx.ones((2, 2)) + 1).sum().item())
for bad in (lambda: mx.new_stream(mx.Device(mx.gpu, 2)), lambda: mx.add(1, 2, stream=mx.Device(mx.gpu, 7))):
    try:
        bad()
    except ValueError as e:
        assert "there are 2" in str(e), e
    else:
        raise AssertionError("no ValueError")
"""
    assert expect_success(code, **TWO).startswith("Stream(Device(gpu, 1), ")


def test_a_wrong_number_of_devices_is_explained():
    result = run("mx.new_stream(mx.gpu)", ANABRANCH_SIM_GPU="many")
    assert result.returncode == 1
    assert "ValueError" in result.stderr and 'ANABRANCH_SIM_GPU is "many"' in result.stderr


def test_what_the_host_sees_of_a_device_array_is_a_copy():
    expect_success(
        """
import numpy as np
x = mx.arange(4) * 2
view = np.asarray(x)
assert view.tolist() == [0, 2, 4, 6] and not view.flags.writeable
assert memoryview(x).readonly
host = mx.array([1, 2, 3])
writable = np.asarray(host)
assert (host + 1).tolist() == [2, 3, 4]
writable[0] = 41  # of an array of the host: the device reads it anew
assert (host + 1).tolist() == [42, 3, 4]
""",
        **TWO,
    )


def test_failures_on_a_device_name_its_stream():
    expect_success(
        """
s = mx.new_stream(mx.Device(mx.gpu, 1))
bad = mx.linalg.inv(mx.zeros((2, 2), stream=s), stream=s)
worse = mx.exp(bad, stream=mx.gpu)
good = mx.exp(mx.zeros(2), stream=s)
mx.async_eval(worse, good)
for read in (worse.tolist, bad.tolist, lambda: str(worse)):
    try:
        read()
    except RuntimeError as e:
        assert "inv" in str(e) and str(s) in str(e), e
    else:
        raise AssertionError("no failure")
assert good.tolist() == [1.0, 1.0]
""",
        **TWO,
    )


@pytest.mark.parametrize("ends", ["pass", "import sys; sys.exit(0)", "import os; os._exit(0)"])
def test_the_program_ends_with_work_on_the_device(ends):
    expect_success(
        f"""
x = mx.random.normal((256, 256))
for _ in range(50):
    x = mx.matmul(x, x) * 0.01
mx.async_eval(x)
{ends}
""",
        **TWO,
    )
