"""Training of SentencePiece models."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from keras_seq2seq.errors import UserError

MODEL_TYPES = ("unigram", "bpe")
NORMALIZATIONS = ("identity", "nfkc", "nfkc_cf", "nmt_nfkc", "nmt_nfkc_cf")

# Longer lines are skipped. SentencePiece's own limit is 4,192.
_MAX_LINE_BYTES = 2**20


def train_sentencepiece(
    lines: Iterable[str],
    size: int,
    model_type: str,
    *,
    byte_fallback: bool,
    character_coverage: float,
    user_defined_symbols: Iterable[str],
    normalization: str,
    **options: Any,
) -> bytes:
    """Trains a SentencePiece model. The arguments are those of `SentencePieceTokenizer.build`.

    Returns:
        The content of a model file.

    Raises:
        UserError: If `size` is too small for the characters of the text, if there is no text, or
            if an option is invalid.
    """
    if size < 1:
        raise UserError(f"size is {size}; expected at least 1")
    if model_type not in MODEL_TYPES:
        raise UserError(f"model_type is {model_type!r}; expected unigram or bpe")
    if normalization not in NORMALIZATIONS:
        raise UserError(
            f"the SentencePiece model cannot be built: normalization is {normalization!r}; "
            f"expected {', '.join(NORMALIZATIONS)}"
        )
    symbols = list(user_defined_symbols)
    for symbol in symbols:
        if not symbol or symbol != without_surrogates(symbol):
            raise UserError(
                f"user_defined_symbols contains {symbol!r}; expected text that is not empty"
            )
    options = {
        # The unknown piece is the only one that is not a token.
        "vocab_size": size + 1,
        "model_type": model_type,
        "byte_fallback": byte_fallback,
        "character_coverage": character_coverage,
        "user_defined_symbols": symbols,
        "normalization_rule_name": normalization,
        "remove_extra_whitespaces": normalization != "identity",
        "hard_vocab_limit": False,
        "max_sentence_length": _MAX_LINE_BYTES,
        # With several threads, the result is not reproducible.
        "num_threads": 1,
        "unk_id": 0,
        "bos_id": -1,
        "eos_id": -1,
        "pad_id": -1,
        "minloglevel": 2,
        **options,
    }
    return _train(lines, options)


def _train(lines: Iterable[str], options: dict[str, Any]) -> bytes:
    import sentencepiece

    errors = []

    def read() -> Iterator[str]:
        # The trainer reports errors as text only.
        try:
            yield from map(without_surrogates, lines)
        except Exception as error:
            errors.append(error)
            raise

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=read(), model_writer=model, **options
        )
    except (RuntimeError, ValueError, OSError) as error:
        if errors:
            raise errors[0] from None
        raise UserError(_explain(str(error), options)) from error
    return model.getvalue()


def _explain(message: str, options: dict[str, Any]) -> str:
    """Returns an error of the trainer as one line."""
    if found := re.search(r"smaller than required_chars\. (\d+) vs (\d+)", message):
        size, needed = int(found[1]) - 1, int(found[2]) - 1
        hint = "; without byte_fallback, 256 less" if options["byte_fallback"] else ""
        return f"size is {size}; the characters of the text need at least {needed}{hint}"
    if "!sentences_.empty()" in message or "all_chars_count" in message:
        return "no text; a SentencePiece model cannot be built"
    reason = re.sub(r"^[A-Z_]+: (src/\S+ )?", "", message.strip()).splitlines() or ["no reason"]
    return f"the SentencePiece model cannot be built: {reason[0]}"


def without_surrogates(text: str) -> str:
    """Returns the text with lone surrogates, which UTF-8 cannot express, as question marks."""
    return text.encode("utf-8", "replace").decode()
