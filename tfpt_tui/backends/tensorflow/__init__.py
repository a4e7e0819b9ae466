"""The TensorFlow arm: the same four files and functions as ``backends.pytorch``."""
