"""The module in the life of a process: exit with work under way, memory of scopes."""

import subprocess
import sys

import anabranch as mx
import pytest

ENDINGS = {
    "work_under_way": """
x = mx.random.normal((800, 800)) * 0.01
for _ in range(200):
    x = x @ x
mx.async_eval(x)
""",
    "an_event_awaited": """
import asyncio
s = mx.new_stream()
async def main():
    x = mx.random.normal((800, 800), stream=s) * 0.01
    for _ in range(200):
        x = mx.matmul(x, x, stream=s)
    asyncio.create_task(wait(s.record(x)))
    await asyncio.sleep(0.01)
async def wait(e):
    await e
asyncio.run(main())
""",
    "inside_a_scope": "mx.new_stream().__enter__(); x = mx.ones((3,)) + 1; mx.eval(x)",
    "evaluated_at_exit": """
import atexit
x = mx.ones((3,)) + 1
atexit.register(lambda: print(x.tolist()))
""",
    "evaluated_after_our_hook": """
import sys
class Late:
    def __init__(self): self.x = mx.ones((3,)) + 1
    def __del__(self): mx.eval(self.x)
sys.late = Late()
""",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_exit(name):
    code = "import anabranch as mx\n" + ENDINGS[name]
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_scopes_leave_no_memory():
    def levels():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1])

    s = mx.new_stream()
    for _ in range(2000):
        with s:
            pass
    before = levels()
    for _ in range(50_000):
        with s, mx.default_device(mx.cpu):
            mx.set_default_stream(s)
    assert levels() - before < 500  # pages


def test_very_deep_scopes():
    code = """
import anabranch as mx
from contextlib import ExitStack
s = mx.new_stream()
with ExitStack() as stack:
    for _ in range(200_000):
        stack.enter_context(s)
    stack.pop_all()  # the levels go at exit, all at once
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
