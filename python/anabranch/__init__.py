"""Anabranch: arrays on devices and streams, with MLX's API (``import anabranch as mx``)."""

from anabranch._core import *  # noqa: F403
from anabranch._core import __version__ as __version__
