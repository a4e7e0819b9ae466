"""The article's own code path, reconstructed; config/tracks.py lists what it reproduces and what it leaves out."""
