"""Devices and streams as values, and the functions of the seed's page."""

import copy
import pickle
import threading

import anabranch as mx
import pytest

no_gpu = pytest.mark.skipif(mx.is_available(mx.gpu), reason="a GPU is usable")


@pytest.fixture(autouse=True)
def cpu_by_default():
    before = mx.default_device()
    mx.set_default_device(mx.cpu)
    yield
    mx.set_default_device(before)


def test_print():
    assert repr(mx.cpu) == str(mx.cpu) == "DeviceType.cpu"
    assert repr(mx.Device(mx.cpu)) == str(mx.Device(mx.cpu, 0)) == "Device(cpu, 0)"
    assert repr(mx.Device(mx.gpu, 2)) == "Device(gpu, 2)"
    s = mx.new_stream(mx.cpu)
    assert repr(s) == f"Stream(Device(cpu, 0), {s.index})"
    t = mx.new_thread_local_stream(mx.cpu)
    assert repr(t) == f"ThreadLocalStream(Device(cpu, 0), {t.index})"


def test_devices_are_values():
    d = mx.Device(mx.cpu)
    assert d == mx.Device(mx.cpu, 0) and d == mx.cpu and mx.cpu == d
    assert len({d, mx.Device(mx.cpu, 0), mx.cpu}) == 1
    assert d != mx.Device(mx.cpu, 1) and d != mx.gpu and d != "cpu" and d != 0
    assert (d.type, d.index) == (mx.cpu, 0)
    assert copy.deepcopy(d) == pickle.loads(pickle.dumps(d)) == d
    with pytest.raises(TypeError):
        mx.Device("cpu")


def test_streams_are_values():
    s = mx.default_stream(mx.cpu)
    assert s == mx.default_stream(mx.Device(mx.cpu)) and hash(s) == hash(mx.default_stream(mx.cpu))
    other = mx.new_stream(mx.cpu)
    assert s != other and s != "s" and len({s, other, mx.default_stream(mx.cpu)}) == 2
    assert s.device == mx.Device(mx.cpu) and other.index != s.index


def test_new_streams():
    assert mx.new_stream() != mx.new_stream()
    assert mx.new_stream().device == mx.default_device()
    assert mx.new_stream(mx.Device(mx.cpu)).device == mx.cpu
    assert mx.new_thread_unsafe_stream(mx.cpu).device == mx.cpu
    assert mx.new_thread_local_stream(mx.cpu).device == mx.cpu


def test_priorities():
    assert mx.new_stream(mx.cpu).priority == mx.default_stream(mx.cpu).priority == 0
    for asked, got in ((0, 0), (-1, -1), (-7, -1), (3, 0)):
        assert mx.new_stream(mx.cpu, priority=asked).priority == got
    s = mx.new_stream(priority=-1)
    assert s.device == mx.default_device() and mx.add(1, 2, stream=s).item() == 3
    with pytest.raises(TypeError, match=r"new_stream\(\): .*priority"):
        mx.new_stream(mx.cpu, priority="high")
    with pytest.raises(TypeError):
        mx.new_stream(mx.cpu, -1)
    with pytest.raises(AttributeError):
        s.priority = 0


def test_device_queries():
    assert mx.default_device() == mx.cpu
    assert mx.is_available(mx.cpu) and mx.is_available(mx.Device(mx.cpu))
    assert mx.device_count(mx.cpu) == 1
    info = mx.device_info()
    assert info == mx.device_info(mx.cpu) and info["device_name"] and info["memory_size"] > 2**20


@no_gpu
@pytest.mark.parametrize(
    "use",
    [
        lambda: mx.set_default_device(mx.gpu),
        lambda: mx.default_device(mx.gpu),
        lambda: mx.default_stream(mx.gpu),
        lambda: mx.new_stream(mx.gpu),
        lambda: mx.stream(mx.gpu),
        lambda: mx.synchronize(mx.gpu),
        lambda: mx.ones((2,), stream=mx.gpu),
        lambda: mx.add(1, 2, stream=mx.Device(mx.gpu)),
    ],
)
def test_no_gpu(use):
    with pytest.raises(ValueError, match=r"without gpu backend.+"):
        use()
    assert mx.default_device() == mx.cpu


@no_gpu
def test_no_gpu_to_be_found():
    assert not mx.is_available(mx.gpu)
    assert mx.device_count(mx.gpu) == 0
    assert not mx.is_available(mx.Device(mx.cpu, 1))


def test_set_default_stream():
    before, s = mx.default_stream(mx.cpu), mx.new_stream(mx.cpu)
    mx.set_default_stream(s)
    try:
        assert mx.default_stream(mx.cpu) == s
        assert mx.ones((2,)).sum().item() == 2
    finally:
        mx.set_default_stream(before)
    assert mx.default_stream(mx.cpu) == before


def test_each_thread_has_its_own_default_stream():
    mine, theirs = mx.default_stream(mx.cpu), []

    def run():
        theirs.append(mx.default_stream(mx.cpu))
        mx.set_default_stream(mx.new_stream(mx.cpu))
        theirs.append(mx.default_stream(mx.cpu))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len({mine, *theirs}) == 3
    assert mx.default_stream(mx.cpu) == mine


def test_thread_local_stream_is_another_one_in_each_thread():
    t, seen = mx.new_thread_local_stream(mx.cpu), []

    def run():
        with mx.stream(t):
            seen.append(mx.default_stream(mx.cpu))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run()
    run()
    assert len(set(seen)) == 4 and seen[-1] == seen[-2]


def test_clear_streams():
    before = mx.default_stream(mx.cpu)
    x = mx.ones((4,)) + 1
    mx.async_eval(x)
    mx.clear_streams()
    assert mx.default_stream(mx.cpu) != before
    assert x.tolist() == [2, 2, 2, 2]
    assert (mx.ones((2,), stream=before) + 1).tolist() == [2, 2]  # it lives as long as something uses it


@pytest.mark.parametrize("argument", ["none", "type", "device", "stream", "local"])
def test_every_kind_of_stream_argument(argument):
    where = {
        "none": None,
        "type": mx.cpu,
        "device": mx.Device(mx.cpu),
        "stream": mx.new_stream(mx.cpu),
        "local": mx.new_thread_local_stream(mx.cpu),
    }[argument]
    assert mx.add(mx.array([1, 2]), 3, stream=where).tolist() == [4, 5]
    assert mx.array([1, 2]).sum(stream=where).item() == 3
    mx.synchronize(where)


@pytest.mark.parametrize("bad", [3, "cpu", mx.float32, object(), [mx.cpu]])
def test_bad_stream_argument(bad):
    for use in (lambda: mx.add(1, 2, stream=bad), lambda: mx.synchronize(bad), lambda: mx.stream(bad)):
        with pytest.raises(TypeError, match="Stream"):
            use()
    for use in (lambda: mx.new_stream(bad), lambda: mx.default_device(bad), lambda: mx.set_default_device(bad)):
        with pytest.raises(TypeError, match="Device"):
            use()
    with pytest.raises(TypeError, match="Stream"):
        mx.set_default_stream(bad)


def test_device_is_no_argument_of_operations():
    calls = (
        lambda: mx.add(1, 2, device=mx.cpu),
        lambda: mx.zeros((2,), device="cpu"),
        lambda: mx.random.normal((2,), device=mx.cpu),
        lambda: mx.linalg.inv(mx.eye(2), device=mx.cpu),
        lambda: mx.ones((2,)).sum(device=mx.cpu),
    )
    for call in calls:
        with pytest.raises(TypeError) as e:
            call()
        for way in ("stream=", "with mx.default_device", "with mx.stream", "mx.set_default_device"):
            assert way in str(e.value)


def test_an_operation_runs_where_it_is_told():
    s = mx.new_stream(mx.cpu)
    x = mx.ones((3,), stream=s) + mx.ones((3,), stream=mx.new_stream(mx.cpu))
    y = mx.multiply(x, 2, stream=s)
    mx.async_eval(y)
    mx.synchronize(s)
    assert s.query() and y.tolist() == [4, 4, 4]


def test_synchronize_everything():
    streams = [mx.new_stream() for _ in range(4)]
    arrays = [mx.random.normal((300, 300), stream=s) for s in streams]
    products = [mx.matmul(a, a, stream=s) for a, s in zip(arrays, streams, strict=True)]
    mx.async_eval(products)
    mx.synchronize()
    assert all(s.query() for s in streams)


def test_streams_cost_no_threads():
    before = threading.active_count()
    streams = [mx.new_stream() for _ in range(1000)]
    arrays = [mx.add(1, i, stream=s) for i, s in enumerate(streams)]
    mx.eval(arrays)
    with open("/proc/self/status") as status:
        threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
    assert threads < 100 and threading.active_count() == before
    assert arrays[-1].item() == 1000
