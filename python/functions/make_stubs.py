"""Writes the type stubs of the package, python/anabranch/*.pyi, from the built extension module.

Functions have their signatures in their docs, array is array_stub.py's, and of other classes nanobind's stubgen knows
them.

    PYTHONPATH=build/release/python python python/functions/make_stubs.py [FOLDER]
"""

import re
import sys
from pathlib import Path

from anabranch import _core
from array_stub import class_text
from nanobind.stubgen import StubGen

TITLE = '"""The type stubs of Anabranch, written by python/functions/make_stubs.py."""\n\n'

CORE_IMPORTS = """\
import builtins
from collections.abc import Generator, Iterator, Sequence
from typing import Any, TypeAlias, overload

"""

ALIASES = """
scalar: TypeAlias = bool | int | float | complex
StreamOrDevice: TypeAlias = Stream | ThreadLocalStream | Device | DeviceType | None

__version__: str
"""

SUBMODULE_IMPORTS = """\
from collections.abc import Sequence

from anabranch._core import Dtype, StreamOrDevice, array, float32, int32, scalar

"""

# Names of functions here that a class also needs as builtins.
SHADOWED = r"slice|type|round"

OVERLOADS = {
    "default_device": ["() -> Device", "(device: Device | DeviceType) -> StreamContext"],
}


def function(name, value):
    signature, summary = value.__doc__.split("\n\n", 1)
    doc = f'\n    """{summary}"""\n'
    if name in OVERLOADS:
        return "\n".join(f"@overload\ndef {name}{signature}:{doc}" for signature in OVERLOADS[name])
    return f"def {name}{signature[signature.index('(') :]}:{doc}"


def functions(module):
    names = [n for n, v in vars(module).items() if isinstance(v, type(len)) and not n.startswith("__")]
    return "\n".join(function(n, vars(module)[n]) for n in sorted(names))


def classes():
    _core.__name__ = "anabranch"  # where the classes say that they are
    generator = StubGen(_core, include_private=True)
    for name, value in vars(_core).items():
        if isinstance(value, type) and value is not _core.array:
            generator.put(value, name=name)
    text = generator.get() + "\n" + class_text(_core.array) + "\n"
    text = re.sub(r"\b(?:anabranch\._core|anabranch)\.(?=\w)", "", text)
    return re.sub(rf"(?<=[:>|\[] )({SHADOWED})(?= [|=]|[,)\]:])", r"builtins.\1", text)


def constants():
    kinds = (float, _core.Dtype, _core.DeviceType, _core.DtypeCategory)
    found = ((n, v) for n, v in vars(_core).items() if isinstance(v, kinds))
    return "".join(f"{name}: {type(value).__name__}\n" for name, value in found) + "newaxis: None\n"


def main(folder):
    stubs = {
        "_core": CORE_IMPORTS + classes() + ALIASES + constants() + "\n" + functions(_core),
        "linalg": SUBMODULE_IMPORTS + functions(_core.linalg),
        "random": SUBMODULE_IMPORTS + functions(_core.random),
    }
    for name, text in stubs.items():
        (folder / f"{name}.pyi").write_text(TITLE + text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1] / "anabranch")
