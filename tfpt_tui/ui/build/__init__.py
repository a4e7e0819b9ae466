"""Build: choose where a plan starts, change its settings, and start it."""
