"""The type stubs of Anabranch, written by python/functions/make_stubs.py."""

from collections.abc import Sequence

from anabranch._core import Dtype, StreamOrDevice, array, float32, int32, scalar

def bernoulli(p: scalar | array = 0.5, shape: Sequence[int] | None = None, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """True with probability p, which is broadcast to `shape`."""

def bits(shape: Sequence[int] = [], width: int = 4, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Unsigned integers of `width` (1, 2 or 4) bytes, all bits random."""

def categorical(logits: array, axis: int = -1, shape: Sequence[int] | None = None, num_samples: int | None = None, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Indices (uint32) drawn with the unnormalised log-probabilities along `axis`."""

def gumbel(shape: Sequence[int] = [], dtype: Dtype | None = float32, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Standard Gumbel."""

def key(seed: int) -> array:
    """The key of a seed."""

def laplace(shape: Sequence[int] = [], dtype: Dtype | None = float32, loc: float = 0.0, scale: float = 1.0, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Laplace with mean `loc` and diversity `scale`."""

def normal(shape: Sequence[int] = [], dtype: Dtype | None = float32, loc: scalar | array | None = None, scale: scalar | array | None = None, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Normal with mean `loc` (0) and standard deviation `scale` (1), which are broadcast to `shape`."""

def randint(low: scalar | array, high: scalar | array, shape: Sequence[int] = [], dtype: Dtype | None = int32, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Integers in [low, high), which are broadcast to `shape`."""

def seed(seed: int) -> None:
    """Restarts the calling thread's sequence, which serves calls without a key."""

def split(key: array, num: int = 2, stream: StreamOrDevice = None) -> array:
    """`num` keys from one."""

def truncated_normal(lower: scalar | array, upper: scalar | array, shape: Sequence[int] | None = None, dtype: Dtype | None = float32, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """Standard normal within [lower, upper]."""

def uniform(low: scalar | array = 0, high: scalar | array = 1, shape: Sequence[int] = [], dtype: Dtype | None = float32, key: array | None = None, stream: StreamOrDevice = None) -> array:
    """In [low, high), which are broadcast to `shape`."""
