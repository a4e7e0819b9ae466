"""``python -m tests.bench [NAME ...]``: each beside a reference."""

import importlib
import sys

BENCHES = (
    *("startup", "first_step", "prepare", "ui", "keys", "sampler"),
    *("many", "watching", "neutrality", "duels", "machines"),
)

for name in sys.argv[1:] or BENCHES:
    print(f"== {name}", flush=True)
    importlib.import_module(f"tests.bench.{name}").main()
