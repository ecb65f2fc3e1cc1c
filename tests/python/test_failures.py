"""An operation that fails while it runs: each read of what depends on it says so, for good; nothing else is harmed."""

import copy
import pickle
import random
import re
import threading

import anabranch as mx
import numpy as np
import pytest
from programs import HELD, expect_success, run


def failing(n=3, **where):
    return mx.linalg.inv(mx.zeros((n, n)), **where)


def message(read):
    with pytest.raises(RuntimeError) as caught:
        read()
    return str(caught.value)


# Whatever looks at the value of an array of one element.
READS = {
    "eval": mx.eval,
    "item": lambda x: x.item(),
    "tolist": lambda x: x.tolist(),
    "print": print,
    "repr": repr,
    "str": str,
    "format": lambda x: f"{x}",
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "np.array": np.array,
    "np.asarray": np.asarray,
    "np.asarray with a dtype": lambda x: np.asarray(x, np.float64),
    "np.add": lambda x: np.add(np.ones(1), x),
    "memoryview": memoryview,
    "bytes": bytes,
    "from_dlpack": np.from_dlpack,
    "__dlpack__": lambda x: x.__dlpack__(),
    "iteration": lambda x: [float(y) for y in x],
    "in": lambda x: 1.0 in x.tolist(),
    "list": lambda x: [y.item() for y in list(x)],
    "index": lambda x: x[0].item(),
    "slice": lambda x: x[:1].tolist(),
    "view": lambda x: x.reshape(1, 1).T.tolist(),
    "dependent": lambda x: (x * 2 + 1).tolist(),
    "another stream": lambda x: mx.exp(x, stream=mx.new_stream()).tolist(),
    "reduction": lambda x: x.sum().item(),
    "comparison": lambda x: bool((x == 1).all()),
    "update": lambda x: x.at[0].add(1).tolist(),
    "pickle": pickle.dumps,
    "copy": lambda x: copy.deepcopy(x).tolist(),
    "async_eval": lambda x: (mx.async_eval(x + 1), mx.eval(x + 1)),
    "mx.array": lambda x: mx.array(x).tolist(),
    "stack": lambda x: mx.stack([x, mx.ones((1,))]).tolist(),
    "mx.array of a list": lambda x: mx.array([x, x]).tolist(),
}


@pytest.mark.parametrize("scheduled", [True, False], ids=["scheduled", "lazy"])
@pytest.mark.parametrize("name", READS)
def test_each_read_raises(name, scheduled):
    s = mx.new_stream()
    x = failing(stream=s)[0, :1] + 1
    if scheduled:
        mx.async_eval(x)
    expected = None
    for _ in range(3):
        got = message(lambda: READS[name](x))
        assert "[linalg::inv]" in got and repr(s) in got
        assert expected in (None, got)
        expected = got


def test_what_does_not_read_the_value_does_not_raise():
    x = failing()
    mx.async_eval(x)
    mx.eval(mx.ones(()))
    assert len(x) == 3 and x.shape == (3, 3) and x.dtype == mx.float32 and x.nbytes == 36
    assert hash(x) == hash(x) and len(list(x)) == 3 and x.T.shape == (3, 3)


@pytest.mark.parametrize("seed", range(8))
def test_any_order_from_any_thread(seed):
    """A graph over three streams, of which a part depends on failures; read by threads in random order."""
    rng = random.Random(seed)
    streams = [mx.new_stream() for _ in range(3)]
    arrays, broken = [], []
    for _ in range(60):
        stream = rng.choice(streams)
        if not arrays or rng.random() < 0.2:
            fails = rng.random() < 0.3
            x = failing(2, stream=stream) if fails else mx.full((2, 2), 1.0, stream=stream)
        else:
            a, b = rng.randrange(len(arrays)), rng.randrange(len(arrays))
            x = mx.add(arrays[a], arrays[b].T, stream=stream) * 0.5
            if rng.random() < 0.3:
                x = mx.matmul(x, x, stream=stream) * 0.5
            fails = broken[a] or broken[b]
        arrays.append(x)
        broken.append(fails)
        if rng.random() < 0.1:
            mx.async_eval(rng.sample(arrays, min(3, len(arrays))))
    mx.async_eval(rng.sample(arrays, 20))
    messages = [set() for _ in arrays]
    wrong = []

    def read(order):
        for i in order:
            try:
                if arrays[i].tolist() != [[1, 1], [1, 1]] or broken[i]:
                    wrong.append(i)
            except RuntimeError as e:
                if not broken[i]:
                    wrong.append((i, e))
                messages[i].add(str(e))

    threads = [threading.Thread(target=read, args=(rng.sample(range(60), 60),)) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert all(len(m) == b for m, b in zip(messages, broken, strict=True))


def test_later_work_on_the_same_stream_is_unharmed():
    s = mx.new_stream()
    with s:
        bad = failing()
        good = mx.ones((3, 3)) @ mx.ones((3, 3))
        mixed = mx.exp(good) + bad
    mx.async_eval(mixed, good, bad)
    assert good.tolist() == [[3] * 3] * 3
    message(lambda: mx.eval(mixed))
    assert mx.add(good, 1, stream=s).sum().item() == 36


def test_a_failure_does_not_hide_another():
    s = mx.new_stream()
    x, y = failing(stream=s), mx.linalg.cholesky(-mx.eye(2), stream=s)
    mx.async_eval(x, y)
    assert "inv" in message(lambda: mx.eval(x)) and "cholesky" in message(lambda: mx.eval(y))
    assert "inv" in message(lambda: mx.eval(x, y)) and "cholesky" in message(lambda: mx.eval(y, x))


def test_one_tree_with_failures_in_it():
    good, bad = mx.ones((3,)) + 1, failing()
    message(lambda: mx.eval({"a": [good, (bad,)]}))
    assert good.tolist() == [2, 2, 2]


class TestSynchronize:
    def test_it_raises_what_nobody_was_told_and_does_not_clear_it(self):
        s = mx.new_stream()
        x = failing(stream=s)
        mx.async_eval(x)
        told = {message(f) for f in (s.synchronize, mx.synchronize, lambda: mx.synchronize(s), s.synchronize)}
        assert told == {message(x.tolist)} == {message(lambda: mx.eval(x))}
        s.synchronize()  # a reader knows
        mx.synchronize()
        assert message(x.tolist) in told

    def test_a_device_s(self):
        x = failing()
        mx.async_eval(x)
        message(lambda: mx.synchronize(mx.default_device()))
        assert (mx.ones((3,)) + 1).tolist() == [2, 2, 2]

    def test_a_failure_whose_result_is_gone_is_told_once(self):
        s = mx.new_stream()
        mx.async_eval(failing(stream=s))
        message(s.synchronize)
        s.synchronize()

    def test_other_streams_know_nothing_of_it(self):
        s, t = mx.new_stream(), mx.new_stream()
        mx.async_eval(failing(stream=s))
        t.synchronize()
        message(s.synchronize)

    @pytest.mark.parametrize("held", [True, False])
    def test_of_very_many_none_hides_the_last(self, held):
        """Readers are told of all but the last one of many failures; synchronize still has that to tell."""
        s = mx.new_stream()
        arrays = [failing(2, stream=s) for _ in range(500)]
        mx.async_eval(arrays)
        s.record().wait()
        last = arrays.pop()
        for x in arrays:
            message(x.tolist)
        if not held:
            del last
        message(s.synchronize)

    def test_failures_that_nobody_asks_for_take_no_memory(self):
        code = (
            HELD
            + """
s = mx.new_stream()
def fail(times):
    for _ in range(times):
        mx.async_eval(mx.linalg.inv(mx.zeros((2, 2)), stream=s))
        s.record().wait()
fail(1000)
before = held()
fail(5000)
print(held() - before)
"""
        )
        assert int(expect_success(code)) < 1 << 20


def test_waits_for_events_do_not_raise():
    s = mx.new_stream()
    x = failing(stream=s)
    e = s.record(x)
    assert e.wait() and e.query() and s.query()
    message(x.tolist)


class TestCreationLines:
    CODE = """
import threading

def build(x):
    y = mx.linalg.inv(x)  # line {inv}
    return mx.exp(y) + 1

x = build(mx.zeros((3, 3)))
mx.async_eval(x)
for read in (x.tolist, lambda: mx.eval(x), lambda: print(x), mx.synchronize):
    try:
        read()
    except RuntimeError as e:
        print(e)
"""

    def lines(self, code, **environment):
        result = run(code, **environment)
        assert (result.returncode, result.stderr) == (0, "")
        return re.findall(r"created at (\S+):(\d+)\)", result.stdout), result.stdout

    def test_the_line_of_the_failing_operation(self):
        found, text = self.lines(self.CODE, ANABRANCH_TRACE_CREATION="1")
        number = str(2 + self.CODE[: self.CODE.index("inv(x)")].count("\n"))
        assert found == [("<string>", number)] * 3, text

    @pytest.mark.parametrize("value", ["0", ""])
    def test_not_without_asking(self, value):
        found, text = self.lines(self.CODE, ANABRANCH_TRACE_CREATION=value)
        assert found == [] and text.count("on Stream(") == 3

    def test_operators_methods_and_threads(self, tmp_path):
        (tmp_path / "model.py").write_text(
            "import anabranch as mx\n"
            "big = mx.zeros((1 << 20,))\n"
            "def product(): return big * big\n"
            "def total():\n"
            "    return (big\n"
            "        .reshape(1024, 1024).cumsum(0))\n"
        )
        code = f"""
import sys, threading
sys.path.insert(0, {str(tmp_path)!r})
import model
mx.eval(model.big)
mx.set_memory_limit(mx.get_active_memory() + 1000)
def work():
    for make in (model.product, model.total):
        try:
            mx.eval(make())
        except MemoryError as e:
            print(e)
t = threading.Thread(target=work); t.start(); t.join()
"""
        found, text = self.lines(code, ANABRANCH_TRACE_CREATION="1")
        assert [(file.rsplit("/")[-1], int(line)) for file, line in found] in (
            [("model.py", 3), ("model.py", 5)],
            [("model.py", 3), ("model.py", 6)],
        ), text

    def test_operations_that_go_are_forgotten(self):
        code = (
            HELD
            + """
def work(times):
    x = mx.zeros((4,))
    for i in range(times):
        x = x + 1
        if i % 1000 == 0:
            mx.eval(x)
work(20_000)
before = held()
work(200_000)
print(held() - before)
"""
        )
        assert int(expect_success(code, ANABRANCH_TRACE_CREATION="1")) < 4 << 20
