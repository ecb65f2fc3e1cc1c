"""MLX's import name on top of Anabranch: ``import mlx.core as mx`` is ``import anabranch as mx``."""
