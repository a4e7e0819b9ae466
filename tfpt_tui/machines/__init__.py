"""Other machines: plans are sent to the tfpt-tui there, and what it records is copied here while it grows."""
