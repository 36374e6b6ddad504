"""Choosing what the configuration of a run leaves open about its text.

This includes dev data, tokenizers and their vocabularies, maximum lengths and buckets.
Nothing is written: `ModelDirectory.create` writes tokenizers and dev data when the run starts, and
a resumed run reads them from there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_seq2seq.building.data import (
    build_text_encoders,
    choose_tokenizers,
    open_pairs,
    read_tokenizer,
    tokenizer_options,
)
from keras_seq2seq.building.filters import make_length_filters, make_text_filters
from keras_seq2seq.config import Config, set_if_open
from keras_seq2seq.config.config import unused_options
from keras_seq2seq.config.hyper_parameters import SHORTCUTS
from keras_seq2seq.config.training_flags import has_dev
from keras_seq2seq.data.dev_split import Pair, draw_dev, draw_sample, shared_text
from keras_seq2seq.data.filters import FilteredPairs
from keras_seq2seq.data.lines import StringLines
from keras_seq2seq.data.pairs import AlignedPairs, Pairs
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.text import TextEncoder, Tokenizer, build_tokenizer, choose_tokenizer
from keras_seq2seq.wording import count

_SIDES = ("source", "target")

# Number of pairs that tokenizers are built from, and that maximum lengths are chosen from.
_SAMPLE_SIZE = 200_000
_LENGTH_SAMPLE_SIZE = 20_000

# Maximum lengths are chosen to fit this fraction of the sequences, unless they are very long.
_FITTING = 0.995
_LONGEST = 256
# Translations may be this many times as long as the longest targets in training.
_DECODING_MARGIN = 2

# Options of a side that determine its tokenizer, besides the text.
_TOKENIZER_OPTIONS = ("tokenizer", "vocab_size", "min_frequency", "lowercase", "nfkc")


@dataclass(frozen=True)
class RunText:
    """The text of a run and how it is encoded.

    Attributes:
        config: The configuration with all choices.
        source: The `TextEncoder` of the sources.
        target: The `TextEncoder` of the targets.
        train: The training data.
        dev: The dev data.
        drawn_dev: The dev data if they were drawn from the training text, as a list of pairs.
        notes: Lines that report the choices.
    """

    config: Config
    source: TextEncoder
    target: TextEncoder
    train: Pairs
    dev: Pairs
    drawn_dev: list[Pair] | None = None
    notes: Sequence[str] = ()


def sides_without_vocabulary(config: Config) -> list[str]:
    """Returns the sides, "source" or "target", for which no vocabulary file is given."""
    return [side for side in _SIDES if getattr(config, f"vocab_{side}") is None]


def adopt_choices(config: Config, stored: Config, is_resumed: bool) -> Config:
    """Sets what the configuration leaves open to the choices of an earlier run.

    Args:
        config: The configuration.
        stored: The configuration of the earlier run.
        is_resumed: Whether the earlier run is resumed, so that all other options must be equal. If
            not, nothing is adopted for a side with another tokenizer.
    """
    raw = [
        side
        for side in sides_without_vocabulary(config)
        if is_resumed or _has_same_tokenizer(config, stored, side)
    ]
    for side in raw:
        config = set_if_open(
            config,
            side,
            tokenizer=getattr(stored.hparams, side).tokenizer,
            max_seq_len=getattr(stored.hparams, side).max_seq_len,
        )
    if raw and "buckets" not in config.model_fields_set:
        config = config.model_copy(update={"buckets": stored.buckets})
    if "target" in raw and config.hparams.target.max_seq_len == stored.hparams.target.max_seq_len:
        length = stored.hparams.inference.max_decode_length
        config = set_if_open(config, "inference", max_decode_length=length)
    if config.joint_vocabulary and raw:
        config = set_if_open(config, "embedding", share=stored.hparams.embedding.share)
    if is_resumed:
        config = adopt_shortcuts(config, stored)
        decay = stored.hparams.optimizer.lr_decay_type
        config = set_if_open(config, "optimizer", lr_decay_type=decay)
    return config


def adopt_shortcuts(config: Config, stored: Config) -> Config:
    """Sets the shortcuts of the model, if they are left open, to those of another model."""
    unused = unused_options(config)
    for section, name in SHORTCUTS.items():
        if ("hparams", section, name) not in unused:
            value = getattr(getattr(stored.hparams, section), name)
            config = set_if_open(config, section, **{name: value})
    return config


def keep_initial_weights(config: Config, stored: Config) -> tuple[Config, list[str]]:
    """Sets the names of the files of initial weights to those that an earlier run has read.

    A run that is resumed does not read them again, so that they may have been moved or removed.

    Returns:
        The configuration, and lines that report which of its own names are not used.
    """
    flags = {name: getattr(stored, name) for name in ("init_from", "init_pattern")}
    there, here = stored.hparams.embedding, config.hparams.embedding
    files = {name: getattr(there, name) for name in ("source_file", "target_file")}
    names = [(name, name, config, value) for name, value in flags.items()]
    names += [(f"embedding.{name}", name, here, value) for name, value in files.items()]
    notes = [
        f"{label}: {getattr(section, name)} is not used, since the run is resumed, which began "
        + (f"with {value}" if value else "without it")
        for label, name, section, value in names
        if getattr(section, name) not in (None, "", value)
    ]
    config = config.with_hparams(embedding=here.model_copy(update=files))
    return config.model_copy(update=flags), notes


def plan_text(config: Config, stored: ModelDirectory | None = None) -> RunText:
    """Opens the text of a run, and chooses what the configuration leaves open.

    Args:
        config: The configuration, after `adopt_choices` if there is an earlier run.
        stored: The directory of an earlier run, whose tokenizers and dev data are used where the
            configuration has none.

    Raises:
        UserError: If a file cannot be read, or no tokenizer can be built or no dev data can be
            drawn.
    """
    config = choose_tokenizers(config)
    if sides_without_vocabulary(config) and config.model == "AttentionSeq2Seq":
        for section, name in SHORTCUTS.items():
            config = set_if_open(config, section, **{name: True})
    # Missing files are reported before any of them is read.
    text = open_pairs(config, "train")
    dev = open_pairs(config, "dev") if has_dev(config) else None
    tokenizers, open_lengths = _read_tokenizers(config, stored), _find_open_lengths(config)
    if isinstance(text, RecordPairs):
        for side, tokenizer in zip(_SIDES, text.tokenizers, strict=True):
            # Not all arguments of the tokenizer are options of the configuration.
            if getattr(config, f"vocab_{side}") in (None, text.vocabulary_path(side)):
                tokenizers[side] = tokenizer
        open_lengths = []
    sample_size = _SAMPLE_SIZE if open_lengths or len(tokenizers) < len(_SIDES) else 0
    used, drawn, notes, sample = make_text_filters(config), None, [], []
    if dev is None:
        if stored is not None:
            dev = stored.open_dev()
            drawn = list(dev)
        else:
            # The sample is drawn in the same pass over the text.
            drawn, sample = draw_dev(
                FilteredPairs(text, used), config.dev_size, config.seed, sample_size
            )
            dev = _in_memory(drawn)
            notes.append(
                f"dev: drew {count(len(drawn), 'pair')} from the training text with --seed "
                f"{config.seed}; to change them, set --dev_size or give dev data"
            )
        used.append(shared_text(drawn))
    train = FilteredPairs(text, used) if used else text
    if sample_size:
        sample = sample or draw_sample(train, sample_size)
        config, tokenizers, built = _complete(config, sample, tokenizers, open_lengths)
        notes += built
    if "target" in sides_without_vocabulary(config):
        length = _DECODING_MARGIN * config.hparams.target.max_seq_len
        default = config.hparams.inference.max_decode_length
        config = set_if_open(config, "inference", max_decode_length=max(default, length))
    if config.joint_vocabulary and config.hparams.embedding.target_file is None:
        config = set_if_open(config, "embedding", share=True)
    source, target = build_text_encoders(config, tokenizers["source"], tokenizers["target"])
    if too_long := make_length_filters(config, source.tokenizer, target.tokenizer):
        train = FilteredPairs(text, [*used, *too_long])
    return RunText(config, source, target, train, dev, drawn, notes)


def _in_memory(pairs: list[Pair]) -> Pairs:
    sides = zip(zip(*pairs, strict=True), _SIDES, strict=True)
    return AlignedPairs(*(StringLines(list(lines), f"dev.{side}") for lines, side in sides))


def _read_tokenizers(config: Config, stored: ModelDirectory | None) -> dict[str, Tokenizer]:
    """Returns the tokenizers that do not need to be built."""
    open_sides = sides_without_vocabulary(config)
    tokenizers = {side: read_tokenizer(config, side) for side in _SIDES if side not in open_sides}
    if stored is not None and open_sides:
        stored_config = stored.load_config()
        found = dict(zip(_SIDES, stored.load_tokenizers(), strict=True))
        tokenizers |= {
            side: found[side]
            for side in open_sides
            if _has_same_tokenizer(config, stored_config, side)
        }
    return tokenizers


def _has_same_tokenizer(config: Config, stored: Config, side: str) -> bool:
    """Returns whether an earlier run built the tokenizer that a configuration asks for."""
    there, here = getattr(stored.hparams, side), getattr(config.hparams, side)
    names = [name for name in _TOKENIZER_OPTIONS if name != "tokenizer" or here.tokenizer]
    return config.joint_vocabulary == stored.joint_vocabulary and all(
        getattr(here, name) == getattr(there, name) for name in names
    )


def _find_open_lengths(config: Config) -> list[str]:
    """Returns the sides without a vocabulary file whose maximum length is not set."""
    return [
        side
        for side in sides_without_vocabulary(config)
        if "max_seq_len" not in getattr(config.hparams, side).model_fields_set
    ]


def _complete(
    config: Config,
    sample: list[Pair],
    tokenizers: dict[str, Tokenizer],
    open_lengths: Sequence[str],
) -> tuple[Config, dict[str, Tokenizer], list[str]]:
    """Builds the tokenizers that are missing, and chooses lengths that fit a sample."""
    missing = [side for side in _SIDES if side not in tokenizers]
    lines = dict(zip(_SIDES, zip(*sample, strict=True), strict=True))
    tokenizers, notes = dict(tokenizers), []
    groups = [_SIDES] if config.joint_vocabulary and missing else [(side,) for side in missing]
    for sides in groups:
        config, tokenizer, note = _build(config, sides, [lines[side] for side in sides])
        tokenizers |= dict.fromkeys(sides, tokenizer)
        notes.append(note)
    lengths = {
        side: _fitting_length(tokenizers[side], lines[side][:_LENGTH_SAMPLE_SIZE])
        for side in open_lengths
    }
    for side, length in lengths.items():
        config = set_if_open(config, side, max_seq_len=length)
    if lengths:
        chosen = " and ".join(f"{side}.max_seq_len={n}" for side, n in lengths.items())
        notes.append(f"lengths: {chosen}, to fit {_FITTING:.1%} of the sequences")
    return config, tokenizers, notes


def _build(
    config: Config, sides: Sequence[str], texts: Sequence[Sequence[str]]
) -> tuple[Config, Tokenizer, str]:
    """Chooses and builds the tokenizer of one side, or that of both."""
    lines = [line for group in zip(*texts, strict=True) for line in group]
    options = {name: _option_of_any(config, sides, name) for name in _TOKENIZER_OPTIONS}
    name, kind = options["tokenizer"], None
    if name is None:
        name, kind = choose_tokenizer(lines)
        if any(getattr(config.hparams, side).sampling_alpha for side in sides):
            name, kind = "sentencepiece", "subword regularization"
    for side in sides:
        config = set_if_open(config, side, tokenizer=name, overwrite_none=True)
        reasons = unused_options(config)
        path = ("hparams", side, "min_frequency")
        if getattr(config.hparams, side).min_frequency is not None and path in reasons:
            raise UserError(f"{side}.min_frequency: has no effect here: {reasons[path]}")
    label, prefix = " and ".join(sides), sides[0]
    try:
        tokenizer = build_tokenizer(
            name,
            lines,
            options["vocab_size"],
            options["min_frequency"],
            **tokenizer_options(config, prefix),
        )
    except UserError as error:
        raise UserError(
            f"the {label} vocabulary cannot be built: {error}; set {prefix}.vocab_size or "
            f"{prefix}.tokenizer"
        ) from error
    reason = f" for {kind}" if kind else ""
    size = count(len(tokenizer.vocabulary.tokens), "token")
    note = (
        f"{label}: {name} tokenizer{reason}, {size} from {count(len(texts[0]), 'pair')}; to change "
        f"it, set {prefix}.tokenizer or {prefix}.vocab_size"
    )
    return config, tokenizer, note


def _option_of_any(config: Config, sides: Sequence[str], name: str) -> Any:
    values = [getattr(getattr(config.hparams, side), name) for side in sides]
    return next((value for value in values if value is not None), None)


def _fitting_length(tokenizer: Tokenizer, lines: Sequence[str]) -> int:
    """Returns the length, with the end token, that fits nearly all lines."""
    lengths = sorted(len(tokenizer.split_line(line)) + 1 for line in lines)
    fitting = lengths[math.ceil(_FITTING * len(lengths)) - 1]
    return min(max(fitting, 2), _LONGEST)
