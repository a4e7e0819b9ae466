"""The terminal app: it reads the files of the runs, and sends down plans and requests to stop, nothing else."""
