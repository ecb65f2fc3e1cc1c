"""Fused chains on every layout: ours, or beside it jax.jit and torch.compile in their own interpreters.

    python benchmarks/ops/layouts.py ours|jax|torch [FILTER]

Each result is checked against NumPy. One line a case: its name and the best time in milliseconds. Compare libraries by
runs in turn on one machine.
"""

import functools
import math
import sys
import time

import numpy as np

LIB = sys.argv[1]
N = 2048

if LIB == "ours":
    import anabranch as mx

    maximum, sqrt, tanh = mx.maximum, mx.sqrt, mx.tanh

    def put(x):
        x = mx.array(x)
        mx.eval(x)
        return x

    def narrow(x):
        x = x.astype(mx.bfloat16)
        mx.eval(x)
        return x

    def compiled(f):
        return lambda *a: mx.eval(f(*a))

    def host(f, *a):
        return np.asarray(f(*a).astype(mx.float32))
elif LIB == "jax":
    import jax
    import jax.numpy as jnp

    maximum, sqrt, tanh, put = jnp.maximum, jnp.sqrt, jnp.tanh, jnp.asarray

    def narrow(x):
        return x.astype(jnp.bfloat16)

    def compiled(f):
        g = jax.jit(f)
        return lambda *a: g(*a).block_until_ready()

    def host(f, *a):
        return np.asarray(f(*a).astype(jnp.float32))
else:
    import torch

    maximum, sqrt, tanh, put = torch.maximum, torch.sqrt, torch.tanh, torch.from_numpy

    def narrow(x):
        return x.to(torch.bfloat16)

    def compiled(f):
        torch._dynamo.reset()
        return torch.compile(f)

    def host(f, *a):
        return f(*a).float().numpy()


def fma(a, b, c):
    return a * b + c


def chain8(a, b, c):
    return maximum(sqrt(a * a + b * b) * c - a, a) * 0.5 + b


def gelu(a, b, c):
    return 0.5 * a * (1 + tanh(0.7978845608 * (a + 0.044715 * a * a * a)))


def np_gelu(a, b, c):
    return 0.5 * a * (1 + np.tanh(0.7978845608 * (a + 0.044715 * a * a * a)))


def np_chain8(a, b, c):
    return np.maximum(np.sqrt(a * a + b * b) * c - a, a) * 0.5 + b


LAYOUTS = {
    "dense": lambda a, b, c: (a, b, c),
    "a.T": lambda a, b, c: (a.T, b, c),
    "a.T b.T": lambda a, b, c: (a.T, b.T, c),
    "row": lambda a, b, c: (a, b[:1], c),
    "column": lambda a, b, c: (a, b[:, :1], c),
    "odd": lambda a, b, c: (a[:-1, :-1], b[:-1, :-1], c[:-1, :-1]),
}


def on_view(f, lay, *arrays):
    return f(*lay(*arrays))


def main():
    rng = np.random.default_rng(0)
    arrays = [rng.random((N, N), dtype=np.float32) for _ in range(3)]
    held = [put(x) for x in arrays]
    narrowed = [narrow(x) for x in held]
    for name, f, reference in ("fma", fma, fma), ("chain8", chain8, np_chain8), ("gelu", gelu, np_gelu):
        for layout in (*LAYOUTS, "bfloat16"):
            case = f"{name} {layout}"
            if len(sys.argv) > 2 and sys.argv[2] not in case:
                continue
            lay, g = LAYOUTS.get(layout, LAYOUTS["dense"]), f
            operands, want, bound = held, reference(*lay(*arrays)), 1e-5
            if layout == "bfloat16":
                operands, bound = narrowed, 0.05
            elif layout == "odd":  # copies: the sizes are odd, not the strides
                operands = [put(np.ascontiguousarray(x)) for x in lay(*arrays)]
            else:  # the view is part of what is compiled: jax would copy
                g = functools.partial(on_view, f, lay)
            np.testing.assert_allclose(host(g, *operands), want, rtol=bound, atol=bound)
            run = compiled(g)
            for _ in range(3):
                run(*operands)
            best, end = math.inf, time.perf_counter() + 0.4
            while time.perf_counter() < end:
                start = time.perf_counter()
                run(*operands)
                best = min(best, time.perf_counter() - start)
            print(f"{case:18} {best * 1e3:8.3f}", flush=True)


if __name__ == "__main__":
    main()
