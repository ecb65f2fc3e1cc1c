"""Random numbers: the bits of known keys, the implicit key, distributions, shapes and bad input."""

import threading
import zlib

import anabranch as mx
import numpy as np
import pytest
from reference import FLOATS, INTEGERS, assert_same_bits, dtype, name_of, to_numpy

# What mlx 0.32.4 gives. Long arrays as the CRC-32 of their bytes (16-bit floats': of the same values as float32).
RECORDED = {
    0: {
        "split": [[4146024105, 967050713], [2718843009, 1272950319]],
        "three": 1301597029, "uniform": [0.9653214812278748, 0.3146817088127136, 0.6330299973487854],
        "long": 3603199008, "half": 1186552119, "brain": 3635149737, "ints": 3588197532, "bernoulli": 2770762437,
        "normal": [1.81609, -0.48262, 0.33989],
    },
    1: {
        "split": [[2441914641, 1384938218], [3819641963, 2025898573]],
        "three": 950228034, "uniform": [0.568552553653717, 0.2586038112640381, 0.8893296718597412],
        "long": 332259290, "half": 2900662176, "brain": 3771695431, "ints": 1181345759, "bernoulli": 3971026455,
        "normal": [0.17269, -0.64766, 1.22297],
    },
    2**32 + 5: {
        "split": [[779211593, 192425023], [3615303984, 973179446]],
        "three": 1668942499, "uniform": [0.1814243346452713, 0.1624484807252884, 0.8417535424232483],
        "long": 599431175, "half": 704803795, "brain": 3865175773, "ints": 702839469, "bernoulli": 1429202016,
        "normal": [-0.90995, -0.98444, 1.00169],
    },
    2**63 + 1: {
        "split": [[464231805, 947482095], [1966240102, 2284826726]],
        "three": 4052797800, "uniform": [0.10808739066123962, 0.6833673715591431, 0.457800954580307],
        "long": 3141111832, "half": 4045728666, "brain": 3347314595, "ints": 3512741155, "bernoulli": 4103729734,
        "normal": [-1.23676, 0.47714, -0.10598],
    },
}  # fmt: skip


def crc(a):
    return zlib.crc32(np.array(a).tobytes())


@pytest.mark.parametrize("seed", RECORDED)
def test_known_keys_give_known_numbers(seed):
    expected = RECORDED[seed]
    key = mx.random.key(seed)
    assert key.tolist() == [seed >> 32, seed & 0xFFFFFFFF]
    assert key.dtype == mx.uint32
    assert mx.random.split(key).tolist() == expected["split"]
    assert crc(mx.random.split(key, 3)) == expected["three"]
    assert mx.random.uniform(shape=(3,), key=key).tolist() == expected["uniform"]
    assert crc(mx.random.uniform(shape=(1001,), key=key)) == expected["long"]
    assert crc(mx.random.uniform(shape=(1001,), dtype=mx.float16, key=key)) == expected["half"]
    assert crc(mx.random.uniform(shape=(1001,), dtype=mx.bfloat16, key=key).astype(mx.float32)) == expected["brain"]
    assert crc(mx.random.randint(0, 1000, (1001,), key=key)) == expected["ints"]
    assert crc(mx.random.bernoulli(0.3, (1001,), key)) == expected["bernoulli"]
    assert mx.random.normal((3,), key=key).tolist() == pytest.approx(expected["normal"], abs=1e-5)


def test_bits_of_a_known_key():
    key = mx.random.key(0)
    assert mx.random.bits((4,), key=key).tolist() == [4146024105, 967050713, 2718843009, 1272950319]
    for width, name in [(1, "uint8"), (2, "uint16"), (4, "uint32")]:
        b = mx.random.bits((100, 3), width, key)
        assert b.shape == (100, 3)
        assert name_of(b.dtype) == name
        assert len(set(np.array(b).ravel().tolist())) > 60
    assert mx.random.bits(key=key).shape == ()
    for width in (0, 3, 8, -1):
        with pytest.raises(ValueError, match="width"):
            mx.random.bits((4,), width, key)


def test_a_seed_restarts_the_sequence():
    mx.random.seed(7)
    first = [mx.random.uniform().item() for _ in range(3)]
    assert first == [0.071843221783638, 0.9784348607063293, 0.2715068757534027]
    assert mx.random.randint(0, 1000, (4,)).tolist() == [796, 777, 77, 600]
    assert mx.random.uniform(shape=(2,)).tolist() == [0.38290998339653015, 0.3371226489543915]
    mx.random.seed(7)
    assert [mx.random.uniform().item() for _ in range(3)] == first


def test_the_sequence_belongs_to_the_order_of_the_calls_not_of_the_evaluations():
    mx.random.seed(3)
    a, b, c = (mx.random.normal((5,)) for _ in range(3))
    late = c.tolist(), a.tolist(), b.tolist()
    mx.random.seed(3)
    assert (a.tolist(), b.tolist(), c.tolist()) == tuple(mx.random.normal((5,)).tolist() for _ in range(3))
    assert late == (c.tolist(), a.tolist(), b.tolist())


def test_streams_and_failures_leave_the_sequence_alone():
    mx.random.seed(11)
    expected = [mx.random.uniform(shape=(9,)) for _ in range(4)]
    mx.random.seed(11)
    got = []
    for i in range(4):
        with mx.new_stream(mx.cpu):
            bad = mx.linalg.inv(mx.zeros((2, 2)))
            got.append(mx.random.uniform(shape=(9,)))
            if i % 2:
                with pytest.raises(RuntimeError, match="singular"):
                    mx.eval(bad)
    for a, b in zip(got, expected, strict=True):
        assert_same_bits(a, b)


def test_each_thread_has_its_own_sequence():
    mx.random.seed(5)
    mine = [mx.random.uniform().item() for _ in range(3)]
    theirs = []

    def other():
        mx.random.seed(5)
        theirs.extend(mx.random.uniform().item() for _ in range(3))

    def unseeded():
        theirs.append(mx.random.uniform(shape=(4,)).tolist())

    for target in (other, unseeded, unseeded):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    assert theirs[:3] == mine
    assert theirs[3] != theirs[4]


# --- Distributions


@pytest.mark.parametrize("name", FLOATS[:3])
def test_uniform(name):
    key = mx.random.key(9)
    x = to_numpy(mx.random.uniform(-2, 3, (200, 500), dtype(name), key)).astype(np.float64)
    assert x.min() >= -2
    assert x.max() < 3 or name != "float32"
    assert abs(x.mean() - 0.5) < 0.02
    assert abs(x.var() - 25 / 12) < 0.02
    u = to_numpy(mx.random.uniform(shape=(100_000,), dtype=dtype(name), key=key))
    assert u.min() >= 0
    assert u.max() < 1


@pytest.mark.parametrize("name", FLOATS[:3])
def test_normal(name):
    key = mx.random.key(10)
    x = to_numpy(mx.random.normal((200_000,), dtype(name), key=key)).astype(np.float64)
    assert np.isfinite(x).all()
    assert abs(x.mean()) < 0.01
    assert abs(x.std() - 1) < 0.01
    assert abs(np.mean(np.abs(x) < 1) - 0.6827) < 0.01
    assert abs(np.mean(x**3)) < 0.05
    y = to_numpy(mx.random.normal((200_000,), dtype(name), 3, 2, key)).astype(np.float64)
    np.testing.assert_allclose(y, 2 * x + 3, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("name", INTEGERS)
def test_randint(name):
    x = np.array(mx.random.randint(3, 13, (50_000,), dtype(name), mx.random.key(1)))
    assert x.dtype == name
    assert set(x.tolist()) == set(range(3, 13))
    assert abs(np.bincount(x).max() - 5000) < 300


def test_other_distributions():
    key = mx.random.key(4)
    assert abs(np.array(mx.random.bernoulli(0.3, (100_000,), key)).mean() - 0.3) < 0.01
    assert mx.random.bernoulli(mx.array([0.0, 1.0]), (100, 2), key).sum(0).tolist() == [0, 100]
    t = np.array(mx.random.truncated_normal(-0.5, 2, (100_000,), key=key))
    assert -0.5 <= t.min() < -0.49
    assert 1.9 < t.max() <= 2
    g = np.array(mx.random.gumbel((100_000,), key=key))
    assert abs(g.mean() - np.euler_gamma) < 0.02
    laplace = np.array(mx.random.laplace((100_000,), loc=1, scale=2, key=key))
    assert abs(laplace.mean() - 1) < 0.05
    assert abs(laplace.var() - 8) < 0.3
    c = np.array(mx.random.categorical(mx.log(mx.array([0.1, 0.6, 0.3])), num_samples=100_000, key=key))
    assert np.allclose(np.bincount(c) / 100_000, [0.1, 0.6, 0.3], atol=0.01)


def test_bounds_are_broadcast():
    key = mx.random.key(2)
    low, high = mx.array([0.0, 10.0]), mx.array([[1.0], [20.0]])
    x = np.array(mx.random.uniform(low, high, (2, 2), key=key))
    assert ((x >= [[0, 1], [0, 10]]) & (x <= [[1, 10], [20, 20]])).all()
    i = np.array(mx.random.randint(mx.array([0, 5]), mx.array([5, 9]), (50, 2), key=key))
    assert ((i >= [0, 5]) & (i < [5, 9])).all()


def test_a_prefix_does_not_depend_on_the_schedule():
    key = mx.random.key(123)
    whole = mx.random.uniform(shape=(100_003,), key=key)
    again = mx.random.uniform(shape=(100_003,), key=key, stream=mx.new_stream(mx.cpu))
    assert_same_bits(whole, again)


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (2, 3, 5)])
def test_shapes(shape):
    key = mx.random.key(0)
    for f in (mx.random.uniform, mx.random.normal, mx.random.gumbel, mx.random.laplace):
        assert f(shape=shape, key=key).shape == shape
    assert mx.random.randint(0, 9, shape, key=key).shape == shape
    assert mx.random.bernoulli(0.5, shape, key).shape == shape
    assert mx.random.truncated_normal(0, 1, shape, key=key).shape == shape


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda r: r.key(-1), (ValueError, TypeError, OverflowError)),
        (lambda r: r.key(2**64), (ValueError, TypeError, OverflowError)),
        (lambda r: r.key(1.5), TypeError),
        (lambda r: r.seed("a"), TypeError),
        (lambda r: r.split(mx.array([1, 2])), ValueError),
        (lambda r: r.split(mx.array([1], mx.uint32)), ValueError),
        (lambda r: r.split(3), TypeError),
        (lambda r: r.uniform(key=mx.array([1, 2, 3], mx.uint32)), ValueError),
        (lambda r: r.uniform(key=mx.array([1.0, 2.0])), ValueError),
        (lambda r: r.uniform(key=3), TypeError),
        (lambda r: r.uniform(shape=(-1,)), ValueError),
        (lambda r: r.uniform(shape=(2,), dtype=mx.int32), ValueError),
        (lambda r: r.uniform(shape=(2,), dtype=mx.complex64), ValueError),
        (lambda r: r.uniform(mx.ones((2,)), 1, (3,)), ValueError),
        (lambda r: r.uniform("a"), (ValueError, TypeError)),
        (lambda r: r.normal(shape=(2,), dtype=mx.int32), ValueError),
        (lambda r: r.normal((2,), loc=mx.ones((3,))), ValueError),
        (lambda r: r.randint(0, 10, (2,), mx.float32), ValueError),
        (lambda r: r.randint(0), TypeError),
        (lambda r: r.categorical(mx.ones((2, 3)), 5), (ValueError, IndexError)),
        (lambda r: r.categorical(mx.ones((2, 3)), shape=(5,), num_samples=3), ValueError),
        (lambda r: r.categorical(3), TypeError),
    ],
)
def test_bad_input(call, error):
    with pytest.raises(error):
        call(mx.random)
