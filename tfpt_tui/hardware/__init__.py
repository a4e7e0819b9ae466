"""CPU and GPU readings, taken by the supervisor and never by the worker that is measured."""
