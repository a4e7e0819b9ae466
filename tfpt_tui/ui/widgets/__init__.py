"""Widgets that several screens share; none of them reads a file or knows a screen."""
