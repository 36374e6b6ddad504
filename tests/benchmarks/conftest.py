"""Makes modules of the benchmarks importable, without their folder on the path.

It has a `decoding.py` that would hide the folder of tests of that name.
"""

import importlib.util
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

for name in ("measuring", "growth"):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
