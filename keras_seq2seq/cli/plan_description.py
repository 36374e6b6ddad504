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
            *_describe_text("train", plan.train_summary, *limits),
            *_describe_text("dev", plan.dev_summary, *limits),
            f"{plan.steps:,} steps of {plan.config.batch_size:,} pairs",
        ]
    )


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
