"""What users ask for: a comparison, its export, and how long a plan will take."""
