"""PyTorch as fast as it gets here: config/tracks.py lists what that is, and what stays as on parity."""
