"""The stub of the class `array`, for make_stubs.py: its methods say their signatures, its type slots are told here."""

OPERAND = "scalar | array"

BINARY = "add sub mul truediv floordiv mod pow and or xor lshift rshift".split()
UNARY = "neg pos abs invert".split()
COMPARISONS = "lt le gt ge".split()
PROPERTIES = {
    "shape": "tuple[int, ...]",
    "dtype": "Dtype",
    "at": "ArrayAt",
    "__cuda_array_interface__": "dict[str, Any]",
    **dict.fromkeys(("T", "mT", "real", "imag"), "array"),
}


def slots():
    for name in BINARY:
        for form in (f"__{name}__", f"__r{name}__", f"__i{name}__"):
            yield f"def {form}(self, other: {OPERAND}, /) -> array: ..."
    for form in ("__matmul__", "__rmatmul__", "__imatmul__"):
        yield f"def {form}(self, other: array, /) -> array: ..."
    for form in ("__divmod__", "__rdivmod__"):
        yield f"def {form}(self, other: {OPERAND}, /) -> tuple[array, array]: ..."
    for name in UNARY:
        yield f"def __{name}__(self) -> array: ..."
    for name in COMPARISONS:
        yield f"def __{name}__(self, other: {OPERAND}, /) -> array: ..."
    for name in ("eq", "ne"):
        yield f"def __{name}__(self, other: object, /) -> array: ...  # type: ignore[override]"
    yield "def __hash__(self) -> int: ..."
    for name, result in {"bool": "bool", "int": "int", "float": "float", "index": "int", "len": "int"}.items():
        yield f"def __{name}__(self) -> {result}: ..."
    yield "def __contains__(self, value: object, /) -> bool: ..."
    yield "def __iter__(self) -> ArrayIterator: ..."
    yield "def __getitem__(self, index: Any, /) -> array: ..."
    yield "def __setitem__(self, index: Any, value: Any, /) -> None: ..."
    yield "def __buffer__(self, flags: int, /) -> memoryview: ..."


def documented(signature, summary):
    return f'{signature}:\n    """{summary}"""' if summary else f"{signature}: ..."


def members(cls):
    for name, value in vars(cls).items():
        kind = type(value).__name__
        if kind == "method_descriptor":
            signature, summary = value.__doc__.split("\n\n", 1)
            arguments = signature[signature.index("(") + 1 :]
            yield documented(f"def {name}(self{'' if arguments.startswith(')') else ', '}{arguments}", summary)
        elif kind == "nb_method":
            for signature, summary, *_ in value.__nb_signature__:
                yield documented(signature, summary)
        elif kind == "property":
            yield "@property\n" + documented(f"def {name}(self) -> {PROPERTIES.get(name, 'int')}", value.__doc__)


def class_text(cls):
    body = "\n".join([f'"""{cls.__doc__}"""', *members(cls), *slots()])
    return "class array:\n" + "".join(f"    {line}\n" if line else "\n" for line in body.split("\n"))
