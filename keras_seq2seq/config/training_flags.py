"""The flags of `keras-seq2seq train`, one declaration each.

`Config` inherits these declarations, and the command derives its options from them. This module
imports neither pydantic nor Keras, so that `--help` stays fast.
"""

from typing import Annotated, Any

from keras_seq2seq.config.option_types import (
    BatchSizes,
    Buckets,
    Column,
    DataWeights,
    DirectoryPath,
    FilePath,
    FilePaths,
    NonNegativeFloat,
    NonNegativeInt,
    Option,
    Pattern,
    PositiveFloat,
    PositiveInt,
    PositiveSteps,
    ProfileSteps,
    SampleCount,
    Seed,
    Switch,
    join_choices,
    one_of,
)
from keras_seq2seq.evaluation import METRIC_NAMES

BEST_METRICS = ("loss", *METRIC_NAMES)

# Used if neither train_steps nor train_epochs is set.
DEFAULT_EPOCHS = 20

# Used if neither save_checkpoints_secs nor save_checkpoints_steps is set.
DEFAULT_CHECKPOINT_SECONDS = 600


def _no_initial_model(config: Any) -> str | None:
    if config.init_from is None:
        return "no model to initialize from; leave it out or set init_from"
    return None


def _no_table(config: Any) -> str | None:
    if config.train_data is None and config.dev_data is None:
        return "no table to read; leave it out or set train_data or dev_data"
    return None


def as_names(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Returns the names of files that a flag gives: one, several or none."""
    return (names,) if isinstance(names, str) else names or ()


def has_dev(config: Any) -> bool:
    """Returns whether dev text is given, or one side of it."""
    return any((config.dev_data, config.dev_source, config.dev_target))


def _dev_given(config: Any) -> str | None:
    if has_dev(config):
        return "dev text is given; leave out one of them"
    return None


def _replaced_by_bucket_sizes(config: Any) -> str | None:
    if config.bucket_batch_sizes:
        return "bucket_batch_sizes sets the size of every batch; leave out one of the two"
    return None


def _all_checkpoints_kept(config: Any) -> str | None:
    if config.keep_checkpoint_max == 0:
        return "all checkpoints are kept; leave it out or set keep_checkpoint_max"
    return None


class TrainingFlags:
    """The flags of `keras-seq2seq train` that are part of the configuration.

    Lengths of the run, paths and output settings may change when a run is resumed. What defines
    the model and its training may not. The contents of files are compared, not their paths.
    """

    model: Annotated[one_of("AttentionSeq2Seq", "BasicSeq2Seq"), Option("Model to train.")] = (
        "AttentionSeq2Seq"
    )
    train_source: Annotated[
        FilePaths | None,
        Option(
            "Training text, source side; plain, .gz, .zst or .xz. For several files, repeat "
            "the flags of both sides, or use a pattern such as train.*.en.",
            is_repeatable=True,
            may_change=True,
        ),
    ] = None
    train_target: Annotated[
        FilePaths | None,
        Option("Training text, target side, line-aligned.", is_repeatable=True, may_change=True),
    ] = None
    train_data: Annotated[
        FilePaths | None,
        Option(
            "Table with both sides of the training text, instead of --train_source and "
            "--train_target; .tsv, .csv, .jsonl, .parquet or .tfrecord. In train and tune, also a "
            "directory written by `keras-seq2seq prepare`.",
            is_repeatable=True,
            may_change=True,
        ),
    ] = None
    data_weights: Annotated[
        DataWeights | None,
        Option(
            "Number of times that each directory of --train_data is read per epoch, such as 1,3.  "
            "[default: once]"
        ),
    ] = None
    dev_source: Annotated[
        FilePaths | None,
        Option("Dev text, source side.", is_repeatable=True, may_change=True),
    ] = None
    dev_target: Annotated[
        FilePaths | None,
        Option("Dev text, target side, line-aligned.", is_repeatable=True, may_change=True),
    ] = None
    dev_data: Annotated[
        FilePaths | None,
        Option("Table with both sides of the dev text.", is_repeatable=True, may_change=True),
    ] = None
    dev_size: Annotated[
        PositiveInt | None,
        Option(
            "Number of dev pairs to draw from the training text if no dev text is given.  "
            "[default: 5 %, at most 2000]",
            unused_because=_dev_given,
        ),
    ] = None
    source_column: Annotated[
        Column | None,
        Option(
            "Source column of the tables, a name or a number starting with 1. With a name, the "
            "first row of TSV and CSV is a header.  [default: source, or the first of two]",
            may_change=True,
            unused_because=_no_table,
        ),
    ] = None
    target_column: Annotated[
        Column | None,
        Option(
            "Target column of the tables.  [default: target, or the second of two]",
            may_change=True,
            unused_because=_no_table,
        ),
    ] = None
    vocab_source: Annotated[
        FilePath | None,
        Option(
            "Source vocabulary: one token per line, or a SentencePiece model NAME.model.  "
            "[default: built from the training text]",
            may_change=True,
        ),
    ] = None
    vocab_target: Annotated[
        FilePath | None,
        Option(
            "Target vocabulary: one token per line, or a SentencePiece model NAME.model.  "
            "[default: built from the training text]",
            may_change=True,
        ),
    ] = None
    joint_vocabulary: Annotated[
        Switch,
        Option("Build one vocabulary from both sides, and share their embeddings."),
    ] = False
    batch_size: Annotated[
        PositiveInt,
        Option(
            "Sentence pairs per batch, or tokens per batch with --batch_type tokens.",
            unused_because=_replaced_by_bucket_sizes,
        ),
    ] = 64
    batch_type: Annotated[
        one_of("sentences", "tokens"),
        Option(
            "Unit of --batch_size; tokens are counted on the longer side, padding included.",
            unused_because=_replaced_by_bucket_sizes,
        ),
    ] = "sentences"
    buckets: Annotated[
        Buckets,
        Option(
            "Lengths at which a new bucket starts, such as 10,15,20; each batch takes its pairs "
            "from one bucket. 10x12 sets separate source and target lengths; auto chooses lengths "
            "from the training data."
        ),
    ] = "auto"
    bucket_batch_sizes: Annotated[
        BatchSizes,
        Option(
            "Sentence pairs per batch for each bucket, instead of --batch_size; one more value "
            "than --buckets."
        ),
    ] = ()
    train_steps: Annotated[
        PositiveSteps | None, Option("Total number of training steps.", may_change=True)
    ] = None
    train_epochs: Annotated[
        PositiveInt | None,
        Option(
            "Total number of passes over the training data; if --train_steps is given too, the "
            f"smaller limit applies.  [default: {DEFAULT_EPOCHS}, or no limit with --train_steps]",
            may_change=True,
        ),
    ] = None
    eval_every_n_steps: Annotated[
        PositiveSteps, Option("Training steps between evaluations.", may_change=True)
    ] = 1000
    best_metric: Annotated[
        one_of(*BEST_METRICS),
        Option(f"Dev metric that selects the best model: {join_choices(BEST_METRICS)}."),
    ] = "loss"
    init_from: Annotated[
        DirectoryPath | None,
        Option(
            "Model directory to initialize from; weights are matched by name and shape.",
            may_change=True,
        ),
    ] = None
    init_pattern: Annotated[
        Pattern,
        Option(
            "Load only the weights whose names contain a match of this regular expression, such "
            "as encoder.",
            may_change=True,
            unused_because=_no_initial_model,
        ),
    ] = ""
    dtype: Annotated[
        one_of("float32", "mixed_bfloat16"),
        Option("Dtype of computations; weights are float32 either way."),
    ] = "float32"
    early_stopping_patience: Annotated[
        PositiveInt | None,
        Option(
            "Stop after this many evaluations in a row without a new best.",
            may_change=True,
        ),
    ] = None
    save_checkpoints_steps: Annotated[
        PositiveSteps | None,
        Option(
            "Training steps between checkpoints, instead of --save_checkpoints_secs.",
            may_change=True,
        ),
    ] = None
    save_checkpoints_secs: Annotated[
        PositiveFloat | None,
        Option(
            f"Seconds between checkpoints; {DEFAULT_CHECKPOINT_SECONDS} if neither this nor "
            "--save_checkpoints_steps is given.",
            may_change=True,
        ),
    ] = None
    keep_checkpoint_max: Annotated[
        NonNegativeInt,
        Option("Number of most recent checkpoints to keep; 0 keeps all.", may_change=True),
    ] = 5
    keep_checkpoint_every_n_hours: Annotated[
        NonNegativeFloat,
        Option(
            "Hours between checkpoints that are kept permanently; 0 keeps none permanently.",
            may_change=True,
            unused_because=_all_checkpoints_kept,
        ),
    ] = 4.0
    sample_translations: Annotated[
        SampleCount,
        Option(
            "Dev sentences to translate and show at each evaluation, in the terminal and in "
            "TensorBoard; 0 for none.",
            may_change=True,
        ),
    ] = 2
    tensorboard_embeddings: Annotated[
        Switch,
        Option("Write the best model's embeddings for TensorBoard's projector.", may_change=True),
    ] = True
    profile_steps: Annotated[
        ProfileSteps | None,
        Option(
            "First and last training step to profile for TensorBoard, such as 100,110.",
            may_change=True,
        ),
    ] = None
    seed: Annotated[Seed, Option("Random seed.", aliases=("tf_random_seed",))] = 1


def missing_text_flags(config: Any) -> list[str]:
    """Returns the flags of text files that are required but not given, such as `--train_source`."""
    missing = []
    for part in ("train", "dev"):
        names = [f"{part}_source", f"{part}_target"]
        is_needed = part == "train" or any(getattr(config, name) is not None for name in names)
        if is_needed and getattr(config, f"{part}_data") is None:
            missing += [f"--{name}" for name in names if getattr(config, name) is None]
    return missing
