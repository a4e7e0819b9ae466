"""Runs side by side: rows, statistics, verdicts, and whether they may be compared at all."""
