"""From a plan to the record of every run: supervisor, launch, and the readers of run directories."""
