"""The report of `train` and `prepare` on the data: sizes, dropped pairs, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras_seq2seq.wording import count

if TYPE_CHECKING:
    from keras_seq2seq.config import Config
    from keras_seq2seq.data import ParallelTextSummary, TextSummary
    from keras_seq2seq.data.pairs import Pairs
    from keras_seq2seq.text import TextEncoder
    from keras_seq2seq.training import TrainingPlan


def describe_plan(plan: TrainingPlan) -> str:
    """Returns a summary of the data and the length of the run."""
    hparams = plan.config.hparams
    limits = hparams.source.max_seq_len, hparams.target.max_seq_len
    return "\n".join(
        [
            *plan.notes,
            *_describe_initial_weights(plan),
            *_describe_text("train", plan.train_summary, *limits),
            *_describe_text("dev", plan.dev_summary, *limits),
            f"{count(plan.steps, 'step')} of {_describe_batches(plan)}",
            _describe_padding(plan),
            *(
                warn_of_swapped_vocabularies(plan.config, plan.train, plan.source, plan.target)
                or _warn(plan.train_summary, plan.config)
            ),
            *(
                warn_of_swapped_sides(plan.config, plan.train, plan.dev)
                or _warn(plan.dev_summary, plan.config)
            ),
        ]
    )


def _warn(summary: ParallelTextSummary, config: Config) -> list[str]:
    """Returns warnings about text of which much is lost, with the option to change."""
    from keras_seq2seq.config.text_options import tokenizer_name
    from keras_seq2seq.data.parallel_text import MANY, NEARLY_ALL

    lines = []
    for side in ("source", "target"):
        text, options = getattr(summary, side), getattr(config.hparams, side)
        if text.truncated_rate > MANY:
            lines.append(
                f"warning: {side}.max_seq_len={options.max_seq_len} truncates "
                f"{text.truncated_rate:.1%} of the sequences of {text.path}; "
                f"{side}.max_seq_len={text.length_that_fits(NEARLY_ALL)} would fit "
                f"{NEARLY_ALL:.0%} of them"
            )
        if text.unknown_rate > MANY:
            is_given = getattr(config, f"vocab_{side}") is not None
            option = f"--vocab_{side}" if is_given else f"{side}.vocab_size"
            advice = "build a larger one for" if is_given else "increase"
            lines.append(
                f"warning: {text.unknown_rate:.1%} of the tokens of {text.path} are not in the "
                f"vocabulary; {advice} {option}, or correct {side}.tokenizer "
                f"({tokenizer_name(config, side)})"
            )
    return lines


# Number of pairs that show whether vocabularies, or the sides of the dev text, are swapped.
_COMPARED_PAIRS = 1000


def warn_of_swapped_vocabularies(
    config: Config, train: Pairs, source: TextEncoder, target: TextEncoder
) -> list[str]:
    """Returns a warning if the vocabularies of both sides seem to be swapped."""
    from keras_seq2seq.data.swapped_sides import are_tokenizers_swapped

    if None in (config.vocab_source, config.vocab_target):
        return []
    tokenizers = source.tokenizer, target.tokenizer
    if not are_tokenizers_swapped(train.first(_COMPARED_PAIRS), *tokenizers):
        return []
    return [
        f"warning: {config.vocab_source} suits the targets better than the sources, and "
        f"{config.vocab_target} the sources; swap --vocab_source and --vocab_target, or the "
        "training text"
    ]


def warn_of_swapped_sides(config: Config, train: Pairs, dev: Pairs) -> list[str]:
    """Returns a warning if the source and target sides of the dev text seem to be swapped."""
    from keras_seq2seq.data.swapped_sides import are_swapped

    if not are_swapped(train.first(_COMPARED_PAIRS), dev.first(_COMPARED_PAIRS)):
        return []
    flags = ("source_column", "target_column") if config.dev_data else ("dev_source", "dev_target")
    return [
        f"warning: {dev.names[0]} resembles the targets of the training text, and {dev.names[1]} "
        f"its sources; swap --{flags[0]} and --{flags[1]}"
    ]


def _describe_initial_weights(plan: TrainingPlan) -> list[str]:
    if plan.initial_weights is None:
        return []
    lines = []
    if warm_start := plan.initial_weights.warm_start:
        taken, left = warm_start.taken, warm_start.left
        lines.append(
            f"loaded {len(taken):,} of {count(len(taken) + len(left), 'weight')} from "
            f"{plan.config.init_from}"
        )
        lines += [f"  {path}: {tokens}" for path, tokens in taken.items() if tokens]
        lines += [f"  {path}: not loaded, {reason}" for path, reason in left.items()]
    for side, (found, tokens) in plan.initial_weights.word_vectors.items():
        lines.append(
            f"{side} embedding: loaded vectors for {found:,} of {count(tokens, 'token')} "
            f"({found / tokens:.1%})"
        )
    return lines


def _describe_batches(plan: TrainingPlan) -> str:
    fewest, most = min(plan.batching.batch_sizes), max(plan.batching.batch_sizes)
    if fewest == most:
        return count(most, "pair")
    text = f"{fewest:,} to {count(most, 'pair')}"
    if plan.config.batch_type == "tokens":
        text += f", at most {count(plan.config.batch_size, 'token')}"
    return text


def _describe_padding(plan: TrainingPlan) -> str:
    batching = plan.batching
    source, target = batching.padding(plan.train_summary.lengths)
    buckets = count(len(batching.batch_sizes), "bucket")
    return f"{buckets}: about {source:.1%} of the source and {target:.1%} of the target is padding"


def describe_dropped(dropped: Mapping[str, int]) -> list[str]:
    """Returns a line about the pairs that filters excluded, none if there are no such pairs."""
    reasons = [f"{number:,} {reason}" for reason, number in dropped.items()]
    return [f"  excluded: {', '.join(reasons)}"] if reasons else []


def _describe_text(
    name: str, summary: ParallelTextSummary, source_limit: int, target_limit: int
) -> list[str]:
    skipped = f" (skipped {count(summary.empty_pairs, 'pair')} with an empty side)"
    return [
        f"{name}: {count(summary.pairs, 'pair')}{skipped if summary.empty_pairs else ''}",
        *describe_dropped(summary.dropped),
        _describe_side("source", summary.source, source_limit),
        _describe_side("target", summary.target, target_limit),
    ]


def _describe_side(name: str, summary: TextSummary, limit: int) -> str:
    parts = [count(summary.tokens, "token"), f"{summary.unknown_rate:.1%} unknown"]
    if summary.truncated:
        truncated = count(summary.truncated, "sequence")
        parts.append(f"{truncated} truncated to {name}.max_seq_len={limit}")
    return f"  {name}: {', '.join(parts)}"
