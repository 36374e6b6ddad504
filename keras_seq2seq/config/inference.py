"""How a trained model decodes."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from keras_seq2seq.config.option_types import (
    Expected,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Seed,
    Switch,
    one_of,
)
from keras_seq2seq.config.section import Section


def _split_at_blanks(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(value) if isinstance(value, list) else value


Tokens = Annotated[
    tuple[str, ...], BeforeValidator(_split_at_blanks), Expected("tokens with blanks between them")
]
DType = one_of("float32", "bfloat16")
Probability = Annotated[float, Field(gt=0, le=1), Expected("a probability above 0 and at most 1")]


class BeamSearch(Section):
    """`inference.beam_search.*`."""

    beam_width: NonNegativeInt = Field(
        0, description="Hypotheses kept for each sentence; 0 and 1 decode greedily."
    )
    length_penalty_weight: NonNegativeFloat = Field(
        0.0, description="How much long hypotheses are favoured; 0 not at all."
    )
    coverage_penalty_weight: NonNegativeFloat = Field(
        0.0, description="How much unattended source tokens cost a hypothesis; 0 nothing."
    )


class Sampling(Section):
    """`inference.sampling.*`."""

    temperature: PositiveFloat = Field(
        1.0, description="Below 1 likely tokens are drawn even more often, above 1 less."
    )
    top_k: NonNegativeInt = Field(
        0, description="Draw from so many of the likeliest tokens; 0 from all."
    )
    top_p: Probability = Field(
        1.0, description="Draw from the fewest likeliest tokens of this probability together."
    )
    seed: Seed = Field(1, description="Seed of the drawing.")


class Inference(Section):
    """`inference.*`: translation with the trained model."""

    beam_search: BeamSearch = BeamSearch()
    sample: Switch = Field(
        False, description="Draw each token at random, instead of looking for the likeliest."
    )
    sampling: Sampling = Sampling()
    n_best: PositiveInt = Field(1, description="Hypotheses that are given for each sentence.")
    max_decode_length: PositiveInt = Field(
        100, description="Longest translation in tokens; a longer one is cut."
    )
    max_length_ratio: PositiveFloat | None = Field(
        None, description="Longest translation in tokens for each source token, and 10 more."
    )
    min_length: NonNegativeInt = Field(
        0, description="Shortest translation in tokens, the end token included."
    )
    min_length_ratio: NonNegativeFloat = Field(
        0.0, description="Shortest translation in tokens for each source token."
    )
    no_repeat_ngram_size: NonNegativeInt = Field(
        0, description="Length of the n-grams that no translation repeats; 0 for none."
    )
    ban_unk: Switch = Field(False, description="Never write an unknown word.")
    ban: Tokens = Field((), description="Tokens that are never written.")
    unk_replace: Switch = Field(
        False, description="Write for an unknown word the source token that it attends to."
    )
    dtype: DType | None = Field(
        None,
        description="Numbers to translate with, weights too; those of training if it is not set.",
    )
