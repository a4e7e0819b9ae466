"""Dialogs that several screens or the app itself open."""
