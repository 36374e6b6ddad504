"""The decoding flags of `keras-seq2seq translate`, one declaration each.

They are the hyperparameters `inference.*`: `InferenceOptions` inherits these declarations, and the
command derives its options from them. This module imports neither pydantic nor Keras, so that
`--help` stays fast.
"""

from collections.abc import Callable
from typing import Annotated, Any

from keras_seq2seq.config.option_types import (
    BeamWidth,
    DecodeLength,
    HypothesisCount,
    NonNegativeFloat,
    NonNegativeInt,
    Option,
    PositiveFloat,
    Probability,
    Seed,
    Switch,
    Temperature,
    Tokens,
    one_of,
    walk_flags,
)


def _no_beam(config: Any) -> str | None:
    inference = config.hparams.inference
    if inference.sample:
        return "sampling uses no beam"
    if inference.beam_search.beam_width <= 1:
        return "it needs a beam_width of at least 2"
    return None


def _sampling(config: Any) -> str | None:
    return "sampling uses no beam" if config.hparams.inference.sample else None


def _no_sampling(config: Any) -> str | None:
    return None if config.hparams.inference.sample else "it needs sample"


def _no_attention(config: Any) -> str | None:
    return "BasicSeq2Seq has no attention" if config.model == "BasicSeq2Seq" else None


def _too_few_hypotheses(config: Any) -> str | None:
    inference = config.hparams.inference
    if inference.sample or inference.n_best <= max(inference.beam_search.beam_width, 1):
        return None
    return f"it needs sample, or a beam_width of at least {inference.n_best}"


def _above_max_length(option: str) -> Callable[[Any], str | None]:
    def reason(config: Any) -> str | None:
        inference = config.hparams.inference
        if getattr(inference, option) > inference.max_decode_length:
            return f"the maximum length is {inference.max_decode_length}"
        return None

    return reason


def _no_unknown_tokens(config: Any) -> str | None:
    banned = config.hparams.inference.ban_unk
    return _no_attention(config) or ("ban_unk excludes unknown tokens" if banned else None)


class BeamSearchFlags:
    """The flags of beam search."""

    beam_width: Annotated[
        BeamWidth, Option("Beam width; 0 and 1 decode greedily.", unused_because=_sampling)
    ] = 0
    length_penalty_weight: Annotated[
        NonNegativeFloat,
        Option(
            "Strength of the length penalty, such as 0.6; larger values favor longer output, 0 "
            "disables it.",
            unused_because=_no_beam,
        ),
    ] = 0.0
    coverage_penalty_weight: Annotated[
        NonNegativeFloat,
        Option(
            "Strength of the penalty for unattended source tokens; 0 disables it.",
            unused_because=lambda config: _no_attention(config) or _no_beam(config),
        ),
    ] = 0.0


class SamplingFlags:
    """The flags of sampling."""

    temperature: Annotated[
        Temperature,
        Option(
            "Sampling temperature; values below 1 favor likely tokens.",
            unused_because=_no_sampling,
        ),
    ] = 1.0
    top_k: Annotated[
        NonNegativeInt,
        Option(
            "Sample from this many of the most likely tokens; 0 samples from all.",
            unused_because=_no_sampling,
        ),
    ] = 0
    top_p: Annotated[
        Probability,
        Option(
            "Sample from the smallest set of most likely tokens with this total probability.",
            unused_because=_no_sampling,
        ),
    ] = 1.0
    seed: Annotated[
        Seed,
        Option(
            "Random seed for sampling.", aliases=("sampling_seed",), unused_because=_no_sampling
        ),
    ] = 1


class InferenceFlags:
    """The flags of decoding."""

    beam_search: BeamSearchFlags
    sample: Annotated[
        Switch, Option("Sample tokens at random instead of searching for the most likely output.")
    ] = False
    sampling: SamplingFlags
    n_best: Annotated[
        HypothesisCount,
        Option("Translations to return per sentence.", unused_because=_too_few_hypotheses),
    ] = 1
    max_decode_length: Annotated[
        DecodeLength,
        Option(
            "Maximum output length in tokens, end token included; longer output is cut off.",
            flag="max_length",
        ),
    ] = 100
    max_length_ratio: Annotated[
        PositiveFloat | None,
        Option("Limit the output to this many tokens per source token, plus 10."),
    ] = None
    min_length: Annotated[
        NonNegativeInt,
        Option(
            "Minimum output length in tokens, end token included.",
            unused_because=_above_max_length("min_length"),
        ),
    ] = 0
    min_length_ratio: Annotated[
        NonNegativeFloat, Option("Minimum output length as a multiple of the source length.")
    ] = 0.0
    no_repeat_ngram_size: Annotated[
        NonNegativeInt,
        Option(
            "Never repeat an n-gram of this size within a translation; 0 allows repetition.",
            unused_because=_above_max_length("no_repeat_ngram_size"),
        ),
    ] = 0
    ban_unk: Annotated[Switch, Option("Never output the unknown token.")] = False
    ban: Annotated[Tokens, Option("Space-separated tokens to ban from the output.")] = ()
    unk_replace: Annotated[
        Switch,
        Option(
            "Replace each unknown token in the output with its most attended source token.",
            unused_because=_no_unknown_tokens,
        ),
    ] = False
    dtype: Annotated[
        one_of("float32", "bfloat16") | None,
        Option(
            "Dtype of weights and computations; if not set, that of training. bfloat16 is faster "
            "on CPUs with native support."
        ),
    ] = None


# The path of each decoding option in `InferenceOptions`, by the names of its flag.
DECODING_OPTIONS = {name: flag.path for flag in walk_flags(InferenceFlags) for name in flag.names}
