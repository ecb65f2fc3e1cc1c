"""Writes the type stubs of the package, python/anabranch/*.pyi, from the built extension module.

Functions have their signatures in their docs; of classes nanobind's stubgen knows them.

    PYTHONPATH=build/release/python python python/functions/make_stubs.py [FOLDER]
"""

import re
import sys
from pathlib import Path

from anabranch import _core
from nanobind.stubgen import StubGen

CORE_HEADER = '''\
"""The type stubs of Anabranch, written by python/functions/make_stubs.py."""

import builtins
from collections.abc import Generator, Sequence
from typing import Any, SupportsComplex, SupportsFloat, SupportsIndex, TypeAlias

scalar: TypeAlias = bool | int | float | complex | SupportsFloat | SupportsComplex
StreamOrDevice: TypeAlias = Stream | ThreadLocalStream | Device | DeviceType | None
'''

SUBMODULE_HEADER = '''\
"""The type stubs of anabranch.{name}, written by python/functions/make_stubs.py."""

from collections.abc import Sequence

from anabranch._core import *
from anabranch._core import StreamOrDevice as StreamOrDevice, scalar as scalar
'''

# A class that has functions of these names means the builtins of these names in its own signatures.
SHADOWED = ("slice", "round", "abs", "any", "all", "max", "min", "sum", "pow", "divmod", "eval", "type")


def function(name, value):
    signature, summary = value.__doc__.split("\n\n", 1)
    signature = name + signature[signature.index("(") :]
    return f'def {signature}:\n    """{summary}"""\n'


def functions(module):
    names = sorted(n for n in vars(module) if not n.startswith("__") and type(vars(module)[n]).__name__ == type(len).__name__)
    return "\n".join(function(n, vars(module)[n]) for n in names)


def classes():
    generator = StubGen(_core)
    names = [n for n, v in vars(_core).items() if isinstance(v, type)]
    for name in names:
        generator.put(getattr(_core, name), name=name)
    text = generator.get()
    text = re.sub(r"\b(?:anabranch\._core|anabranch|mlx\.core)\.(?=[A-Za-z_])", "", text)
    text = re.sub(r"(?<![\w.])slice(?=[\]|,) ])", "builtins.slice", text)
    return text


def constants():
    lines = []
    for name, value in vars(_core).items():
        if name.startswith("__") or callable(value):
            continue
        if isinstance(value, (float, str, _core.Dtype, _core.DeviceType, _core.DtypeCategory)):
            lines.append(f"{name}: {type(value).__name__}")
        elif value is None:
            lines.append(f"{name}: None")
    return "\n".join(lines) + "\n"


def main(folder):
    stubs = {
        "_core": CORE_HEADER + classes() + "\n" + constants() + "\n__version__: str\n\n" + functions(_core),
        "__init__": '"""The type stubs of Anabranch, written by python/functions/make_stubs.py."""\n\n'
        "from anabranch import linalg as linalg\nfrom anabranch import random as random\n"
        "from anabranch._core import *\nfrom anabranch._core import __version__ as __version__\n",
    }
    for name in ("linalg", "random"):
        stubs[name] = SUBMODULE_HEADER.format(name=name) + "\n" + functions(getattr(_core, name))
    for name, text in stubs.items():
        (folder / f"{name}.pyi").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1] / "anabranch")
