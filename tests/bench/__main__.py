"""``python -m tests.bench [startup] [prepare] [ui] [sampler] [many] [neutrality]``: each beside a reference."""

import importlib
import sys

BENCHES = ("startup", "prepare", "ui", "sampler", "many", "neutrality")

for name in sys.argv[1:] or BENCHES:
    print(f"== {name}", flush=True)
    importlib.import_module(f"tests.bench.{name}").main()
