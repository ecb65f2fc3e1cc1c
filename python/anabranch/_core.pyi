"""The type stubs of Anabranch, written by python/functions/make_stubs.py."""

import builtins
from collections.abc import Generator, Iterator, Sequence
from typing import Any, TypeAlias, overload

import enum


class DtypeCategory(enum.Enum):
    """Kinds of dtypes, as issubdtype() orders them."""

    complexfloating = 0

    floating = 1

    inexact = 2

    signedinteger = 3

    unsignedinteger = 4

    integer = 5

    number = 6

    generic = 7

class Dtype:
    """The type of an array's elements."""

    @property
    def size(self) -> int:
        """Bytes of one element."""

    def __eq__(self, arg: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    def __reduce__(self) -> tuple[Any, ...]: ...

    def __repr__(self) -> str: ...

class finfo:
    """The limits of a float dtype (complex64: of its parts)."""

    def __init__(self, dtype: Dtype) -> None: ...

    @property
    def dtype(self) -> Dtype: ...

    @property
    def bits(self) -> int:
        """Bits of one number."""

    @property
    def min(self) -> float:
        """The lowest finite number."""

    @property
    def max(self) -> float:
        """The largest finite number."""

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger number."""

    @property
    def smallest_normal(self) -> float:
        """The smallest number of full precision."""

    def __repr__(self) -> str: ...

class iinfo:
    """The limits of an integer dtype."""

    def __init__(self, dtype: Dtype) -> None: ...

    @property
    def dtype(self) -> Dtype: ...

    @property
    def min(self) -> int: ...

    @property
    def max(self) -> int: ...

    def __repr__(self) -> str: ...

class DeviceType(enum.Enum):
    """A kind of device: cpu or gpu."""

    cpu = 0

    gpu = 1

class Device:
    """A device to run operations on. Equal to its type where its index is 0."""

    def __init__(self, type: DeviceType, index: int = 0) -> None: ...

    @property
    def type(self) -> DeviceType: ...

    @property
    def index(self) -> int: ...

    def __eq__(self, other: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    def __reduce__(self) -> tuple[Any, ...]: ...

    def __repr__(self) -> str: ...

class _ScopeLevel:
    pass

class Event:
    """
    The moment at which some work of a stream is finished. For any thread or task; may be awaited.
    """

    def query(self) -> bool:
        """Whether it has happened."""

    def wait(self, timeout: float | None = None) -> bool:
        """
        Waits until it has happened, or for `timeout` seconds; whether it has happened.
        """

    def elapsed(self, later: Event) -> float:
        """
        Seconds from this event to `later`. Both come from Stream.record() and have happened. Where both are of one GPU, its own clock has timed them; else the host's, which notices a device's event a little late.
        """

    @property
    def stream(self) -> Stream | None:
        """The stream whose work it is."""

    def __await__(self) -> Generator[Any, None, None]: ...

    def __eq__(self, other: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    def __repr__(self) -> str: ...

class _Notifier:
    def __init__(self) -> None: ...

    def fileno(self) -> int: ...

    def watch(self, arg0: Event, arg1: int, /) -> None: ...

    def drain(self, /) -> list[int]: ...

class Stream:
    """
    An ordered queue of work on a device, for any thread to use. As a context manager it makes itself and its device the default for the block.
    """

    @property
    def device(self) -> Device:
        """The device that it is on."""

    @property
    def index(self) -> int:
        """Its number."""

    def __eq__(self, other: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    @property
    def priority(self) -> int:
        """That of new_stream, within what the device has; 0 is the usual one."""

    def __repr__(self) -> str: ...

    def __enter__(self) -> Stream: ...

    def __exit__(self, *args: object) -> None: ...

    def record(self, *arrays: array) -> Event:
        """
        The event "what has been submitted to this stream so far is finished", and so is the computation of `arrays`, which is submitted first.
        """

    def wait(self, event: Event) -> None:
        """
        Lets what is submitted from now on start only after `event`, whatever stream that is of.
        """

    def query(self) -> bool:
        """Whether all that has been submitted is finished."""

    def synchronize(self) -> None:
        """
        Waits for all that has been submitted. Raises a failure among it that nobody has seen yet.
        """

    def __cuda_stream__(self) -> tuple[int, int]:
        """
        (0, the handle of the CUDA stream), for CUDA libraries. A TypeError where it is no stream of a CUDA GPU.
        """

class ThreadLocalStream:
    """Stands for another stream in each thread that uses it."""

    @property
    def device(self) -> Device:
        """The device that it is on."""

    @property
    def index(self) -> int:
        """Its number."""

    def __eq__(self, other: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    def __repr__(self) -> str: ...

class StreamContext:
    """
    A scope, for `with`: sets the default device, and the default stream if made from one, of this thread or task. May be entered again, also while entered, and by many at once.
    """

    def __init__(self, s: Stream | ThreadLocalStream | Device | DeviceType) -> None: ...

    def __enter__(self) -> StreamContext: ...

    def __exit__(self, *args: object) -> None: ...

class ArrayIterator:
    def __iter__(self) -> ArrayIterator: ...

    def __next__(self) -> array: ...

class ArrayAt:
    """Some elements of an array, to be updated."""

    def __getitem__(self, indices: Any, /) -> ArrayAt: ...

    def add(self, value: bool | int | float | complex | array) -> array:
        """The array with `value` added to these elements."""

    def subtract(self, value: bool | int | float | complex | array) -> array:
        """The array with `value` subtracted from these elements."""

    def multiply(self, value: bool | int | float | complex | array) -> array:
        """The array with these elements multiplied by `value`."""

    def divide(self, value: bool | int | float | complex | array) -> array:
        """The array with these elements divided by `value`."""

    def maximum(self, value: bool | int | float | complex | array) -> array:
        """The array with the larger of these elements and `value`."""

    def minimum(self, value: bool | int | float | complex | array) -> array:
        """The array with the smaller of these elements and `value`."""

class PrintOptions:
    """How arrays are printed."""

    def __init__(self) -> None: ...

    @property
    def precision(self) -> int:
        """
        Digits after the decimal point; -1: six significant digits, written as short as possible.
        """

    @precision.setter
    def precision(self, arg: int, /) -> None: ...

    def __repr__(self) -> str: ...

class _PrintOptionsContext:
    def __enter__(self) -> PrintOptions: ...

    def __exit__(self, *exception: Any) -> None: ...

class Evaluation:
    """
    Arrays on their way. Awaiting it waits until they are there, and raises the failure of any of them.
    """

    def __await__(self) -> Generator[Any, None, None]: ...

    def _check(self) -> None: ...

class array:
    """An n-dimensional array, computed when its value is needed."""
    def __init__(self, val: Any, dtype: Dtype | None = None) -> None:
        """The array of a scalar, of nested lists or tuples (rows of one length), or a copy of something that offers memory: NumPy arrays, buffers, DLPack."""
    @property
    def shape(self) -> tuple[int, ...]:
        """The extents, outermost first."""
    @property
    def ndim(self) -> int:
        """The number of axes."""
    @property
    def size(self) -> int:
        """The number of elements."""
    @property
    def dtype(self) -> Dtype:
        """The type of the elements."""
    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
    def abs(self, *, stream: StreamOrDevice = None) -> array:
        """See abs()."""
    def conj(self, *, stream: StreamOrDevice = None) -> array:
        """See conj()."""
    def cos(self, *, stream: StreamOrDevice = None) -> array:
        """See cos()."""
    def exp(self, *, stream: StreamOrDevice = None) -> array:
        """See exp()."""
    def log(self, *, stream: StreamOrDevice = None) -> array:
        """See log()."""
    def log10(self, *, stream: StreamOrDevice = None) -> array:
        """See log10()."""
    def log1p(self, *, stream: StreamOrDevice = None) -> array:
        """See log1p()."""
    def log2(self, *, stream: StreamOrDevice = None) -> array:
        """See log2()."""
    def reciprocal(self, *, stream: StreamOrDevice = None) -> array:
        """See reciprocal()."""
    def rsqrt(self, *, stream: StreamOrDevice = None) -> array:
        """See rsqrt()."""
    def sin(self, *, stream: StreamOrDevice = None) -> array:
        """See sin()."""
    def sqrt(self, *, stream: StreamOrDevice = None) -> array:
        """See sqrt()."""
    def square(self, *, stream: StreamOrDevice = None) -> array:
        """See square()."""
    def round(self, decimals: int = 0, *, stream: StreamOrDevice = None) -> array:
        """See round()."""
    def astype(self, dtype: Dtype, stream: StreamOrDevice = None) -> array:
        """The elements converted to another dtype."""
    def all(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See all()."""
    def any(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See any()."""
    def logsumexp(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See logsumexp()."""
    def max(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See max()."""
    def mean(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See mean()."""
    def min(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See min()."""
    def prod(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See prod()."""
    def sum(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See sum()."""
    def argmax(self, axis: None | int = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See argmax()."""
    def argmin(self, axis: None | int = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
        """See argmin()."""
    def cumsum(self, axis: None | int = None, *, reverse: bool = False, inclusive: bool = True, stream: StreamOrDevice = None) -> array:
        """See cumsum()."""
    def cumprod(self, axis: None | int = None, *, reverse: bool = False, inclusive: bool = True, stream: StreamOrDevice = None) -> array:
        """See cumprod()."""
    def cummax(self, axis: None | int = None, *, reverse: bool = False, inclusive: bool = True, stream: StreamOrDevice = None) -> array:
        """See cummax()."""
    def cummin(self, axis: None | int = None, *, reverse: bool = False, inclusive: bool = True, stream: StreamOrDevice = None) -> array:
        """See cummin()."""
    def logcumsumexp(self, axis: None | int = None, *, reverse: bool = False, inclusive: bool = True, stream: StreamOrDevice = None) -> array:
        """See logcumsumexp()."""
    def std(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, ddof: int = 0, *, correction: None | int = None, stream: StreamOrDevice = None) -> array:
        """See std(); `correction` is another name for `ddof`."""
    def var(self, axis: None | int | Sequence[int] = None, keepdims: bool = False, ddof: int = 0, *, correction: None | int = None, stream: StreamOrDevice = None) -> array:
        """See var(); `correction` is another name for `ddof`."""
    def reshape(self, *shape: int | Sequence[int], stream: StreamOrDevice = None) -> array:
        """See reshape(); the extents may be given one by one."""
    def transpose(self, *axes: int | Sequence[int], stream: StreamOrDevice = None) -> array:
        """See transpose(); the axes may be given one by one."""
    def flatten(self, start_axis: int = 0, end_axis: int = -1, *, stream: StreamOrDevice = None) -> array:
        """See flatten()."""
    def squeeze(self, axis: None | int | Sequence[int] = None, *, stream: StreamOrDevice = None) -> array:
        """See squeeze()."""
    def swapaxes(self, axis1: int, axis2: int, *, stream: StreamOrDevice = None) -> array:
        """See swapaxes()."""
    def moveaxis(self, source: int, destination: int, *, stream: StreamOrDevice = None) -> array:
        """See moveaxis()."""
    def split(self, indices_or_sections: int | Sequence[int], axis: int = 0, *, stream: StreamOrDevice = None) -> list[array]:
        """See split()."""
    def diag(self, k: int = 0, *, stream: StreamOrDevice = None) -> array:
        """See diag()."""
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: StreamOrDevice = None) -> array:
        """See diagonal()."""
    @property
    def T(self) -> array:
        """The axes reversed."""
    @property
    def mT(self) -> array:
        """The last two axes swapped."""
    @property
    def real(self) -> array:
        """The real parts."""
    @property
    def imag(self) -> array:
        """The imaginary parts."""
    def item(self) -> Any:
        """The only element as a Python scalar. Evaluates."""
    def tolist(self) -> Any:
        """The elements as nested lists of Python scalars (a scalar where there are no dimensions). Evaluates."""
    def __complex__(self) -> complex: ...
    def __format__(self, spec: str, /) -> str: ...
    def __bytes__(self) -> bytes: ...
    def __array__(self, dtype: object | None = None, copy: bool | None = None) -> Any:
        """A NumPy array over the same memory where no copy is asked for or needed."""
    def __dlpack__(self, *, stream: object | None = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> object:
        """The array's memory as a DLPack capsule. On a CUDA GPU `stream`, the consumer's (None: the legacy default stream, -1: none), waits for the array to be computed, and the host does not; `dl_device=(1, 0)` gives a copy on the CPU."""
    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's name of the device: (1, 0), the CPU, or (2, index), a CUDA GPU."""
    def __array_namespace__(self, api_version: str | None = None) -> Any:
        """The module that has the array functions."""
    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The array's memory on a CUDA GPU, for Numba, CuPy and others (version 3 of the protocol). Only arrays on such a GPU have it."""
    def __getstate__(self) -> tuple[Any, ...]: ...
    def __setstate__(self, state: tuple[Any, ...], /) -> None: ...
    def __copy__(self) -> array: ...
    def __deepcopy__(self, memo: dict[int, Any], /) -> array: ...
    @property
    def at(self) -> ArrayAt:
        """x.at[index].add(value) and so on: the array with some elements updated."""
    def __add__(self, other: scalar | array, /) -> array: ...
    def __radd__(self, other: scalar | array, /) -> array: ...
    def __iadd__(self, other: scalar | array, /) -> array: ...
    def __sub__(self, other: scalar | array, /) -> array: ...
    def __rsub__(self, other: scalar | array, /) -> array: ...
    def __isub__(self, other: scalar | array, /) -> array: ...
    def __mul__(self, other: scalar | array, /) -> array: ...
    def __rmul__(self, other: scalar | array, /) -> array: ...
    def __imul__(self, other: scalar | array, /) -> array: ...
    def __truediv__(self, other: scalar | array, /) -> array: ...
    def __rtruediv__(self, other: scalar | array, /) -> array: ...
    def __itruediv__(self, other: scalar | array, /) -> array: ...
    def __floordiv__(self, other: scalar | array, /) -> array: ...
    def __rfloordiv__(self, other: scalar | array, /) -> array: ...
    def __ifloordiv__(self, other: scalar | array, /) -> array: ...
    def __mod__(self, other: scalar | array, /) -> array: ...
    def __rmod__(self, other: scalar | array, /) -> array: ...
    def __imod__(self, other: scalar | array, /) -> array: ...
    def __pow__(self, other: scalar | array, /) -> array: ...
    def __rpow__(self, other: scalar | array, /) -> array: ...
    def __ipow__(self, other: scalar | array, /) -> array: ...
    def __and__(self, other: scalar | array, /) -> array: ...
    def __rand__(self, other: scalar | array, /) -> array: ...
    def __iand__(self, other: scalar | array, /) -> array: ...
    def __or__(self, other: scalar | array, /) -> array: ...
    def __ror__(self, other: scalar | array, /) -> array: ...
    def __ior__(self, other: scalar | array, /) -> array: ...
    def __xor__(self, other: scalar | array, /) -> array: ...
    def __rxor__(self, other: scalar | array, /) -> array: ...
    def __ixor__(self, other: scalar | array, /) -> array: ...
    def __lshift__(self, other: scalar | array, /) -> array: ...
    def __rlshift__(self, other: scalar | array, /) -> array: ...
    def __ilshift__(self, other: scalar | array, /) -> array: ...
    def __rshift__(self, other: scalar | array, /) -> array: ...
    def __rrshift__(self, other: scalar | array, /) -> array: ...
    def __irshift__(self, other: scalar | array, /) -> array: ...
    def __matmul__(self, other: array, /) -> array: ...
    def __rmatmul__(self, other: array, /) -> array: ...
    def __imatmul__(self, other: array, /) -> array: ...
    def __divmod__(self, other: scalar | array, /) -> tuple[array, array]: ...
    def __rdivmod__(self, other: scalar | array, /) -> tuple[array, array]: ...
    def __neg__(self) -> array: ...
    def __pos__(self) -> array: ...
    def __abs__(self) -> array: ...
    def __invert__(self) -> array: ...
    def __lt__(self, other: scalar | array, /) -> array: ...
    def __le__(self, other: scalar | array, /) -> array: ...
    def __gt__(self, other: scalar | array, /) -> array: ...
    def __ge__(self, other: scalar | array, /) -> array: ...
    def __eq__(self, other: object, /) -> array: ...  # type: ignore[override]
    def __ne__(self, other: object, /) -> array: ...  # type: ignore[override]
    def __hash__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __index__(self) -> int: ...
    def __len__(self) -> int: ...
    def __contains__(self, value: object, /) -> bool: ...
    def __iter__(self) -> ArrayIterator: ...
    def __getitem__(self, index: Any, /) -> array: ...
    def __setitem__(self, index: Any, value: Any, /) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...


scalar: TypeAlias = bool | int | float | complex
StreamOrDevice: TypeAlias = Stream | ThreadLocalStream | Device | DeviceType | None

__version__: str
complexfloating: DtypeCategory
floating: DtypeCategory
inexact: DtypeCategory
signedinteger: DtypeCategory
unsignedinteger: DtypeCategory
integer: DtypeCategory
number: DtypeCategory
generic: DtypeCategory
bool_: Dtype
uint8: Dtype
uint16: Dtype
uint32: Dtype
uint64: Dtype
int8: Dtype
int16: Dtype
int32: Dtype
int64: Dtype
float16: Dtype
float32: Dtype
float64: Dtype
bfloat16: Dtype
complex64: Dtype
pi: float
e: float
euler_gamma: float
inf: float
nan: float
cpu: DeviceType
gpu: DeviceType
newaxis: None

def _dtype(name: str) -> Dtype:
    """The dtype of that name, for pickle."""

def abs(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Absolute value."""

def acos(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse cosine (radians)."""

def acosh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse hyperbolic cosine."""

def add(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Sum (logical or for bool)."""

def addmm(c: array, a: array, b: array, /, alpha: float = 1.0, beta: float = 1.0, *, stream: StreamOrDevice = None) -> array:
    """beta * c + alpha * matmul(a, b)"""

def all(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Whether all elements are true. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def allclose(a: scalar | array, b: scalar | array, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, stream: StreamOrDevice = None) -> array:
    """Whether isclose() holds for all elements."""

def any(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Whether any element is true. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def arange(start: int | float = 0, stop: None | int | float = None, step: None | int | float = None, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """start, start + step, ... below stop. One number alone is stop. Without a dtype: float32 if any of them is a float, else int32, or int64 where that is too small for one of them."""

def arccos(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse cosine (radians)."""

def arccosh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse hyperbolic cosine."""

def arcsin(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse sine (radians)."""

def arcsinh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse hyperbolic sine."""

def arctan(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse tangent (radians)."""

def arctan2(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Angle of the point (b, a) (radians)."""

def arctanh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse hyperbolic tangent."""

def argmax(a: array, /, axis: None | int = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """The index (uint32) of the first largest element, along an axis or among all flattened."""

def argmin(a: array, /, axis: None | int = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """The index (uint32) of the first smallest element, along an axis or among all flattened."""

def argsort(a: array, /, axis: None | int = -1, *, stream: StreamOrDevice = None) -> array:
    """The indices (uint32) that sort, along an axis or (None) all elements flattened."""

def array_equal(a: scalar | array, b: scalar | array, equal_nan: bool = False, stream: StreamOrDevice = None) -> array:
    """Whether shapes and all elements are equal."""

def as_strided(a: array, /, shape: Sequence[int] | None = None, strides: Sequence[int] | None = None, offset: int = 0, *, stream: StreamOrDevice = None) -> array:
    """The elements of `a`, laid out densely, read with these strides from `offset` on."""

def asarray(a: Any, dtype: Dtype | None = None, *, copy: bool | None = None) -> array:
    """As array(); with copy=False over the very memory of `a`, whose changes then show, or a ValueError."""

def asin(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse sine (radians)."""

def asinh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse hyperbolic sine."""

def astype(a: array, dtype: Dtype, /, *, stream: StreamOrDevice = None) -> array:
    """The elements converted. Floats to integers truncate."""

def async_eval(*args: Any) -> Evaluation:
    """Plans and queues the computation of the arrays in nested lists, tuples and dicts, and returns. The result may be awaited. Where a stream has tens of thousands of computations in its queue already, waits for some of them."""

def atan(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse tangent (radians)."""

def atan2(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Angle of the point (b, a) (radians)."""

def atanh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse hyperbolic tangent."""

def atleast_1d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]:
    """Scalars as vectors."""

def atleast_2d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]:
    """Vectors as rows of a matrix."""

def atleast_3d(*arys: array, stream: StreamOrDevice = None) -> array | list[array]:
    """With a last axis of extent 1 put to matrices."""

def bitwise_and(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Bitwise and."""

def bitwise_invert(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Bitwise complement (logical for bool)."""

def bitwise_left_shift(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Shift left."""

def bitwise_or(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Bitwise or."""

def bitwise_right_shift(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Shift right (arithmetic for signed integers)."""

def bitwise_xor(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Bitwise exclusive or."""

def broadcast_arrays(*arrays: array, stream: StreamOrDevice = None) -> list[array]:
    """All repeated to the shape that an operation on them has."""

def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that an operation on arrays of these shapes has."""

def broadcast_to(a: scalar | array, /, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """Repeated to `shape`, as operands are."""

def can_cast(from_: array | Dtype, to: Dtype) -> bool:
    """Whether promoting the two together gives `to`."""

def ceil(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Smallest integer not below."""

def clear_cache() -> None:
    """Gives what is kept for reuse back to the system."""

def clear_streams() -> None:
    """Drops this thread's default streams; a later use makes new ones."""

def clip(a: array, /, a_min: scalar | array | None, a_max: scalar | array | None, *, stream: StreamOrDevice = None) -> array:
    """Limited to [a_min, a_max]; None is no limit."""

def concat(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None) -> array:
    """The arrays one after the other along an axis; flattened if that is None."""

def concatenate(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None) -> array:
    """The arrays one after the other along an axis; flattened if that is None."""

def conj(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Complex conjugate."""

def conjugate(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Complex conjugate."""

def contiguous(a: array, /, allow_col_major: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Laid out densely in row-major order (or in column-major order, if allowed and so already)."""

def cos(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Cosine (radians)."""

def cosh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Hyperbolic cosine."""

def count_nonzero(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """How many elements are not zero (int32). Over all axes, or those given, whose extents become 1 if `keepdims`."""

def cummax(a: array, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: StreamOrDevice = None) -> array:
    """Cumulative maximum; NaN from the first one on. Over all elements flattened unless an axis is given; exclusive ones begin with the neutral element."""

def cummin(a: array, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: StreamOrDevice = None) -> array:
    """Cumulative minimum; NaN from the first one on. Over all elements flattened unless an axis is given; exclusive ones begin with the neutral element."""

def cumprod(a: array, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: StreamOrDevice = None) -> array:
    """Cumulative product. Over all elements flattened unless an axis is given; exclusive ones begin with the neutral element."""

def cumsum(a: array, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: StreamOrDevice = None) -> array:
    """Cumulative sum (int32 for bool). Over all elements flattened unless an axis is given; exclusive ones begin with the neutral element."""

@overload
def default_device() -> Device:
    """The default device of this thread and task. With an argument: a scope, for `with`, in which that is the default device."""

@overload
def default_device(device: Device | DeviceType) -> StreamContext:
    """The default device of this thread and task. With an argument: a scope, for `with`, in which that is the default device."""

def default_stream(device: Device | DeviceType) -> Stream:
    """The default stream on `device`, here and now."""

def degrees(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Radians to degrees."""

def device_count(device_type: DeviceType) -> int:
    """How many devices of a type there are."""

def device_info(d: None | Device | DeviceType = None) -> dict[str, str | int]:
    """What is known about a device (without an argument: the default one): its name, architecture, memory ..."""

def diag(a: array, /, k: int = 0, *, stream: StreamOrDevice = None) -> array:
    """Of a matrix its k-th diagonal; of a vector the matrix that has it as its k-th diagonal."""

def diagonal(a: array, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: StreamOrDevice = None) -> array:
    """The diagonal over two axes, as the last axis."""

def divide(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Quotient; integers divide as float32."""

def divmod(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> list[array]:
    """[floor_divide(a, b), remainder(a, b)]"""

def empty(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array:
    """Zeros."""

def empty_like(a: array, /, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """Zeros of the shape (and, without one given, the dtype) of `a`."""

def equal(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a == b."""

def erf(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Error function."""

def erfinv(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Inverse of the error function."""

def eval(*args: Any) -> None:
    """Computes the arrays in nested lists, tuples and dicts, and waits for them."""

def exp(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Exponential."""

def expand_dims(a: array, /, axis: int | Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """With axes of extent 1 put in at those places."""

def expm1(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """exp(x) - 1, exact near 0."""

def external_stream(ptr: Any, device: Device | DeviceType | None = None) -> Stream:
    """A CUDA stream of another library, by its handle (an int) or an object with __cuda_stream__, as a Stream: what is computed on it is added to that stream, and async_eval, record and wait return when it has been, so that what the other library adds then comes after it. The stream is not destroyed here; an object is kept, a handle must stay good. A default stream (0 or 1) is that of `device`."""

def eye(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array:
    """n by m zeros with ones on the k-th diagonal (positive: above the main one)."""

def flatten(a: array, /, start_axis: int = 0, end_axis: int = -1, *, stream: StreamOrDevice = None) -> array:
    """The axes from start_axis to end_axis as one."""

def flip(a: array, /, axis: None | int | Sequence[int] = None, *, stream: StreamOrDevice = None) -> array:
    """The elements in reverse order along all axes, or those given."""

def floor(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Largest integer not above."""

def floor_divide(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Quotient, rounded as MLX rounds it."""

def from_dlpack(x: Any, /, *, copy: bool | None = None) -> array:
    """The array of an object that supports DLPack, over its very memory, on the CPU or a CUDA GPU: what others write there shows. A copy where `copy` is True, or where its layout cannot be an array's, for which copy=False is a ValueError."""

def full(shape: int | Sequence[int], vals: scalar | array, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """`vals` broadcast to `shape`."""

def full_like(a: array, vals: scalar | array, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """`vals` broadcast to the shape (and, without one given, converted to the dtype) of `a`."""

def get_active_memory() -> int:
    """Bytes in use by arrays."""

def get_cache_memory() -> int:
    """Bytes kept for reuse."""

def get_memory_limit() -> int:
    """The limit on active memory."""

def get_peak_memory() -> int:
    """The most that get_active_memory() has been since the start or the last reset."""

def get_printoptions() -> PrintOptions:
    """How arrays are printed now."""

def greater(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a > b."""

def greater_equal(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a >= b."""

def identity(n: int, dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array:
    """The identity matrix."""

def imag(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Imaginary part."""

def inner(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """Sum of products over the last axes."""

def is_available(device: Device | DeviceType) -> bool:
    """Whether operations can run on `device`."""

def isclose(a: scalar | array, b: scalar | array, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, stream: StreamOrDevice = None) -> array:
    """True where |a - b| <= atol + rtol * |b|."""

def isdtype(dtype: Dtype, kind: Dtype | str | tuple[Dtype | str, ...]) -> bool:
    """Whether a dtype is of a kind, or of any of several: a Dtype, 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating', 'complex floating' or 'numeric'."""

def isfinite(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where finite."""

def isinf(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where infinite."""

def isnan(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where not a number."""

def isneginf(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where negative infinity."""

def isposinf(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where positive infinity."""

def issubdtype(arg1: Dtype | DtypeCategory, arg2: Dtype | DtypeCategory) -> bool:
    """Whether the first dtype or category is the second or belongs to it."""

def kron(a: array, b: array, *, stream: StreamOrDevice = None) -> array:
    """Kronecker product."""

def left_shift(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Shift left."""

def less(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a < b."""

def less_equal(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a <= b."""

def linspace(start: scalar, stop: scalar, num: int | None = 50, endpoint: bool = True, dtype: Dtype | None = float32, stream: StreamOrDevice = None) -> array:
    """`num` values from start to stop, stop included if `endpoint`."""

def log(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Natural logarithm."""

def log10(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Logarithm to base 10."""

def log1p(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """log(1 + x), exact near 0."""

def log2(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Logarithm to base 2."""

def logaddexp(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """log(exp(a) + exp(b)), without overflow."""

def logcumsumexp(a: array, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: StreamOrDevice = None) -> array:
    """Logarithm of the cumulative sum of exponentials, without overflow. Over all elements flattened unless an axis is given; exclusive ones begin with the neutral element."""

def logical_and(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where both are not zero."""

def logical_not(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where zero."""

def logical_or(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where either is not zero."""

def logical_xor(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """True where exactly one is not zero."""

def logsumexp(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """log(sum(exp(a))), without overflow. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def matmul(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """Matrix product over the last two axes, the others broadcast. A vector counts as a row on the left and a column on the right, and its axis is dropped."""

def matrix_transpose(a: array, /, *, stream: StreamOrDevice = None) -> array:
    """The last two axes exchanged."""

def max(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Largest element; NaN if there is one. Throws where there is no element. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def maximum(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """The larger; NaN if either is."""

def mean(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Mean; integers as float32. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def meshgrid(*arrays: array, sparse: bool | None = False, indexing: str = 'xy', stream: StreamOrDevice = None) -> tuple[array, ...]:
    """The grid of coordinates that vectors span; `indexing` is 'xy' or 'ij'."""

def min(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Smallest element; NaN if there is one. Throws where there is no element. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def minimum(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """The smaller; NaN if either is."""

def moveaxis(a: array, /, source: int, destination: int, *, stream: StreamOrDevice = None) -> array:
    """An axis moved to another place."""

def multiply(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Product (logical and for bool)."""

def nan_to_num(a: scalar | array, nan: float = 0, posinf: float | None = None, neginf: float | None = None, *, stream: StreamOrDevice = None) -> array:
    """NaN and the infinities replaced; the latter, without a value, by the dtype's largest and smallest number."""

def negative(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Negation."""

def new_stream(device: Device | DeviceType | None = None, *, priority: int = 0) -> Stream:
    """A new stream, on the default device if none is given. Any thread may use it. The lower its `priority`, the sooner its work is begun where processors, or a GPU's multiprocessors, are short; 0 is the usual one. A CPU has 0 and -1, an NVIDIA GPU mostly 0 to -5; any other number becomes the nearest of these. Results never depend on it."""

def new_thread_local_stream(device: Device | DeviceType | None = None) -> ThreadLocalStream:
    """A stream that is another one in each thread."""

def new_thread_unsafe_stream(device: Device | DeviceType | None = None) -> Stream:
    """As new_stream: every stream may be used from any thread. The name is MLX's."""

def not_equal(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a != b."""

def ones(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array:
    """Ones."""

def ones_like(a: array, /, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """Ones of the shape (and, without one given, the dtype) of `a`."""

def outer(a: array, b: array, /, *, stream: StreamOrDevice = None) -> array:
    """All products of the flattened elements."""

def pad(a: array, pad_width: int | Sequence[int] | Sequence[Sequence[int]], mode: str = 'constant', constant_values: scalar | array = 0, *, stream: StreamOrDevice = None) -> array:
    """With elements put before and after along each axis: constant_values, or, with mode 'edge', those at the edge."""

def permute_dims(a: array, /, axes: Sequence[int] | None = None, *, stream: StreamOrDevice = None) -> array:
    """The axes in another order, by default reversed."""

def positive(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """The value itself."""

def pow(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a to the power of b."""

def power(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """a to the power of b."""

def printoptions(precision: int = -1) -> _PrintOptionsContext:
    """set_printoptions for the block of a `with` statement."""

def prod(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Product; dtypes as for sum. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def put_along_axis(a: array, /, indices: array, values: array, axis: int | None = None, *, stream: StreamOrDevice = None) -> array:
    """A copy of `a` in which take_along_axis() finds `values`."""

def radians(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Degrees to radians."""

def real(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Real part."""

def reciprocal(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Reciprocal."""

def remainder(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Remainder with the sign of the divisor."""

def repeat(array: array, repeats: int, axis: int | None = None, *, stream: StreamOrDevice = None) -> array:
    """Each element `repeats` times in a row along an axis; flattened if that is None."""

def reset_peak_memory() -> None:
    """Lets get_peak_memory() start anew."""

def reshape(a: array, /, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """The same elements in another shape. One extent may be -1: what remains."""

def result_type(*arrays_and_dtypes: array | Dtype) -> Dtype:
    """The dtype that all of them promote to."""

def right_shift(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Shift right (arithmetic for signed integers)."""

def roll(a: array, /, shift: int | Sequence[int], axis: None | int | Sequence[int] = None, *, stream: StreamOrDevice = None) -> array:
    """The elements moved along axes (flattened if None is given), those that leave coming in again at the other end."""

def round(a: scalar | array, /, decimals: int = 0, stream: StreamOrDevice = None) -> array:
    """Rounded to `decimals` places, ties to even."""

def rsqrt(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Reciprocal square root."""

def set_cache_limit(limit: int) -> int:
    """Limits what is kept for reuse. Returns the previous limit."""

def set_default_device(device: Device | DeviceType) -> None:
    """Makes `device` the default: of the innermost scope, or, outside of any, of the process."""

def set_default_stream(stream: Stream) -> None:
    """Makes `stream` the default on its device: of the innermost scope, or, outside of any, of the thread."""

def set_memory_limit(limit: int) -> int:
    """Limits active memory: what would pass it fails with MemoryError. Returns the previous limit."""

def set_printoptions(precision: int = -1) -> None:
    """Sets the digits after the decimal point with which floats are printed; -1 for the default."""

def set_wired_limit(limit: int) -> int:
    """Accepted for MLX's sake: host memory is never wired here. Returns the previous value."""

def sigmoid(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Logistic function 1 / (1 + exp(-x))."""

def sign(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Sign: -1, 0 or 1 (x / |x| for complex)."""

def sin(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Sine (radians)."""

def sinh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Hyperbolic sine."""

def slice(a: array, start_indices: array, axes: Sequence[int], slice_size: Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """`slice_size` elements along each axis, from start_indices[k] on along axes[k] and from 0 on along the others."""

def slice_update(a: array, update: array, start_indices: array, axes: Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """A copy of `a` in which slice() finds `update`."""

def softmax(a: array, /, axis: None | int | Sequence[int] = None, *, precise: bool = False, stream: StreamOrDevice = None) -> array:
    """exp(a - max(a)) / sum(exp(a - max(a))), over all axes or those given. 16-bit floats are always accumulated in float32."""

def sort(a: array, /, axis: None | int = -1, *, stream: StreamOrDevice = None) -> array:
    """A sorted copy, along an axis or (None) of all elements flattened; NaN last."""

def split(a: array, /, indices_or_sections: int | Sequence[int], axis: int = 0, *, stream: StreamOrDevice = None) -> list[array]:
    """In equal parts, or at the indices, along an axis."""

def sqrt(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Square root."""

def square(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Square."""

def squeeze(a: array, /, axis: None | int | Sequence[int] = None, *, stream: StreamOrDevice = None) -> array:
    """Without the axes of extent 1, or without those given, whose extent must be 1."""

def stack(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None) -> array:
    """The arrays, which are of one shape, along a new axis."""

def std(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, ddof: int = 0, *, stream: StreamOrDevice = None) -> array:
    """Standard deviation. `ddof` is taken from the number of elements that divides."""

def stop_gradient(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """The value itself; gradients end here."""

def stream(s: Stream | ThreadLocalStream | Device | DeviceType) -> StreamContext:
    """A scope, for `with`, in which `s` is the default stream (or device)."""

def subtract(a: scalar | array, b: scalar | array, stream: StreamOrDevice = None) -> array:
    """Difference."""

def sum(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Sum; bool and integers below 32 bits are summed in 32 bits. Over all axes, or those given, whose extents become 1 if `keepdims`."""

def swapaxes(a: array, /, axis1: int, axis2: int, *, stream: StreamOrDevice = None) -> array:
    """Two axes exchanged."""

def synchronize(stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> None:
    """Waits for all that has been submitted so far: to a stream, to a device, or (without an argument) to every stream of every device. Raises a failure among it that nobody has seen yet."""

def take(a: array, /, indices: int | array, axis: int | None = None, *, stream: StreamOrDevice = None) -> array:
    """The elements (slices) at the indices along an axis; of the flattened array if that is None."""

def take_along_axis(a: array, /, indices: array, axis: int | None = -1, *, stream: StreamOrDevice = None) -> array:
    """For each place along the other axes, the elements at its own indices along `axis`."""

def tan(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Tangent (radians)."""

def tanh(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Hyperbolic tangent."""

def tensordot(a: array, b: array, /, axes: int | list[Sequence[int]] = 2, *, stream: StreamOrDevice = None) -> array:
    """Contraction over the last `axes` axes of `a` and the first of `b`, or over the axes given for each."""

def tile(a: array, reps: int | Sequence[int], /, *, stream: StreamOrDevice = None) -> array:
    """The whole array repeated along each axis."""

def trace(a: array, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """The sum of the diagonal over two axes."""

def transpose(a: array, /, axes: Sequence[int] | None = None, *, stream: StreamOrDevice = None) -> array:
    """The axes in another order, by default reversed."""

def tri(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """n by m: ones on and below the k-th diagonal, zeros above."""

def tril(x: array, k: int = 0, *, stream: StreamOrDevice = None) -> array:
    """Zeros above the k-th diagonal."""

def triu(x: array, k: int = 0, *, stream: StreamOrDevice = None) -> array:
    """Zeros below the k-th diagonal."""

def trunc(a: scalar | array, stream: StreamOrDevice = None) -> array:
    """Integer part, rounded toward zero."""

def unflatten(a: array, /, axis: int, shape: Sequence[int], *, stream: StreamOrDevice = None) -> array:
    """One axis as several of the given extents."""

def unstack(x: array, /, *, axis: int = 0, stream: StreamOrDevice = None) -> tuple[array, ...]:
    """The slices along an axis, without it."""

def var(a: array, /, axis: None | int | Sequence[int] = None, keepdims: bool = False, ddof: int = 0, *, stream: StreamOrDevice = None) -> array:
    """Variance. `ddof` is taken from the number of elements that divides."""

def where(condition: scalar | array, x: scalar | array, y: scalar | array, /, *, stream: StreamOrDevice = None) -> array:
    """x where the condition is true, else y."""

def zeros(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: StreamOrDevice = None) -> array:
    """Zeros."""

def zeros_like(a: array, /, dtype: Dtype | None = None, *, stream: StreamOrDevice = None) -> array:
    """Zeros of the shape (and, without one given, the dtype) of `a`."""
