"""Prepared records as the training data of a configuration."""

import os

from keras_seq2seq.config import Config
from keras_seq2seq.config.config import unused_options
from keras_seq2seq.config.hyper_parameters import SHORTCUTS
from keras_seq2seq.config.section import OptionSource, show, validate_sources
from keras_seq2seq.config.text_options import FilterOptions
from keras_seq2seq.config.training_flags import as_names, has_dev
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.data.records import SIDES, dev_path, is_prepared
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import find_files


def prepared_directories(config: Config) -> list[str]:
    """Returns the directories of prepared records in `train_data`; none if it contains tables.

    Raises:
        UserError: If there are both tables and prepared records, or weights without records.
    """
    paths = [path for name in as_names(config.train_data) for path in find_files(name)]
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


def use_prepared_data(config: Config, is_resumed: bool = False) -> Config:
    """Completes a configuration from the directories of prepared records in `train_data`.

    The tokenizers, their options, the dev text and the hyperparameters of the manifest are those in
    the first directory, unless they are set. Hyperparameters that have no effect in this
    configuration are left out, as are shortcuts if those of another model are used (`init_from`
    without `init_pattern`) or those of the run that is resumed. The result is validated again, as
    the others can conflict with options that are set.

    Args:
        config: The configuration.
        is_resumed: Whether it is that of a run that is resumed.

    Returns:
        The configuration, unchanged without prepared records.

    Raises:
        UserError: If a directory is damaged, if the directories have different tokenizers, if there
            is no dev text, or if an option needs text or has no effect.
    """
    paths = prepared_directories(config)
    if not paths:
        return config
    _check_unfiltered(config, paths[0])
    _check_no_columns(config, paths[0])
    records = RecordPairs(paths, config.data_weights)
    flags, sides = {}, {}
    if not has_dev(config):
        flags = {f"dev_{side}": str(dev_path(paths[0], side)) for side in SIDES}
        if not all(map(os.path.exists, flags.values())):
            raise UserError(
                f"{paths[0]}: prepared without dev text; set --dev_source and --dev_target, or "
                "--dev_data"
            )
    for side, tokenizer in zip(SIDES, records.tokenizers, strict=True):
        options = getattr(config.hparams, side)
        if getattr(config, f"vocab_{side}") is not None:
            continue
        if options.tokenizer not in (None, tokenizer.name):
            raise UserError(
                f"{paths[0]}: prepared with the {side} tokenizer {tokenizer.name}, not "
                f"{options.tokenizer}; prepare the text again, or leave out {side}.tokenizer"
            )
        if (path := records.vocabulary_path(side)) is not None:
            flags[f"vocab_{side}"] = path
        arguments = tokenizer.get_config()
        sides[side] = {"tokenizer": tokenizer.name}
        for name in tokenizer.hyperparameters:
            value = getattr(options, name)
            if name in options.model_fields_set and value != arguments[name]:
                raise UserError(
                    f"{paths[0]}: prepared with {side}.{name}={show(arguments[name])}, not "
                    f"{show(value)}; prepare the text again, or leave out {side}.{name}"
                )
            sides[side][name] = arguments[name]
    completed = {**flags, "hparams": sides}
    given = config.model_dump(exclude_unset=True)
    left_out = set(unused_options(config))
    if is_resumed or (config.init_from is not None and not config.init_pattern):
        # They will be those of the run or of the other model.
        left_out.update(("hparams", *path) for path in SHORTCUTS.items())
    stored = {
        section: {
            name: value
            for name, value in options.items()
            if ("hparams", section, name) not in left_out
        }
        for section, options in records.hparams.items()
    }
    sources = [
        OptionSource(paths[0], {"hparams": stored}),
        OptionSource("the configuration", given),
        OptionSource(paths[0], completed),
    ]
    return validate_sources(Config, sources)


def _check_unfiltered(config: Config, path: str):
    default = FilterOptions()
    for name in FilterOptions.model_fields:
        if getattr(config.hparams.filter, name) != getattr(default, name):
            raise UserError(
                f"{path}: filter.{name} needs text, since prepared records contain ids; set it in "
                "keras-seq2seq prepare, and leave it out in training"
            )


def _check_no_columns(config: Config, path: str):
    if config.dev_data is not None:
        return
    for name in ("source_column", "target_column"):
        if getattr(config, name) is not None:
            raise UserError(
                f"--{name}: has no effect, since {path} contains prepared records; leave it out"
            )
