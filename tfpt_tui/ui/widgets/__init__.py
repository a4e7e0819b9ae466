"""Widgets that show data they are given; none of them reads a file or knows a screen."""
