"""The PyTorch arm: the same four files and functions as ``backends.tensorflow``."""
