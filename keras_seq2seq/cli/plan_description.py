"""What a run of training works on, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
