"""Stands in for matplotlib in the supervisors of scripted runs: the real one takes each of them a second to load."""
