"""Compare: one comparison in several views."""
