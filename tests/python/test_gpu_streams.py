"""Streams of a GPU: priorities, and events that its own clock has timed."""

from gpu import either, emulated, emulated_alone, real_alone, succeed


@either
def test_priorities():
    succeed("""
usual, most = mx.new_stream(mx.gpu), mx.new_stream(mx.gpu, priority=-1000)
assert usual.priority == 0 and most.priority < 0 and mx.new_stream(mx.gpu, priority=5).priority == 0
streams = [mx.new_stream(mx.gpu, priority=p) for p in range(most.priority, 1)]
assert [s.priority for s in streams] == list(range(most.priority, 1))
x = mx.zeros(1000)
for s in streams * 10:
    x = mx.add(x, 1, stream=s)
assert x.tolist() == 1000 * [10 * len(streams)]
""")


@either
def test_elapsed_between_any_two_events():
    succeed("""
import time
s, t, host = mx.new_stream(mx.gpu), mx.new_stream(mx.gpu, priority=-1), mx.new_stream(mx.cpu)
begin = s.record()
begin.wait()
time.sleep(0.02)
for stream in (s, t, host):
    end = stream.record()
    end.wait()
    assert 0.0199 <= begin.elapsed(end) < 60 and abs(begin.elapsed(end) + end.elapsed(begin)) < 1e-6
assert begin.elapsed(begin) == 0
for _ in range(2000):  # the GPU's events are used again
    end = s.record()
end.wait()
assert begin.elapsed(end) > 0.02
kept = [s.record() for _ in range(2000)]
kept[-1].wait()
times = [begin.elapsed(e) for e in kept]
assert times == sorted(times)
""")


@emulated_alone
def test_elapsed_is_by_the_clock_of_the_gpu():
    """On GPUs whose clock is ten times as fast as the host's."""
    succeed(
        """
import time
s, t, other = mx.new_stream(mx.gpu), mx.new_stream(mx.gpu), mx.new_stream(mx.Device(mx.gpu, 1))
begin = s.record()
begin.wait()
time.sleep(0.02)
end, elsewhere, on_host = t.record(), other.record(), mx.new_stream(mx.cpu).record()
for e in (end, elsewhere, on_host):
    e.wait()
host = begin.elapsed(on_host)
assert begin.elapsed(end) > 5 * host and begin.elapsed(elsewhere) < 2 * host
""",
        **emulated(devices=2, clock=10),
    )


@real_alone
def test_elapsed_is_the_time_of_the_work():
    succeed("""
import time
s = mx.new_stream(mx.gpu)
x = mx.random.normal((4096, 4096), stream=s)
mx.eval(mx.matmul(x, x, stream=s))
before = time.perf_counter()
begin = s.record()
y = x
for _ in range(100):
    y = mx.matmul(y, x, stream=s) * 0.01
end = s.record(y)
end.wait()
wall = time.perf_counter() - before
assert 0.5 * wall < begin.elapsed(end) < wall + 1e-4, (begin.elapsed(end), wall)
""")
