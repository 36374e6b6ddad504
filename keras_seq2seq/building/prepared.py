"""Prepared records as the training data of a configuration."""

from itertools import chain
from pathlib import Path

from keras_seq2seq.config import Config
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.data.records import SIDES, dev_path, is_prepared
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import find_files


def prepared_directories(config: Config) -> list[str]:
    """Returns the directories of prepared records in `train_data`; none if it contains tables.

    Raises:
        UserError: If there are both tables and prepared records, or weights without records.
    """
    names = (config.train_data,) if isinstance(config.train_data, str) else config.train_data or ()
    paths = list(chain.from_iterable(map(find_files, names)))
    prepared = [path for path in paths if is_prepared(path)]
    if prepared and len(prepared) < len(paths):
        other = next(path for path in paths if path not in prepared)
        raise UserError(
            f"--train_data: {prepared[0]} contains prepared records, but {other} does not; prepare "
            "both, or use the text of both"
        )
    if config.data_weights and not prepared:
        raise UserError(
            "--data_weights: has an effect only if --train_data consists of directories written by "
            "keras-seq2seq prepare"
        )
    return prepared


def use_prepared_data(config: Config) -> Config:
    """Completes a configuration from the directories of prepared records in `train_data`.

    The tokenizers, their options and the dev text are those in the first directory, unless they are
    set.

    Args:
        config: The configuration.

    Returns:
        The configuration, unchanged without prepared records.

    Raises:
        UserError: If a directory is damaged, or if the directories have different tokenizers.
    """
    paths = prepared_directories(config)
    if not paths:
        return config
    records = RecordPairs(paths, config.data_weights)
    flags, sides = {}, {}
    has_dev = not (config.dev_data or config.dev_source or config.dev_target)
    for side, tokenizer in zip(SIDES, records.tokenizers, strict=True):
        if has_dev and dev_path(paths[0], side).exists():
            flags[f"dev_{side}"] = str(dev_path(paths[0], side))
        options = getattr(config.hparams, side)
        if getattr(config, f"vocab_{side}") is not None or options.tokenizer is not None:
            continue
        if tokenizer.vocabulary_suffix is not None:
            flags[f"vocab_{side}"] = str(Path(paths[0]) / f"{side}{tokenizer.vocabulary_suffix}")
        used = {name: tokenizer.get_config()[name] for name in tokenizer.hyperparameters}
        sides[side] = options.model_copy(update={"tokenizer": tokenizer.name, **used})
    hparams = config.hparams.model_copy(update=sides)
    return config.model_copy(update={**flags, "hparams": hparams})
