"""What all tests of the Python package share."""

from hypothesis import HealthCheck, settings

# Timing on a shared machine says nothing about a test; the examples are the same in each run.
settings.register_profile(
    "anabranch", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("anabranch")
