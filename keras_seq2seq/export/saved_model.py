"""SavedModels that map text to text, for TensorFlow Serving."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from keras_seq2seq import backend
from keras_seq2seq.decoding import SamplingSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.export.card import describe_search
from keras_seq2seq.export.warm_up import write_warm_up
from keras_seq2seq.files.standard_streams import muted_standard_error
from keras_seq2seq.models.inputs import decode_ids
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, SPECIAL_TOKENS, UNKNOWN_ID
from keras_seq2seq.text import TextEncoder, Tokenizer
from keras_seq2seq.text.text_encoder import append_end
from keras_seq2seq.translator.text_translator import BATCH_SIZE, MAX_SOURCE_TOKENS
from keras_seq2seq.translator.translator import Translator
from keras_seq2seq.translator.unk_replacement import UnkReplacement

# Number of lines that a server translates before it answers requests.
_WARM_UP_LINES = 8

# Operations of TensorFlow Text, which a process needs to load a model that contains them.
_TEXT_OPERATIONS = ("Sentencepiece", "NormalizeUTF8")

# The lookup table returns this for words without a translation. No translation equals it, since it
# is not UTF-8.
_NOT_FOUND = b"\xff"


USAGE = """
## Use

The directory is one version of a model in the layout of TensorFlow Serving, where `NAME` is the
directory that contains it:

```shell
tensorflow_model_server --rest_api_port=8501 --model_name=NAME --model_base_path=/path/of/NAME
curl localhost:8501/v1/models/NAME:predict -d '{"instances": ["text"]}'
```

```python
import tensorflow as tf

model = tf.saved_model.load("path/of/NAME/1")
model.signatures["serving_default"](text=tf.constant(["text"]))["text"]
```

The signature `details` returns all hypotheses, with scores, tokens and attention.
"""


class Result(NamedTuple):
    """The parts of a translation by a SavedModel that are compared with the original."""

    text: str
    score: float


class TextModel:
    """The graph of a translator, from text to text.

    Args:
        translator: The translator.
    """

    def __init__(self, translator: Translator):
        source, target = translator.source, translator.target
        self._model = translator.model
        self._search = translator.search.with_tree(False)
        # Longer texts are rejected by the graph.
        self._source = TextEncoder(source.tokenizer, MAX_SOURCE_TOKENS + 2, source.reverse)
        self._target = target.tokenizer
        self._replacement = translator.unk_replacement
        self._mapping = _make_mapping(translator.unk_replacement)
        self._tokens = tf.constant([*SPECIAL_TOKENS, *target.vocabulary.tokens])

    def trace(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Returns the signatures."""
        text = tf.TensorSpec([None], tf.string, "text")
        methods = {"serving_default": self._translate, "details": self._details}
        return {
            name: tf.function(method, autograph=False).get_concrete_function(text)
            for name, method in methods.items()
        }

    def resources(self) -> tf.Module:
        """Returns all variables and tables that the signatures need, once they are traced."""
        module = tf.Module()
        module.weights = [weight.value for weight in self._model.weights]
        module.tables = [*_tables(self._source.tokenizer), *_tables(self._target), self._mapping]
        return module

    def _translate(self, text):
        source = self._encode(text)
        found = self._find(source, False, self._replacement is not None)
        best = found._replace(
            ids=found.ids[:, :1],
            attention_scores=None
            if found.attention_scores is None
            else found.attention_scores[:, :1],
        )
        tokens, lengths = self._read(best, source)
        return _without_last({"text": self._join(tokens, lengths)[:, 0]})

    def _details(self, text):
        source = self._encode(text)
        found = self._find(source, True, self._model.has_attention)
        tokens, lengths = self._read(found, source)
        # The best translation of an empty line is empty and certain; there are no others.
        is_first = tf.range(tf.shape(found.scores)[1])[None, :] == 0
        empty_scores = tf.where(is_first, 0.0, -float("inf"))
        has_tokens = source.lengths > 0
        results = {
            "text": self._join(tokens, lengths),
            "score": tf.where(has_tokens[:, None], found.scores, empty_scores),
            "tokens": tokens,
            "token_scores": tf.where(has_tokens[:, None, None], found.token_scores, 0.0),
            "source_tokens": source.tokens[:, :-1],
        }
        if found.attention_scores is not None:
            attention = self._attention(found, source)
            is_token = tf.sequence_mask(lengths, tf.shape(tokens)[-1])
            results["attention"] = tf.where(is_token[..., None], attention, 0.0)[..., :-1]
        return _without_last(results)

    def _encode(self, text) -> "_Source":
        # Adds a line, since the batch may be empty, but the search needs at least one line.
        text = tf.concat([text, [""]], axis=0)
        ids = self._source(text)
        check = tf.debugging.assert_less_equal(
            tf.reduce_max(ids.row_lengths()),
            tf.constant(MAX_SOURCE_TOKENS, tf.int64),
            f"a text has more than {MAX_SOURCE_TOKENS} tokens; split it into sentences",
        )
        with tf.control_dependencies([check]):
            ids = append_end(ids)
        lengths = tf.math.count_nonzero(ids, axis=-1, dtype=tf.int32) - 1
        tokens = self._source.tokenizer.tokenize(self._source._clean(text)).to_tensor("")
        missing = tf.shape(ids)[1] - tf.shape(tokens)[1]
        return _Source(ids, lengths, tf.pad(tokens, [[0, 0], [0, missing]], constant_values=""))

    def _find(self, source: "_Source", with_scores: bool, with_attention: bool):
        """Runs the search."""
        with backend.portable_graph(keeps_shapes=False):
            return decode_ids(
                self._model,
                source.ids,
                self._search,
                return_scores=with_scores,
                return_attention_scores=with_attention,
            )

    def _read(self, found, source: "_Source"):
        """Returns the tokens `(batch, n_best, length)` of translations, and their numbers."""
        ids = tf.where((source.lengths > 0)[:, None, None], found.ids, PADDING_ID)
        is_token = (ids != END_ID) & (ids != PADDING_ID)
        tokens = tf.where(is_token, tf.gather(self._tokens, ids), "")
        if self._replacement is not None:
            most_attended = tf.argmax(self._attention(found, source), axis=-1)
            replaced = tf.gather(source.tokens, most_attended, batch_dims=1)
            copied = self._copy(replaced, tokens)
            if self._mapping is None:
                replaced = copied
            else:
                translated = self._mapping.lookup(replaced)
                replaced = tf.where(translated == _NOT_FOUND, copied, translated)
            tokens = tf.where(ids == UNKNOWN_ID, replaced, tokens)
        return tokens, tf.math.count_nonzero(is_token, axis=-1, dtype=tf.int32)

    def _copy(self, tokens, target_tokens):
        """Converts source tokens `(batch, n_best, length)` as `copy_token` does.

        The target tokens are those that they replace, or not.
        """
        source, target = self._source.tokenizer, self._target
        if type(source).detokenize_tensor is Tokenizer.detokenize_tensor:
            return tokens
        flat = tf.reshape(tokens, [-1])
        letters = tf.fill(tf.shape(flat), "a")
        rows = tf.RaggedTensor.from_tensor(tf.stack([letters, flat], axis=1))
        texts = source.detokenize_tensor(rows)
        is_equal = tf.reshape(texts == target.detokenize_tensor(rows), tf.shape(tokens))
        texts = tf.reshape(tf.strings.regex_replace(texts, "^a", ""), tf.shape(tokens))
        previous = tf.reshape(tf.roll(target_tokens, 1, axis=-1), [-1])
        before = tf.RaggedTensor.from_tensor(tf.stack([letters, previous, letters], axis=1))
        before = tf.reshape(target.detokenize_tensor(before), tf.shape(tokens))
        is_first = tf.range(tf.shape(tokens)[-1]) == 0
        follows_space = is_first | tf.strings.regex_full_match(before, "(?s).* a")
        texts = tf.where(follows_space, tf.strings.strip(texts), texts)
        return tf.where(is_equal, tokens, texts)

    def _attention(self, found, source: "_Source"):
        """Returns the attention weights in the order of the source, without its end token."""
        attention = found.attention_scores
        is_token = tf.sequence_mask(source.lengths, tf.shape(attention)[-1])
        attention = tf.where(is_token[:, None, None, :], attention, 0.0)
        if self._source.reverse:
            attention = tf.reverse_sequence(attention, source.lengths, seq_axis=3, batch_axis=0)
        return attention

    def _join(self, tokens, lengths):
        """Returns the texts `(batch, n_best)`."""
        rows = tf.reshape(tokens, [-1, tf.shape(tokens)[-1]])
        ragged = tf.RaggedTensor.from_tensor(rows, tf.reshape(lengths, [-1]))
        text = tf.strings.regex_replace(self._target.detokenize_tensor(ragged), "[\n\r]", " ")
        return tf.reshape(text, tf.shape(lengths))


class _Source(NamedTuple):
    """A batch of sources.

    Attributes:
        ids: Integers `(batch, length)` that end with the end token, padded.
        lengths: Integers `(batch,)`, without the end token.
        tokens: Strings `(batch, length)` in the order of the text, padded.
    """

    ids: Any
    lengths: Any
    tokens: Any


class SavedTranslator:
    """Translates with a SavedModel, to compare it with the original.

    Args:
        path: The directory of the SavedModel.
    """

    def __init__(self, path: Path):
        # SentencePiece logs how it normalizes.
        with muted_standard_error():
            # The signatures do not keep a reference to the model.
            self._model = tf.saved_model.load(str(path))

    def stream(self, lines: Iterable[str]) -> Iterator[Result]:
        """Yields the translations of lines."""
        lines = iter(lines)
        while batch := list(islice(lines, BATCH_SIZE)):
            text = tf.constant(batch)
            found = self._model.signatures["serving_default"](text=text)["text"].numpy()
            scores = self._model.signatures["details"](text=text)["score"][:, 0].numpy()
            for line, score in zip(found, scores, strict=True):
                yield Result(line.decode("utf-8"), float(score))


def write(
    translator: Translator, path: Path, name: str, warm_up_lines: Sequence[str]
) -> dict[str, str]:
    """Writes a SavedModel with requests for warming up a server.

    Args:
        translator: The translator.
        path: A new or empty directory.
        name: The name of the model.
        warm_up_lines: Text to translate when a server starts. A few lines are used.

    Returns:
        Facts about the export for the card.

    Raises:
        UserError: If the translator cannot be exported.
    """
    if isinstance(translator.search, SamplingSearch):
        raise UserError("sampling cannot be exported; use greedy search or a beam_width")
    target = translator.target.tokenizer
    if type(target).detokenize_tensor is Tokenizer.detokenize_tensor:
        raise UserError(
            f"the target tokenizer {target.name!r} cannot join tokens in a graph; implement "
            "detokenize_tensor to export it"
        )
    with muted_standard_error():
        model = TextModel(translator)
        signatures = model.trace()
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(model.resources(), str(path), signatures, options)
    write_warm_up(path, name, [*warm_up_lines[:_WARM_UP_LINES], "."])
    operations = set().union(*map(_operations, signatures.values()))
    needs_text = any(name.startswith(_TEXT_OPERATIONS) for name in operations)
    return {
        "format": "SavedModel",
        "needs": "tensorflow and tensorflow-text" if needs_text else "tensorflow",
        "search": describe_search(translator.search),
        "weights": translator.model.weights[0].dtype,
    }


def _without_last(results: dict[str, Any]) -> dict[str, Any]:
    """Removes the results of the additional line."""
    return {name: value[:-1] for name, value in results.items()}


def _make_mapping(replacement: UnkReplacement | None):
    """Returns the translations of unknown words as a lookup table."""
    if replacement is None or not replacement.mapping:
        return None
    words, translations = zip(*replacement.mapping.items(), strict=True)
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(words), tf.constant(translations))
    return tf.lookup.StaticHashTable(entries, default_value=_NOT_FOUND)


def _tables(tokenizer: Tokenizer) -> list:
    """Returns the lookup tables and other resources of a tokenizer."""
    values = []
    for value in vars(tokenizer).values():
        values.extend(value.values() if isinstance(value, dict) else [value])
    return [value for value in values if isinstance(value, tf.__internal__.tracking.Trackable)]


def _operations(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """Returns the names of the operations of a function and of those that it calls."""
    graph = function.graph.as_graph_def()
    functions = graph.library.function
    return {node.op for nodes in (graph.node, *(f.node_def for f in functions)) for node in nodes}
