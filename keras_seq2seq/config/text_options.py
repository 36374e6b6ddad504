"""The options of the text: tokenizers, lengths, and which pairs to exclude."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import create_model

from keras_seq2seq.config.option_types import (
    NBestSize,
    Option,
    PositiveFloat,
    PositiveInt,
    ProperFraction,
    Switch,
    VocabularySize,
    one_of,
)
from keras_seq2seq.config.section import Section
from keras_seq2seq.text import TOKENIZERS, default_tokenizer
from keras_seq2seq.text.scripts import SCRIPTS
from keras_seq2seq.text.text_encoder import DEFAULT_NBEST_SIZE

TOKENIZER_NAMES = tuple(TOKENIZERS)
TokenizerType = one_of(*TOKENIZER_NAMES)
_DEFAULT_TOKENIZER = (
    "if not set, sentencepiece for a vocabulary file NAME.model and whitespace for any other one; "
    "without a vocabulary file, chosen from the text."
)


def tokenizer_name(config: Any, side: str) -> str:
    """Returns the tokenizer's name of a side; if not set, the vocabulary file determines it.

    Without a vocabulary file, training chooses a tokenizer from the text instead.
    """
    name = getattr(config.hparams, side).tokenizer
    return name or default_tokenizer(getattr(config, f"vocab_{side}"))


def _vocabulary_given(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        if getattr(config, f"vocab_{side}") is not None:
            return f"the vocabulary is that of vocab_{side}; leave out one of them"
        if TOKENIZERS[tokenizer_name(config, side)].vocabulary_suffix is None:
            return f"the tokenizer {tokenizer_name(config, side)} has a fixed vocabulary"
        return None

    return explain


def _nothing_counted(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        if TOKENIZERS[tokenizer_name(config, side)].can_sample:
            return f"a SentencePiece model has no minimum frequency; set {side}.vocab_size"
        return _vocabulary_given(side)(config)

    return explain


def _only_for_words(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        name = tokenizer_name(config, side)
        if "lowercase" in TOKENIZERS[name].hyperparameters:
            return None
        return f"the tokenizer {name} does not normalize text; set {side}.tokenizer=words"

    return explain


def _only_for_subwords(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        name = tokenizer_name(config, side)
        is_open = getattr(config.hparams, side).tokenizer is None
        # Training then chooses a tokenizer with subwords.
        if TOKENIZERS[name].can_sample or (is_open and getattr(config, f"vocab_{side}") is None):
            return None
        return f"the tokenizer {name} has no subwords; set {side}.tokenizer=sentencepiece"

    return explain


def _only_for_sampling(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        if getattr(config.hparams, side).sampling_alpha:
            return None
        return f"nothing is sampled; set {side}.sampling_alpha"

    return explain


_LOWERCASE = "Convert text to lowercase (tokenizer words)."
_NFKC = "Normalize text to Unicode normalization form NFKC (tokenizer words)."
_SAMPLING_ALPHA = (
    "Subword regularization in training (sentencepiece): exponent of the probabilities of "
    "segmentations, such as 0.1, or fraction of BPE merges to drop; 0 disables it."
)
_VOCAB_SIZE = (
    "Maximum number of tokens in a vocabulary built from the training text; if not set, usually "
    "1000 to 8000 for sentencepiece, depending on the text, and 30000 for other tokenizers."
)
_MIN_FREQUENCY = (
    "Minimum number of occurrences of a token for a vocabulary built from the training text; if "
    "not set, 2, or 1 if the text has fewer than 10,000 tokens."
)
_NBEST_SIZE = "Number of best segmentations to sample from (unigram models)."


def _text_options(side: str) -> dict[str, tuple[Any, Any]]:
    """Returns the types and defaults of the options of one side's tokenizer."""
    is_vocabulary_given, is_uncounted = _vocabulary_given(side), _nothing_counted(side)
    is_not_words = _only_for_words(side)
    sampling = Option(_SAMPLING_ALPHA, unused_because=_only_for_subwords(side))
    nbest = Option(_NBEST_SIZE, unused_because=_only_for_sampling(side))
    tokenizer = Option(f"{side.capitalize()} tokenizer; {_DEFAULT_TOKENIZER}")
    return {
        "tokenizer": (Annotated[TokenizerType | None, tokenizer], None),
        "vocab_size": (
            Annotated[
                VocabularySize | None, Option(_VOCAB_SIZE, unused_because=is_vocabulary_given)
            ],
            None,
        ),
        "min_frequency": (
            Annotated[PositiveInt | None, Option(_MIN_FREQUENCY, unused_because=is_uncounted)],
            None,
        ),
        "lowercase": (Annotated[Switch, Option(_LOWERCASE, unused_because=is_not_words)], False),
        "nfkc": (Annotated[Switch, Option(_NFKC, unused_because=is_not_words)], False),
        "sampling_alpha": (Annotated[ProperFraction, sampling], 0.0),
        "nbest_size": (Annotated[NBestSize, nbest], DEFAULT_NBEST_SIZE),
    }


def _max_length(side: str) -> tuple[Any, int]:
    description = (
        f"Maximum {side} length in tokens, end token included; chosen from the text if not set and "
        f"--vocab_{side} is missing."
    )
    return Annotated[PositiveInt, Option(description)], 40


SourceOptions = create_model(
    "SourceOptions",
    __base__=Section,
    __module__=__name__,
    __doc__="`source.*`: the source text.",
    max_seq_len=_max_length("source"),
    reverse=(Annotated[Switch, Option("Reverse the source tokens.")], False),
    **_text_options("source"),
)

TargetOptions = create_model(
    "TargetOptions",
    __base__=Section,
    __module__=__name__,
    __doc__="`target.*`: the target text.",
    max_seq_len=_max_length("target"),
    **_text_options("target"),
)


_SCRIPT = one_of(*SCRIPTS)


class FilterOptions(Section):
    """`filter.*`: pairs to exclude from the training data."""

    duplicates: Annotated[Switch, Option("Exclude repeated pairs.")] = False
    identical: Annotated[Switch, Option("Exclude pairs with identical sides.")] = False
    length_ratio: Annotated[
        PositiveFloat | None,
        Option(
            "Exclude pairs in which one side is more than this many times as long as the other, "
            "in characters."
        ),
    ] = None
    source_script: Annotated[
        _SCRIPT | None,
        Option("Exclude pairs if most letters of the source belong to other scripts."),
    ] = None
    target_script: Annotated[
        _SCRIPT | None,
        Option("Exclude pairs if most letters of the target belong to other scripts."),
    ] = None
    too_long: Annotated[
        Switch,
        Option(
            "Exclude pairs longer than source.max_seq_len or target.max_seq_len instead of "
            "truncating them."
        ),
    ] = False
