"""No memory: `operator new` is refused to our code (tests/refusing_new.cpp), call by call. What was asked for raises a
MemoryError or is right; then everything works again."""

from pathlib import Path

import anabranch as mx
import pytest
from gpu import EMULATED, emulated
from programs import CPU_ALONE, run

LIBRARY = Path(mx.__file__).parents[2] / "tests" / "librefusing_new.so"  # of the build
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="not beside a build of the tests")

REFUSE = """
import asyncio, ctypes, os
import numpy as np
lib = ctypes.CDLL(None)
EVER = 1 << 40

class refused:
    '''After so many calls of operator new, `most` are refused.'''
    def __init__(self, calls, most, everywhere=False):
        self.arguments = (ctypes.c_long(calls), ctypes.c_long(most), ctypes.c_bool(everywhere))
    def __enter__(self):
        lib.refuse(*self.arguments)
    def __exit__(self, *raised):
        lib.refuse(ctypes.c_long(0), ctypes.c_long(0), self.arguments[2])

rows = np.arange(12, dtype=np.float32).reshape(3, 4)

def arithmetic():
    a, b = mx.array([1.0, 2.0, 3.0]), mx.array(rows[0, :3])
    return (mx.exp(a * b + 1) - b).tolist()

def indexing():
    a = mx.array(rows)
    a[1] = 5.0
    a[mx.array([0, 2]), 1:3] = mx.array([[1.0, 2.0], [3.0, 4.0]])
    return a[::2, mx.array([0, 1])].tolist()

def products():
    a = mx.array(rows)
    return (a @ a.T).tolist(), mx.linalg.inv(mx.eye(3) * 2, stream=mx.cpu).tolist()

def reductions():
    a = mx.array(rows)
    return (a.sum(0) + a.max(0) + mx.softmax(a)[0]).tolist(), a.argmax(1).tolist()

def ordering():
    a = mx.array(rows[::-1].copy())
    return mx.sort(a, axis=0).tolist(), mx.cumsum(a, axis=1).tolist()

def joining():
    a = mx.array(rows)
    halves = [h.tolist() for h in mx.split(a, 2, axis=1)]
    return mx.concatenate([a, a], axis=1).reshape(-1).tolist(), halves

def randomness():
    return mx.random.normal((4,), key=mx.random.key(3)).tolist()

def printing():
    with mx.new_stream(mx.cpu):
        return repr(mx.ones(3) + 1)

def events():
    s, t = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
    x = mx.add(mx.ones(4), 1, stream=s)
    e = s.record(x)
    t.wait(e)
    t.synchronize()
    return e.query(), x.tolist()

def exporting():
    a = mx.array(rows) * 2
    b = mx.add(a, 1, stream=mx.cpu)
    return np.array(a).tolist(), memoryview(a).tolist(), np.from_dlpack(b).tolist()

def chain():
    a = mx.ones(16)
    for i in range(300):
        a = mx.sin(a) * 1.5 + i
    return a.tolist()

def many():
    a = [mx.full((4,), i) + 1 for i in range(20)]
    mx.eval(a)
    mx.async_eval([x + 1 for x in a])
    return [x.tolist() for x in a]

def awaiting():
    async def compute():
        x = mx.ones(3) * 3
        await mx.async_eval(x)
        return x.tolist()
    return asyncio.run(compute())

PROGRAMS = [arithmetic, indexing, products, reductions, ordering, joining, randomness, printing, events, exporting,
            chain, many, awaiting]

# The table in which nanobind keeps its objects grows where a failure ends the process: it is large enough from here on.
large = [mx.array(0) for _ in range(20000)]
del large

def attempt(program, calls, most, everywhere, expected):
    '''Whether memory was refused. Raises where anything but the expected value or a MemoryError comes of it.'''
    lib.take_refused()
    try:
        with refused(calls, most, everywhere):
            value = program()
        assert value == expected, f"{value} instead of {expected}"
    except MemoryError:
        pass
    try:
        mx.synchronize()  # raises for failures that nobody was told of
    except MemoryError:
        pass
    assert program() == expected, "afterwards"
    return lib.take_refused() > 0

def until_nothing_is_refused(program, attempt_after):
    '''Refuses memory after 0, 1, 2 ... calls, in each variant, until three times nothing was: the order of threads may
    hide a call. Prints how often it was.'''
    for most in (1, EVER):
        for everywhere in (False, True):
            calls = refusals = successes = 0
            while successes < 3:
                refused = attempt_after(calls, most, everywhere)
                refusals += refused
                successes = 0 if refused else successes + 1
                calls += 1
                assert calls < 1000
            print(program.__name__, most, everywhere, refusals)
"""


def check(result):
    """The program tried the four variants of all 13 programs, and memory was refused in each."""
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert len(lines) == 13 * 4 and all(int(refusals) >= 2 for *_, refusals in lines)


def refuse(code, device="cpu"):
    environment = {"LD_PRELOAD": str(LIBRARY)} | (emulated() if device == "gpu" else CPU_ALONE)
    return run(f"{REFUSE}\nassert mx.default_device() == mx.{device}\n{code}", **environment)


DEVICES = ["cpu", pytest.param("gpu", marks=pytest.mark.skipif(not EMULATED.exists(), reason="no emulated CUDA"))]


@pytest.mark.parametrize("device", DEVICES)
def test_each_call_that_may_be_refused(device):
    code = """
for program in PROGRAMS:
    expected = program()
    assert program() == expected
    until_nothing_is_refused(program, lambda *refusal: attempt(program, *refusal, expected))
"""
    check(refuse(code, device))


def test_the_first_use_of_everything():
    """In children of which each uses the package for the first time."""
    code = """
def attempt_in_child(program, *refusal):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if attempt(program, *refusal, EXPECTED[program.__name__]) else 2
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 2), (program.__name__, refusal, code)
    return code == 0

for program in PROGRAMS:
    until_nothing_is_refused(program, lambda *refusal: attempt_in_child(program, *refusal))
"""
    values = refuse("print({program.__name__: program() for program in PROGRAMS})")
    assert (values.returncode, values.stderr) == (0, "")
    check(refuse(f"EXPECTED = {values.stdout}\n{code}"))


@pytest.mark.parametrize("device", DEVICES)
def test_a_fork_needs_no_memory(device):
    code = """
expected = events()
mx.eval(mx.ones(3) + 1)
streams = [mx.new_stream(mx.cpu) for _ in range(10)]
for s in streams:
    mx.async_eval(mx.exp(mx.ones(100_000), stream=s))
with refused(0, EVER, everywhere=True):
    child = os.fork()
with mx.default_device(mx.cpu):
    right = events() == expected
    del streams
    right = right and events() == expected
if child == 0:
    os._exit(0 if right else 1)
print(right, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    result = refuse(code, device)
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "True 0\n")
