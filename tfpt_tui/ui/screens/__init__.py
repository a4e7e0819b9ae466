"""The four screens and the dialogs. A screen owns its data: handlers and workers live on it."""
