"""The end of a process, whatever is under way: the exit code is the program's, and nothing is printed but by it."""

import subprocess
import sys

import pytest
from programs import expect_success, run

LONG = """
def long(times=200, **where):
    x = mx.random.normal((800, 800), **where) * 0.01
    for _ in range(times):
        x = mx.matmul(x, x, **where)
    return x
"""

ENDINGS = {
    "work_under_way": "x = long(); mx.async_eval(x)",
    "work_on_many_streams": "x = [long(stream=mx.new_stream()) for _ in range(20)]; mx.async_eval(x)",
    "work_whose_result_is_dropped": "mx.async_eval(long())",
    "work_that_fails": "mx.async_eval(mx.linalg.inv(mx.zeros((3, 3))) + long(20)[:3, :3])",
    "a_failure_that_nobody_was_told": "x = mx.linalg.inv(mx.zeros((3, 3))); mx.async_eval(x); s = mx.new_stream()",
    "a_long_factorization": "x = mx.linalg.inv(mx.random.normal((2500, 2500))); mx.async_eval(x)",
    "an_event_awaited": """
import asyncio
s = mx.new_stream()
async def main():
    asyncio.create_task(wait(s.record(long(stream=s))))
    await asyncio.sleep(0.01)
async def wait(e):
    await e
asyncio.run(main())
""",
    "an_evaluation_that_nobody_awaits": """
import asyncio
async def main():
    mx.async_eval(long())
asyncio.run(main())
""",
    "inside_a_scope": "mx.new_stream().__enter__(); x = mx.ones((3,)) + 1; mx.eval(x)",
    "a_generator_inside_a_scope": """
def scoped():
    with mx.new_stream():
        yield mx.ones((3,)) + 1
g = scoped(); mx.async_eval(next(g))
""",
    "sys_exit": "import sys; mx.async_eval(long()); sys.exit(0)",
    "os_exit": "import os; mx.async_eval(long()); os._exit(0)",
    "threads_that_still_work": """
import threading
for _ in range(4):
    threading.Thread(target=lambda: mx.eval(long(10))).start()
""",
    "sys_exit_in_a_thread": """
import sys, threading
def work():
    mx.async_eval(long())
    sys.exit(3)
threading.Thread(target=work).start()
""",
    "an_executor_with_work": """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(4)
jobs = [pool.submit(mx.eval, long(5)) for _ in range(8)]
""",
    "a_thread_that_ended_with_its_streams_at_work": """
import threading
def work():
    global x
    x = long(stream=mx.new_thread_local_stream(mx.cpu))
    mx.async_eval(x)
t = threading.Thread(target=work); t.start(); t.join()
""",
    "evaluated_at_exit": """
import atexit
x = mx.ones((3,)) + 1
atexit.register(lambda: x.tolist() == [2, 2, 2] or print(x))
atexit.register(lambda: mx.async_eval(long()))
atexit.register(lambda: mx.eval(long(3)))
""",
    "evaluated_after_our_hook": """
import sys
class Late:
    def __init__(self): self.x = long(3)
    def __del__(self): mx.eval(self.x, mx.linalg.inv(mx.eye(700)))
sys.late = Late()
""",
    "evaluated_in_a_cycle": """
class Node:
    def __init__(self):
        self.me, self.x, self.s = self, mx.ones((300, 300)) @ mx.ones((300, 300)), mx.new_stream()
    def __del__(self):
        with self.s:
            mx.eval(self.x + 1)
            mx.synchronize()
nodes = [Node() for _ in range(3)]
""",
    "arrays_in_modules": """
import builtins, sys, threading, types
for name in ("first", "last"):
    module = sys.modules[name] = types.ModuleType(name)
    module.x, module.s, module.e = long(30), mx.new_stream(), mx.new_stream().record()
    mx.async_eval(module.x)
builtins.kept = long(30)
threading.local().kept = long(3)
mx.async_eval(builtins.kept)
mx.extra = builtins.kept + 1
""",
    "events_and_callbacks": """
s, t = mx.new_stream(), mx.new_stream()
e = s.record(long(50, stream=s))
t.wait(e)
f = t.record(long(50, stream=t))
""",
    "memory_of_others": """
import numpy as np
x = mx.asarray(np.ones((1000, 1000), np.float32)) if hasattr(mx, "asarray") else mx.array(np.ones((1000, 1000)))
views = [memoryview(x), np.asarray(x + 1), x.__dlpack__()]
mx.async_eval([x * i for i in range(50)])
""",
    "a_stream_and_no_work": "s = mx.new_stream()",
    "nothing_at_all": "",
}

BEFORE_THE_IMPORT = """
import atexit
atexit.register(lambda: [mx.eval(long(3)), mx.async_eval(long()), mx.new_stream().synchronize()])
import anabranch as mx
"""


@pytest.mark.parametrize("name", ENDINGS)
def test_exit(name):
    assert expect_success(LONG + ENDINGS[name]) == ""


def test_handlers_that_run_after_our_own():
    result = subprocess.run(
        [sys.executable, "-c", BEFORE_THE_IMPORT + LONG + "mx.async_eval(long())"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


DAEMONS = {
    "long_waits": "mx.eval(long())",
    "short_waits": "x = mx.random.normal((200, 200)); mx.eval(mx.exp(x) @ x); float(x.sum())",
    "events": "mx.new_stream().record(long(20)).wait()",
    "synchronize": "mx.async_eval(long(2)); mx.synchronize()",
    "failures": """
        try:
            mx.linalg.inv(mx.zeros((3, 3))).tolist()
        except RuntimeError:
            pass""",
}


@pytest.mark.parametrize("name", DAEMONS)
def test_exit_with_daemon_threads(name):
    """CPython ends them where they next want the GIL; that must not be in the middle of our frames."""
    code = (
        LONG
        + f"""
import threading, time
def work():
    while True:
        {DAEMONS[name]}
for _ in range(6):
    threading.Thread(target=work, daemon=True).start()
time.sleep(DELAY)
"""
    )
    for delay in (0.01, 0.1, 0.2, 0.25):
        assert expect_success(code.replace("DELAY", str(delay))) == ""


def test_a_daemon_thread_doesnt_keep_what_the_end_needs():
    """It is left in the middle of the wait for a stream, which a finalizer then waits for as well."""
    code = (
        LONG
        + """
import sys, threading, time
x = long(60)
threading.Thread(target=lambda: mx.eval(x), daemon=True).start()
time.sleep(0.05)
class Late:
    def __del__(self, x=x, stdout=sys.stdout): print(x.sum().item() == x.sum().item(), file=stdout, flush=True)
sys.late = Late()
"""
    )
    assert expect_success(code) == "True\n"


def test_an_uncaught_exception_is_all_that_is_printed():
    result = run(LONG + "mx.async_eval(long()); raise SystemExit('the end')")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "the end\n")
    result = run(LONG + "mx.async_eval(long()); 1 / 0")
    assert result.returncode == 1 and result.stderr.startswith("Traceback")
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n") and result.stderr.count("\n") < 7


def test_a_signal_that_ends_the_process():
    code = "import os, signal; mx.async_eval(long()); os.kill(os.getpid(), signal.SIGTERM)"
    result = run(LONG + code)
    assert (result.returncode, result.stderr) == (-15, "")
