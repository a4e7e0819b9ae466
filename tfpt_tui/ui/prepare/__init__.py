"""Prepare: the datasets that are there, and how a new one is made."""
