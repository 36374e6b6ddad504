"""From a configuration to the filters of training data."""

from keras_seq2seq.config import Config
from keras_seq2seq.data.filters import (
    Duplicates,
    Filter,
    Identical,
    LengthRatio,
    TooLong,
    WrongScript,
)
from keras_seq2seq.text import Tokenizer


def make_text_filters(config: Config) -> list[Filter]:
    """Returns the filters that need no tokenizer. They apply to drawn dev data too."""
    options = config.hparams.filter
    chosen: list[Filter] = []
    if options.identical:
        chosen.append(Identical())
    if options.length_ratio is not None:
        chosen.append(LengthRatio(options.length_ratio))
    if options.source_script or options.target_script:
        chosen.append(WrongScript(options.source_script, options.target_script))
    if options.duplicates:
        # This filter is last, so that it only remembers pairs that are kept.
        chosen.append(Duplicates())
    return chosen


def make_length_filters(config: Config, source: Tokenizer, target: Tokenizer) -> list[Filter]:
    """Returns the filters that count tokens.

    Args:
        config: The configuration, with the maximum lengths.
        source: The tokenizer of the sources.
        target: The tokenizer of the targets.
    """
    hparams = config.hparams
    if not hparams.filter.too_long:
        return []
    return [TooLong((source, target), (hparams.source.max_seq_len, hparams.target.max_seq_len))]
