"""What is on disk: the results of runs, an index of them, datasets, and where a plan may start."""
