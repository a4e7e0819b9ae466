"""What recorded runs amount to: results, comparisons, and the formats they are shown and exported in."""
