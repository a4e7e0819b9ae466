"""What a run is asked to do: one declarative schema, presets, TOML in and out. Standard library only."""
