"""The model card of an exported model."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_seq2seq import __version__
from keras_seq2seq.config import Config
from keras_seq2seq.config.training_flags import as_names
from keras_seq2seq.decoding import BeamSearch, Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import LOWER_IS_BETTER
from keras_seq2seq.files.reading import read_small_file_if_any
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.model_directory import ModelDirectory

CARD_NAME = "README.md"

_MAX_METRICS_BYTES = 2**28


@dataclass(frozen=True)
class Agreement:
    """A comparison of an exported model with the original.

    Attributes:
        lines: Number of lines that both translated.
        equal: Number of lines with the same translation.
        largest_difference: The largest difference of the scores of equal translations, in nats.
    """

    lines: int
    equal: int
    largest_difference: float

    def __str__(self):
        return (
            f"{self.equal:,} of {self.lines:,} translations equal, scores of equal ones within "
            f"{self.largest_difference:.1e}"
        )


def describe_model(model_dirs: Sequence[str | os.PathLike]) -> dict[str, str]:
    """Returns facts about trained models for a model card: names and values."""
    facts = {}
    for number, directory in enumerate(map(ModelDirectory, model_dirs), 1):
        prefix = f"model {number}: " if len(model_dirs) > 1 else ""
        config = directory.load_config()
        cell = config.hparams.encoder_cell
        facts[f"{prefix}model"] = (
            f"{config.model}, {cell.type}, {cell.num_layers} x {cell.num_units} units"
        )
        if data := _training_files(config):
            facts[f"{prefix}training data"] = ", ".join(Path(path).name for path in data)
        if metrics := _best_metrics(directory.metrics_path, config.best_metric):
            facts[f"{prefix}dev metrics"] = ", ".join(
                f"{name.removeprefix('dev_')} {value:.4g}" for name, value in metrics.items()
            )
    return facts


def _training_files(config: Config) -> list[str]:
    """Returns the files and patterns of the training data."""
    given = (config.train_source, config.train_target, config.train_data)
    return [path for paths in given for path in as_names(paths)]


def name_search(search: Search) -> str:
    """Returns the name of a search that can be exported."""
    return "beam" if isinstance(search, BeamSearch) else "greedy"


def describe_search(search: Search) -> str:
    """Returns a search in words, for a model card."""
    return f"{name_search(search)}, up to {search.constraints.max_length} tokens"


def _best_metrics(path: Path, best_metric: str) -> dict[str, float]:
    """Returns the dev metrics of the best evaluation in `metrics.jsonl`."""
    name = f"dev_{best_metric}"
    try:
        content = read_small_file_if_any(path, _MAX_METRICS_BYTES) or b""
        records = map(json.loads, content.splitlines())
        evaluations = [record for record in records if isinstance(record[name], (int, float))]
    except (UserError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    if not evaluations:
        return {}
    is_lower_better = best_metric in LOWER_IS_BETTER
    best = (min if is_lower_better else max)(evaluations, key=lambda record: record[name])
    return {key: value for key, value in best.items() if key.startswith("dev_")}


def write_card(path: Path, facts: Mapping[str, Any], agreement: Agreement | None, usage: str):
    """Writes `README.md`.

    Args:
        path: The directory of the exported model, complete except for its card.
        facts: Facts about the model: names and values.
        agreement: The comparison with the original model, or `None` if there was none.
        usage: How to use the model, in Markdown.
    """
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    rows = {
        **facts,
        "size": f"{size / 1e6:.1f} MB",
        "exported by": f"keras-seq2seq {__version__}",
        "compared with the original": agreement or "no",
    }
    with atomic_file(path / CARD_NAME) as file:
        file.write("# Exported keras-seq2seq model\n\n| | |\n|---|---|\n")
        for name, value in rows.items():
            file.write(f"| {_cell(name)} | {_cell(value)} |\n")
        file.write(usage)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
