"""What runs outside of a plan: preparing a dataset, a first measurement, evidence for parity and neutrality."""
