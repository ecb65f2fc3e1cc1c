"""Anabranch: arrays on devices and streams, with MLX's API (``import anabranch as mx``)."""

from anabranch._core import *  # noqa: F403
from anabranch._core import __version__ as __version__

# isort: split
# Submodules of _core, which it has registered under these names.
from anabranch import linalg as linalg
from anabranch import random as random
