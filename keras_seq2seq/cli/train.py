"""`keras-seq2seq train`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.options import ConfigNumber

if TYPE_CHECKING:
    from keras_seq2seq.data import ParallelTextSummary, TextSummary
    from keras_seq2seq.training import TrainingPlan


def describe_plan(plan: TrainingPlan) -> str:
    """Returns lines about the data and the length of the run."""
    hparams = plan.config.hparams
    limits = hparams.source.max_seq_len, hparams.target.max_seq_len
    return "\n".join(
        [
            *_describe_initial_weights(plan),
            *_describe_text("train", plan.train_summary, *limits),
            *_describe_text("dev", plan.dev_summary, *limits),
            f"{plan.steps:,} steps of {_describe_batches(plan)}",
            _describe_padding(plan),
        ]
    )


def _describe_initial_weights(plan: TrainingPlan) -> list[str]:
    if plan.initial_weights is None:
        return []
    lines = []
    if warm_start := plan.initial_weights.warm_start:
        taken, left = warm_start.taken, warm_start.left
        lines.append(
            f"{len(taken):,} of {len(taken) + len(left):,} weights begin with those of "
            f"{plan.config.init_from}"
        )
        lines += [f"  {path}: {tokens}" for path, tokens in taken.items() if tokens]
        lines += [f"  {path}: fresh, {reason}" for path, reason in left.items()]
    for side, (found, tokens) in plan.initial_weights.word_vectors.items():
        lines.append(
            f"{side} embedding: {found:,} of {tokens:,} tokens ({found / tokens:.1%}) begin with "
            "vectors of the file"
        )
    return lines


def _describe_batches(plan: TrainingPlan) -> str:
    fewest, most = min(plan.batching.batch_sizes), max(plan.batching.batch_sizes)
    if fewest == most:
        return f"{most:,} pairs"
    limit = f", at most {plan.config.batch_size:,} tokens" * (plan.config.batch_type == "tokens")
    return f"{fewest:,} to {most:,} pairs{limit}"


def _describe_padding(plan: TrainingPlan) -> str:
    batching = plan.batching
    source, target = batching.padding(plan.train_summary.lengths)
    buckets = "1 bucket" if not batching.buckets else f"{len(batching.batch_sizes)} buckets"
    return f"{buckets}: about {source:.1%} of the source and {target:.1%} of the target is padding"


def _describe_text(
    name: str, summary: ParallelTextSummary, source_limit: int, target_limit: int
) -> list[str]:
    skipped = f" ({summary.empty_pairs:,} with an empty side skipped)" * bool(summary.empty_pairs)
    return [
        f"{name}: {summary.pairs:,} pairs{skipped}",
        _describe_side("source", summary.source, source_limit),
        _describe_side("target", summary.target, target_limit),
    ]


def _describe_side(name: str, summary: TextSummary, limit: int) -> str:
    parts = [f"{summary.tokens:,} tokens", f"{summary.unknown_rate:.1%} unknown"]
    if summary.truncated:
        parts.append(f"{summary.truncated:,} sequences cut to {name}.max_seq_len={limit}")
    return f"  {name}: {', '.join(parts)}"


NUMBER = ConfigNumber()


@click.command(
    epilog="The six files are needed, here or in a --config file; the best model on the dev "
    "files is kept."
)
@click.option("--train_source", metavar="FILE", help="Text to learn from, plain or .gz.")
@click.option("--train_target", metavar="FILE", help="What belongs to it, line by line.")
@click.option("--dev_source", metavar="FILE", help="Text to evaluate on, plain or .gz.")
@click.option("--dev_target", metavar="FILE", help="What belongs to it, line by line.")
@click.option("--vocab_source", metavar="FILE", help="Source vocabulary, one token a line.")
@click.option("--vocab_target", metavar="FILE", help="Target vocabulary, one token a line.")
@click.option("--model", metavar="NAME", help="AttentionSeq2Seq (the default) or BasicSeq2Seq.")
@click.option("--batch_size", type=NUMBER, help="Pairs in a batch, or tokens.  [default: 32]")
@click.option(
    "--batch_type",
    metavar="NAME",
    help="What --batch_size counts: sentences (pairs) or tokens (of the longer side, padding "
    "included).  [default: sentences]",
)
@click.option(
    "--hparams",
    metavar="NAME=VALUE,...",
    multiple=True,
    help="Hyper-parameters, such as rnn_cell.num_units=256.",
)
@click.option("--output_dir", metavar="DIR", required=True, help="Where the model is written.")
@click.option(
    "--buckets",
    metavar="LENGTH,...",
    help="Lengths at which a new bucket starts, such as 10,15,20; pairs are batched with pairs "
    "of their bucket. 10x12 has a length for the source and one for the target; auto chooses.",
)
@click.option(
    "--bucket_batch_sizes",
    metavar="N,...",
    help="Pairs in a batch of each bucket, instead of --batch_size; one more than --buckets.",
)
@click.option("--train_steps", type=NUMBER, help="Batches to train on, counted from the start.")
@click.option("--train_epochs", type=NUMBER, help="Passes over the training text.")
@click.option(
    "--eval_every_n_steps", type=NUMBER, help="Steps between two evaluations.  [default: 1000]"
)
@click.option(
    "--best_metric",
    metavar="NAME",
    help="Dev metric that picks the model to keep: loss, bleu, chrf, exact_match, ...  "
    "[default: loss]",
)
@click.option(
    "--init_from",
    metavar="DIR",
    help="Begin with the weights of this model, those of the same name and shape.",
)
@click.option(
    "--init_pattern", metavar="REGEX", help="Only those whose name this is found in: encoder."
)
@click.option(
    "--dtype",
    metavar="NAME",
    help="float32, or mixed_bfloat16, which keeps float32 for the weights.  [default: float32]",
)
@click.option(
    "--sample_translations",
    type=NUMBER,
    help="Dev sentences to translate and show at each evaluation, here and in TensorBoard; 0 for "
    "none.  [default: 2]",
)
@click.option(
    "--tensorboard_embeddings",
    type=click.BOOL,
    metavar="true|false",
    help="Write the best model's embeddings for TensorBoard's projector.  [default: true]",
)
@click.option(
    "--profile_steps",
    metavar="FIRST,LAST",
    help="Training steps to profile for TensorBoard, such as 100,110.",
)
@click.option(
    "--early_stopping_patience",
    type=NUMBER,
    help="Evaluations without a new best after which training stops.",
)
@click.option(
    "--save_checkpoints_steps",
    type=NUMBER,
    help="Steps between two checkpoints, in place of seconds.",
)
@click.option(
    "--save_checkpoints_secs", type=NUMBER, help="Seconds between two checkpoints.  [default: 600]"
)
@click.option(
    "--keep_checkpoint_max",
    type=NUMBER,
    help="Newest checkpoints to keep; 0 keeps all.  [default: 5]",
)
@click.option(
    "--keep_checkpoint_every_n_hours",
    type=NUMBER,
    help="Hours after which one more checkpoint is kept for good; 0 keeps none.  [default: 4]",
)
@click.option(
    "--resume",
    type=click.Choice(["auto", "never", "must"]),
    default="auto",
    show_default=True,
    help="Go on with the run in --output_dir if there is one; never: remove it and begin anew; "
    "must: fail if there is none.",
)
@click.option(
    "--seed", "--tf_random_seed", "seed", type=NUMBER, help="Seed of all chance.  [default: 1]"
)
@click.option(
    "--config",
    "config_files",
    metavar="FILE",
    multiple=True,
    help="YAML file of these flags; the last of several wins, and flags beat files.",
)
@click.option(
    "--dry_run",
    is_flag=True,
    help="Check everything, show the configuration and the model, train nothing.",
)
def train(
    output_dir: str,
    config_files: tuple[str, ...],
    hparams: tuple[str, ...],
    resume: str,
    dry_run: bool,
    **flags: Any,
):
    """Train a model on two line-aligned text files.

    The same command goes on with a training that was interrupted.
    """
    from keras_seq2seq.config import dump_config, resolve_config

    config = resolve_config(config_files, flags, ",".join(hparams))

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq import training

    plan = training.plan_training(config, output_dir, resume)
    click.echo(describe_plan(plan), err=True)
    if dry_run:
        click.echo(dump_config(plan.config))
        plan.model.summary()
        return
    training.train(plan)
    click.echo(f"Translate with: keras-seq2seq translate --model_dir {output_dir}", err=True)
