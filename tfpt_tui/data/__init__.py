"""Image datasets on disk: where they come from, how they are prepared, and the manifest that describes them."""
