"""Monitor: the runs, live or recorded."""
