"""Anabranch: arrays on devices and streams, with MLX's API (``import anabranch as mx``)."""

import sys

from anabranch import _core
from anabranch._core import *  # noqa: F403
from anabranch._core import __version__, linalg, random

# So that `import anabranch.random` works.
sys.modules[__name__ + ".linalg"] = linalg
sys.modules[__name__ + ".random"] = random

del sys
