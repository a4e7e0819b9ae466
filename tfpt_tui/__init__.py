"""Which is faster on this machine, TensorFlow or PyTorch, with which settings, and do both learn the same?"""

__version__ = "0.2.0"
