"""What TensorFlow's own documentation shows a newcomer, literally; config/tracks.py lists what that is."""
