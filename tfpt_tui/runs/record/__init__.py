"""The files of runs and sweeps on disk: written once, read by everything else."""
