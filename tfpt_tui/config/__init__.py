"""The configuration of a run: one declarative schema, presets, TOML in and out. Standard library only."""
