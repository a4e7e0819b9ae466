"""``python -m tests.bench [prepare] [training] [ui] [sampler] [startup]``: print each as a ratio."""

import importlib
import sys

BENCHES = ("startup", "prepare", "ui", "sampler", "training")

for name in sys.argv[1:] or BENCHES:
    print(f"== {name}", flush=True)
    importlib.import_module(f"tests.bench.{name}").main()
