"""What all tests of the Python package share."""

import gc

import anabranch as mx
import pytest
from hypothesis import HealthCheck, settings

# Timing on a shared machine says nothing about a test; the examples are the same in each run.
settings.register_profile(
    "anabranch", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("anabranch")


@pytest.fixture(autouse=True)
def each_test_finishes_what_it_began():
    """No work and no failure that nobody was told is left for the next one."""
    yield
    for _ in range(100):
        try:
            mx.synchronize()
            break
        except Exception:
            gc.collect()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """On CUDA devices some operations are not there yet, and say so; everything else must work."""
    try:
        return (yield)
    except Exception as e:
        if "This operation is not supported on the GPU" in str(e):
            pytest.skip("of an operation that has no CUDA kernel yet")
        raise
