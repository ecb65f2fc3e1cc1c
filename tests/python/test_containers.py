"""In a container the pool is as wide, and the memory limit as low, as its cgroup allows."""

import os
import re
from pathlib import Path

import pytest
from programs import CPU_ALONE, expect_success

WIDTH = """
import os
x = [mx.matmul(mx.ones((700, 700), stream=s), mx.ones((700, 700), stream=s), stream=s)
     for s in [mx.new_stream(mx.cpu) for _ in range(8)]]
mx.async_eval(x)
mx.synchronize()
print(len(os.listdir("/proc/self/task")) - 1, mx.device_info(mx.cpu)["processor_count"])
"""


def test_affinity():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + WIDTH
    threads, processors = map(int, expect_success(code, **CPU_ALONE).split())
    assert threads <= 1 and processors == 1


@pytest.fixture
def cgroup():
    """cgroup(controller, files) makes a cgroup with these settings, and code that has a program enter it."""
    made = []

    def make(controller, files):
        mounts = re.findall(r"- cgroup2? \S+ (\S+)", Path("/proc/self/mountinfo").read_text())
        if not any(controller in options.split(",") for options in mounts):
            pytest.skip("no cgroup of version 1 for this controller")
        root = Path("/sys/fs/cgroup", controller)
        folder = root / f"anabranch-test-{os.getpid()}"
        try:
            folder.mkdir()
            made.append(folder)
            for name, value in files.items():
                (folder / name).write_text(str(value))
        except OSError as e:
            pytest.skip(f"cgroups can't be made here: {e}")
        return f"open('{folder}/tasks', 'w').write(str(__import__('os').getpid()))\n"

    yield make
    for folder in made:
        folder.rmdir()


def test_a_quota_of_processor_time(cgroup):
    enter = cgroup("cpu", {"cpu.cfs_period_us": 100_000, "cpu.cfs_quota_us": 100_000})
    threads, processors = map(int, expect_success(enter + WIDTH, **CPU_ALONE).split())
    assert threads <= 1 and processors == 1


@pytest.mark.parametrize("megabytes", [200, 700])
def test_a_limit_of_memory_is_an_error_and_not_a_kill(cgroup, megabytes):
    enter = cgroup("memory", {"memory.limit_in_bytes": megabytes << 20})
    code = (
        enter
        + """
kept = []
try:
    while len(kept) < 1000:
        kept.append(mx.ones((1 << 20,), stream=mx.cpu) + len(kept))
        mx.eval(kept[-1])
except MemoryError as e:
    print(len(kept))
    assert "limit" in str(e)
del kept[:10]
x = mx.ones((1 << 20,), stream=mx.cpu) * 2
assert x[5].item() == 2
"""
    )
    made = int(expect_success(code, **CPU_ALONE))
    assert megabytes / 8 < made < megabytes / 4
