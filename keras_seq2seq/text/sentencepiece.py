"""SentencePiece models: unigram and BPE subwords of raw text."""

import hashlib
import os
import warnings
from collections.abc import Iterable
from typing import Any

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import read_small_file
from keras_seq2seq.files.standard_streams import muted_standard_error
from keras_seq2seq.files.text_lines import check_lines
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID
from keras_seq2seq.text.sentencepiece_training import train_sentencepiece, without_surrogates
from keras_seq2seq.text.tokenizer import Tokenizer, register_tokenizer
from keras_seq2seq.text.tokenizers import SPACE
from keras_seq2seq.text.vocabulary import Vocabulary

# A model with a million pieces takes 20 megabytes.
_MAX_MODEL_BYTES = 2**30

# Difference of the scores of the least probable piece and unknown characters, as in SentencePiece.
_UNKNOWN_PENALTY = 10.0


# A private-use character that marks special pieces in a graph.
_MARK = "\U0010fffd"


class _Pieces(Vocabulary):
    """The pieces of a model, which may include "UNK" and user-defined symbols such as "<s>"."""

    reserved = frozenset()


@register_tokenizer
class SentencePieceTokenizer(Tokenizer):
    """Splits raw text into the subwords of a SentencePiece model.

    The model's own normalization applies. Its pieces, without its control symbols and its unknown
    piece, have the ids from 4 in the order of the model, so any layout of special ids is accepted.
    Text such as "</s>" has no special meaning. If the model does not normalize, `detokenize`
    restores text exactly, except that "▁" (U+2581) becomes a space. Models created by `build` do
    not normalize by default.

    Args:
        model: The path of a model file, or its content as bytes.

    Raises:
        UserError: If the file cannot be read or is not a SentencePiece model.
        TypeError: If `model` is something else.

    Example:

    >>> tokenizer = SentencePieceTokenizer("raw.model")
    >>> tokenizer.split("Sleeping men.")
    ['▁Sleep', 'ing', '▁men', '.']
    >>> tokenizer.detokenize(['▁Sleep', 'ing', '▁men', '.'])
    'Sleeping men.'

    Reference:
        - Kudo and Richardson, 2018, "SentencePiece: A simple and language independent subword
          tokenizer and detokenizer for Neural Text Processing", https://arxiv.org/abs/1808.06226
    """

    name = "sentencepiece"
    vocabulary_suffix = ".model"
    keeps_white_space = True
    can_sample = True

    def __init__(self, model: str | os.PathLike | bytes):
        if isinstance(model, bytes):
            self.model, place = model, "model"
        elif isinstance(model, (str, os.PathLike)):
            self.model, place = read_small_file(model, _MAX_MODEL_BYTES), os.fspath(model)
        else:
            raise TypeError(f"`model` must be a path or bytes. Received: {model!r}")
        self._processor = _load(self.model, place)
        processor, size = self._processor, self._processor.get_piece_size()
        self._is_special = [processor.is_control(i) or processor.is_unknown(i) for i in range(size)]
        self._has_bytes = any(map(processor.is_byte, range(size)))
        names = [processor.id_to_piece(i) for i in range(size)]
        pairs = list(zip(names, self._is_special, strict=True))
        pieces = [name for name, is_special in pairs if not is_special]
        self._special_pieces = {name for name, is_special in pairs if is_special}
        if not pieces:
            raise UserError(f"{place}: the SentencePiece model has no pieces")
        super().__init__(_Pieces(pieces))

    @classmethod
    def build(
        cls,
        lines: Iterable[str],
        size: int | None = 8000,
        model_type: str = "unigram",
        *,
        byte_fallback: bool = True,
        character_coverage: float = 0.9995,
        user_defined_symbols: Iterable[str] = (),
        normalization: str = "identity",
        **options: Any,
    ) -> "SentencePieceTokenizer":
        """Trains a SentencePiece model.

        The result depends only on the arguments. By default, tokenization is lossless: text is not
        normalized, and characters without a piece are split into bytes.

        Args:
            lines: Iterable of lines of text: a list, an open file, a column of a DataFrame and so
                on. Bytes are decoded as UTF-8. Lines of more than 1 MiB are skipped.
            size: Maximum number of pieces, not counting the special tokens. It is reduced, with a
                `UserWarning`, if the text yields fewer. Defaults to 8000.
            model_type: "unigram" or "bpe".
            byte_fallback: Whether characters without a piece are split into bytes. If not, they are
                unknown. The 256 byte pieces count towards `size`.
            character_coverage: Fraction of the characters of the text that get a piece of their
                own, from 0.98 to 1.
            user_defined_symbols: Strings that are always a single piece.
            normalization: The name of SentencePiece's normalization, such as "nmt_nfkc". All but
                "identity" also remove extra spaces.
            **options: Other options of `sentencepiece.SentencePieceTrainer.train`.

        Returns:
            The tokenizer.

        Raises:
            UserError: If `size` is too small for the characters of the text, if there is no text,
                or if an option is invalid.
            TypeError: If `lines` is a single string or a table, or if one of its items is not a
                string. The message contains its index.

        Example:

        >>> tokenizer = SentencePieceTokenizer.build(open("train.en"), size=16_000)
        >>> tokenizer.vocabulary_size()
        16004
        """
        size = 8000 if size is None else size
        model = train_sentencepiece(
            check_lines(lines, "lines"),
            size,
            model_type,
            byte_fallback=byte_fallback,
            character_coverage=character_coverage,
            user_defined_symbols=user_defined_symbols,
            normalization=normalization,
            **options,
        )
        tokenizer = cls(model)
        found = len(tokenizer.vocabulary.tokens)
        if found < size:
            warnings.warn(
                f"size {size:,} is too large for the text; it was reduced to {found:,}",
                UserWarning,
                stacklevel=2,
            )
        return tokenizer

    @classmethod
    def load_vocabulary(cls, path: str | os.PathLike, **config: Any) -> "SentencePieceTokenizer":
        """Reads a model file, as the constructor does."""
        return cls(path, **config)

    def save_vocabulary(self, path: str | os.PathLike):
        """Writes the model file, atomically."""
        with atomic_file(path, binary=True) as file:
            file.write(self.model)

    def tokenize(self, lines):
        import tensorflow as tf

        return self._operation(out_type=tf.string).tokenize(lines)

    def __call__(self, lines):
        return self._to_ids(self._operation().tokenize(lines))

    def split(self, line: str) -> list[str]:
        return self._processor.encode(without_surrogates(line), out_type=str)

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins pieces into text.

        Byte pieces that are not valid UTF-8 become U+FFFD. Special tokens stay as they are.
        """
        # The processor would replace its unknown piece and remove control symbols. It returns
        # what is not a piece unchanged.
        tokens = [without_surrogates(token) for token in tokens]
        if self._special_pieces.isdisjoint(tokens):
            return self._processor.decode(tokens)
        mark = _unused_character(tokens)
        escaped = [f"{token}{mark}" if token in self._special_pieces else token for token in tokens]
        return self._processor.decode(escaped).replace(mark, "")

    def detokenize_tensor(self, tokens):
        import tensorflow as tf

        def make():
            return tf.constant(sorted(self._special_pieces) or [""])

        special = self._constant("special", make)
        is_special = tf.reduce_any(tokens.values[:, None] == special, axis=1)
        escaped = tf.strings.join([tokens.values, tf.where(is_special, _MARK, "")])
        escaped = tokens.with_values(escaped)
        # The operation removes all leading spaces. Some models keep all but one.
        keeps_spaces = self._processor.decode([SPACE, SPACE]) == " "
        if keeps_spaces:
            escaped = tf.concat([tf.fill([tokens.nrows(), 1], _MARK), escaped], axis=1)
        lines = self._operation().detokenize(escaped)
        if keeps_spaces:
            lines = tf.strings.regex_replace(lines, f"^{_MARK}", "", replace_global=False)
            first = tf.strings.reduce_join(tokens[:, :1], axis=-1)
            has_space = tf.strings.regex_full_match(first, f"(?s){SPACE}.*")
            without_space = tf.strings.regex_replace(lines, "^ ", "", replace_global=False)
            lines = tf.where(has_space, without_space, lines)
        has_special = tf.reduce_any(tokens.with_values(is_special), axis=1)
        return tf.where(has_special, tf.strings.regex_replace(lines, _MARK, ""), lines)

    def sample(self, lines, random_numbers, alpha: float, nbest_size: int):
        """Converts lines to ids with a random choice among segmentations.

        A unigram model samples from its `nbest_size` best segmentations, with probabilities
        proportional to their likelihoods to the power of `alpha`, using the random numbers. A BPE
        model drops merges with probability `alpha` (BPE-dropout), independently of the random
        numbers, since the TensorFlow Text operation has no seed.

        Args:
            lines: String tensor of shape `(lines,)`, encoded as UTF-8.
            random_numbers: Float32 tensor of shape `(lines,)` from a uniform distribution over
                [0, 1).
            alpha: Exponent of the likelihoods, or probability of dropping merges.
            nbest_size: Number of segmentations to choose from.

        Returns:
            `tf.RaggedTensor` of int32 of shape `(lines, None)`.

        Reference:
            - Kudo, 2018, "Subword Regularization", https://arxiv.org/abs/1804.10959
            - Provilkov et al., 2020, "BPE-Dropout", https://arxiv.org/abs/1910.13267
        """
        if not self._is_unigram():
            return self._to_ids(self._operation(nbest_size=-1, alpha=alpha).tokenize(lines))
        return self._to_ids(self._sample_unigram(lines, random_numbers, alpha, nbest_size))

    def _sample_unigram(self, lines, random_numbers, alpha: float, nbest_size: int):
        import tensorflow as tf

        # The operation returns the segmentations of all lines, but not the number per line. An
        # empty line has a single segmentation without pieces, which marks the end of each line.
        has_pieces = self._operation().tokenize(lines).row_lengths() > 0
        with_pieces = tf.boolean_mask(lines, has_pieces)
        marked = tf.reshape(tf.stack([with_pieces, tf.zeros_like(with_pieces)], axis=1), [-1])
        operation = self._operation(nbest_size=nbest_size, return_nbest=True)
        found = operation.tokenize(tf.concat([[""], marked], axis=0))
        is_mark = found.row_lengths() == 0
        line_of = tf.cumsum(tf.cast(is_mark, tf.int64), exclusive=True)
        scores = alpha * tf.reduce_sum(tf.gather(self._scores(), found), axis=1)
        scores = tf.where(is_mark, -float("inf"), scores)
        # Without the first row, the marker for lines without pieces.
        scores = tf.RaggedTensor.from_value_rowids(scores[1:], line_of[1:] - 1)
        starts = 1 + scores.row_starts()
        cumulative = tf.cumsum(tf.nn.softmax(scores.to_tensor(-float("inf")), axis=1), axis=1)
        wanted = tf.boolean_mask(random_numbers, has_pieces)[:, None] * cumulative[:, -1:]
        chosen = tf.reduce_sum(tf.cast(cumulative <= wanted, tf.int64), axis=1)
        positions = tf.cast(tf.where(has_pieces), tf.int64)
        shape = tf.shape(lines, out_type=tf.int64)
        return tf.gather(found, tf.scatter_nd(positions, starts + chosen, shape))

    def can_be_unknown(self) -> bool:
        """Returns whether the model has no pieces for bytes."""
        return not self._has_bytes

    def fingerprint(self) -> str:
        """Returns the SHA-256 hash of the model."""
        return hashlib.sha256(self.model).hexdigest()

    def _is_unigram(self) -> bool:
        # A BPE model has no n-best segmentations.
        try:
            self._processor.nbest_encode_as_ids("", 2)
        except RuntimeError:
            return False
        return True

    def _to_ids(self, model_ids):
        """Maps the ids of the model to the ids of this package."""
        import tensorflow as tf

        def make():
            free = iter(range(len(SPECIAL_TOKENS), len(self._is_special) + len(SPECIAL_TOKENS)))
            return tf.constant([UNKNOWN_ID if is_s else next(free) for is_s in self._is_special])

        return tf.gather(self._constant("ids", make), model_ids)

    def _scores(self):
        """Returns the log-probability of each piece, float32 of shape `(pieces,)`."""
        import tensorflow as tf

        def make():
            scores = [self._processor.get_score(i) for i in range(len(self._is_special))]
            unknown = min(scores) - _UNKNOWN_PENALTY
            return tf.constant(
                [
                    unknown if self._processor.is_unknown(i) else score
                    for i, score in enumerate(scores)
                ]
            )

        return self._constant("scores", make)

    def _operation(self, **options: Any):
        """Returns the tokenizer of TensorFlow Text."""

        def make():
            import tensorflow_text

            with muted_standard_error():
                operation = tensorflow_text.SentencepieceTokenizer(self.model, **options)
                operation._model_resource = _shared_resource(self.model, self.fingerprint())
                return operation

        return self._constant(tuple(options.items()), make)


def _load(model: bytes, place: str):
    import sentencepiece

    # An empty model is accepted by the processor, which then logs an error at each call.
    if not model:
        raise UserError(f"{place}: empty file; expected a SentencePiece model")
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        for i in range(processor.get_piece_size()):
            processor.id_to_piece(i)
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{place}: damaged, or not a SentencePiece model") from error
    return processor


def _unused_character(tokens: list[str]) -> str:
    """Returns a private-use character that is not in the tokens."""
    text = "".join(tokens)
    return next(chr(code) for code in range(0xF0000, 0x10FFFE) if chr(code) not in text)


def _shared_resource(model: bytes, name: str):
    """Returns the resource of a model, which exists until the process ends.

    That of TensorFlow Text belongs to a kernel, and vanishes with it when the global seed is set or
    the session of Keras is cleared. There is no public interface for a shared one; a test fails if
    the private details used here change.
    """
    from tensorflow.python.trackable.resource import TrackableResource
    from tensorflow_text.python.ops.sentencepiece_tokenizer import gen_sentencepiece_tokenizer

    class SharedResource(TrackableResource):
        def _create_resource(self):
            return gen_sentencepiece_tokenizer.sentencepiece_op(model=model, shared_name=name)

    resource = SharedResource()
    _ = resource.resource_handle  # Creates it.
    return resource
