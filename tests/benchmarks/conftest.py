"""Makes modules of the benchmarks importable.

Their directory is not added to the path, as its `decoding.py` would hide `tests/decoding`.
"""

import importlib.util
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

for name in ("measuring", "growth"):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
