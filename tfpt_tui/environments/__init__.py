"""The Python interpreters that the frameworks live in."""
