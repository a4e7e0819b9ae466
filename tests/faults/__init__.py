"""Faults injected at random: whatever happens to files and processes, nothing is lost and nobody hangs."""
