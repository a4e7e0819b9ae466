"""Stands in for matplotlib in the supervisors of scripted runs: the real one takes a second to load."""


def rcdefaults() -> None:
    pass
