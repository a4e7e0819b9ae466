"""Speed, always beside a reference that is taken in the same run: ``python -m tests.bench [NAME ...]``."""
