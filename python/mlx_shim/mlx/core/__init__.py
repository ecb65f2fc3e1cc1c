"""``mlx.core`` is the module ``anabranch`` itself, and ``mlx.core.X`` is ``anabranch.X``."""

import os
import sys


def _real_mlx():
    """The path of the real MLX's extension module, where one is installed on the path of this Python, or None.

    A regular package such as ours shadows the namespace package of the real MLX wherever it lies on the path, so
    without this check one of the two would be used silently in place of the other.
    """
    for entry in sys.path:
        try:
            files = os.listdir(os.path.join(entry, "mlx"))
        except OSError:
            continue
        for file in files:
            if file.startswith("core.") and file.endswith((".so", ".pyd")):
                return os.path.join(entry, "mlx", file)
    return None


def _become_anabranch():
    real = _real_mlx()
    if real is not None:
        raise ImportError(
            f"both distributions `mlx` ({real}) and `anabranch-mlx` ({__file__}) provide mlx.core. Uninstall one: "
            "`pip uninstall anabranch-mlx` keeps the real MLX (Anabranch remains there as `import anabranch as mx`); "
            "`pip uninstall mlx mlx-cpu mlx-metal mlx-cuda` gives mlx.core to Anabranch."
        )
    import anabranch

    prefix = "anabranch."
    for name, module in list(sys.modules.items()):
        submodule = name[len(prefix) :]
        if name.startswith(prefix) and not submodule.startswith("_"):
            sys.modules[f"{__name__}.{submodule}"] = module
    # The import system hands out what stands here under our name, so `mlx.core is anabranch`.
    sys.modules[__name__] = anabranch


_become_anabranch()
