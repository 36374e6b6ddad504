"""Puts this directory on the import path, for `reference` and `harness`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# Warnings are errors, except those that others cause.
OTHERS_WARNINGS = [
    # Keras converts its TensorFlow variables with np.array, saving them for example.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras",
]


def pytest_configure(config):
    for line in OTHERS_WARNINGS:
        config.addinivalue_line("filterwarnings", line)
