"""Evaluates expressions with one of the two libraries: `python evaluate.py MODULE` reads a list of expressions (JSON)
from standard input and writes a list of outcomes. Both interpreters run this file, so it needs NumPy and no more."""

import importlib
import json
import sys

import numpy as np


def make(mx, name, shape, seed):
    """The same values in both libraries: small ones, large ones, and all the special ones of the dtype."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if name == "bool_":
        x = rng.integers(0, 2, count).astype(bool)
    elif "int" in name:
        info = np.iinfo(name)
        x = rng.integers(max(info.min, -9), 10, count).astype(name)
        x[: min(count, 4)] = np.array([info.max, info.min, info.max - 1, 0], name)[:count]
        x = rng.permutation(x)
    elif name == "complex64":
        x = (rng.normal(size=count) * 2 + 1j * rng.normal(size=count) * 2).astype(np.complex64)
    else:
        x = rng.normal(size=count) * 3
        special = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 0.5, 2.5, 1e-3, -2.5, 100.0]
        x[: len(special)] = special[:count]
        x = rng.permutation(x).astype("float64" if name == "float64" else "float32")
    d = getattr(mx, name)
    return mx.array(x.reshape(shape)).astype(d)


def plain(mx, value):
    """What JSON can say of a result."""
    if isinstance(value, mx.array):
        name = str(value.dtype).removeprefix("mlx.core.")
        x = np.array(value.astype(mx.float32) if name in ("bfloat16", "float16") else value)
        flat = x.ravel()
        data = [flat.real.tolist(), flat.imag.tolist()] if x.dtype.kind == "c" else [flat.tolist()]
        return {"dtype": name, "shape": list(value.shape), "data": data}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [plain(mx, v) for v in value]]
    return [type(value).__name__, repr(value)]


def outcomes(mx, expressions):
    def arr(name, shape, seed=1):
        return make(mx, name, shape, seed)

    out = []
    for expression in expressions:
        try:
            with mx.stream(mx.cpu):
                out.append({"value": plain(mx, eval(expression, {"mx": mx, "np": np, "arr": arr}))})
        except Exception as e:
            out.append({"error": type(e).__name__, "text": str(e)})
    return out


if __name__ == "__main__":
    json.dump(outcomes(importlib.import_module(sys.argv[1]), json.load(sys.stdin)), sys.stdout)
