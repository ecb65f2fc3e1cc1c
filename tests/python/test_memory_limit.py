"""set_memory_limit() is a limit: what would pass it waits for memory on its way, then raises; the rest goes on."""

import threading

import anabranch as mx
import numpy as np
import pytest

MB = 1 << 20


@pytest.fixture
def limit():
    """limit(mb): so many megabytes may be in use beyond what is now."""
    mx.synchronize()
    mx.clear_cache()
    before = []

    def limit(megabytes):
        before.append(mx.set_memory_limit(mx.get_active_memory() + int(megabytes * MB)))

    with mx.default_device(mx.cpu):
        yield limit
    if before:
        mx.set_memory_limit(before[0])


def block(value, megabytes=1.0):
    return mx.full((int(megabytes * MB) // 4,), value, dtype=mx.float32)


def test_it_names_what_was_asked_held_cached_and_the_stream(limit):
    limit(4)
    s = mx.new_stream(mx.cpu)
    kept = block(1) + 0
    mx.eval(kept)
    with s:
        big = block(2, 16) + 1
    with pytest.raises(MemoryError) as caught:
        mx.eval(big)
    text = str(caught.value)
    for part in (str(16 * MB), "in use", "cached", "limit", repr(s), "[add]"):
        assert part in text, (part, text)
    for _ in range(3):  # for good
        with pytest.raises(MemoryError):
            np.asarray(big)
    assert kept[3].item() == 1 and (kept + 1)[3].item() == 2


def test_what_does_not_fit_harms_nothing_else(limit):
    limit(8)
    s, t = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
    with s:
        before, big, after = block(1) + 1, block(1, 32) + 1, block(1) + 2
    with t:
        dependent, other = big.sum() + 1, block(1) + 3
    mx.async_eval(before, big, after, dependent, other)
    assert [x[9].item() for x in (before, after, other)] == [2, 3, 4]
    for x in (big, dependent):
        with pytest.raises(MemoryError, match="limit"):
            mx.eval(x)


@pytest.mark.parametrize("how", ["eval", "async_eval", "at once"])
def test_a_loop_that_fits_runs_at_the_limit(limit, how):
    """Each step holds two blocks and frees one; steps that are queued wait for it."""
    limit(2.5)
    x = block(0) + 0
    for _ in range(200):
        x = mx.sort(x) + 1
        if how == "eval":
            mx.eval(x)
        elif how == "async_eval":
            mx.async_eval(x)
    assert x[7].item() == 200


def test_threads_share_what_there_is(limit):
    """More want memory than there is at a time; all get it in the end, since each gives back what it had."""
    limit(6)
    results, errors = [], []

    def work(i):
        try:
            with mx.new_stream(mx.cpu):
                for k in range(30):
                    x = mx.sort(block(i + k))
                    results.append(x[5].item() == i + k)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
        assert not t.is_alive()
    assert not errors and len(results) == 90 and all(results)


def test_many_streams_that_wait_for_memory_at_once(limit):
    limit(5)
    streams = [mx.new_stream(mx.cpu) for _ in range(12)]
    sums = []
    for i, s in enumerate(streams):
        with s:
            x = mx.sort(block(i))
            for _ in range(5):
                x = mx.sort(x) + 1
            sums.append(x[3] + 0)
        del x
    mx.async_eval(sums)
    done = []
    for i, x in enumerate(sums):
        try:
            done.append(x.item() == i + 5)
        except MemoryError as e:  # two that each hold what the other needs: the older gives up
            assert "limit" in str(e)
            done.append(None)
    assert False not in done and done.count(True) > 0
    assert (block(1) + 1)[0].item() == 2


def test_the_limit_can_be_raised_again(limit):
    limit(1)
    with pytest.raises(MemoryError):
        mx.eval(block(1, 8) + 1)
    mx.set_memory_limit(mx.get_active_memory() + 64 * MB)
    assert (block(1, 8) + 1)[5].item() == 2


def test_creation_at_the_limit(limit):
    """Data that comes from the host is refused at once, with the figures."""
    limit(1)
    with pytest.raises(MemoryError, match="limit"):
        mx.array(np.zeros(4 * MB, np.float32))
    assert mx.array(np.ones(10, np.float32)).sum().item() == 10
