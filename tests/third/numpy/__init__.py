"""NumPy: the same network, forward and backward by hand, to prove that a framework is a folder."""
