"""The keywords of version 0.1 give the same results as the arguments that replaced them."""

import warnings

import pytest
from harness.toy_model import SOURCE_TOKENS, SOURCES, TARGET_TOKENS, make_toy_model

from keras_seq2seq.data import make_dataset, scan_parallel_text
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import CharacterTokenizer, TextEncoder, Vocabulary, WhitespaceTokenizer
from keras_seq2seq.translator import Scorer, Translator

WORDS = Vocabulary(["a", "b", "c"])
CHARACTERS = Vocabulary(["a", "b", "c", "▁"])


@pytest.fixture
def files(tmp_path):
    paths = tmp_path / "sources", tmp_path / "targets"
    paths[0].write_text("a b c\nc\nb x a\na a a a a a\n")
    paths[1].write_text("a b\nb c\n c a b\nb\n")
    return paths


def batches(dataset):
    return [
        (inputs["source_ids"].tolist(), inputs["target_ids"].tolist(), labels.tolist())
        for inputs, labels in dataset.as_numpy_iterator()
    ]


def all_warnings(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function()
    assert all(warning.category is DeprecationWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return result, [str(warning.message) for warning in caught]


def test_batches(files):
    new = make_dataset(
        *files,
        TextEncoder(WORDS, max_length=4, reverse=True),
        TextEncoder(CharacterTokenizer(CHARACTERS), max_length=5),
        batch_size=2,
        shards=range(1, 2),
        num_shards=2,
    )
    old, messages = all_warnings(
        lambda: make_dataset(
            source_file=files[0],
            target_file=files[1],
            source_vocabulary=WORDS,
            target_vocabulary=CHARACTERS,
            target_tokenizer="characters",
            source_max_length=4,
            target_max_length=5,
            reverse_source=True,
            batch_size=2,
            parts=range(1, 2),
            all_parts=2,
        )
    )
    assert batches(old) == batches(new)
    # By hand: the second line of each batch, the source reversed.
    assert batches(new)[0] == ([[6, 3]], [[2, 5, 7, 6]], [[5, 7, 6, 3]])
    assert sorted(messages) == [
        "all_parts= is deprecated; use num_shards=",
        "parts= is deprecated; use shards=",
        "reverse_source= is deprecated; use source= with a TextEncoder(..., reverse=...)",
        "source_file= is deprecated; use sources=",
        "source_max_length= is deprecated; use source= with a TextEncoder(..., max_length=...)",
        "source_vocabulary= is deprecated; use source=",
        "target_file= is deprecated; use targets=",
        "target_max_length= is deprecated; use target= with a TextEncoder(..., max_length=...)",
        "target_tokenizer= is deprecated; use target= with a WhitespaceTokenizer or "
        "CharacterTokenizer",
        "target_vocabulary= is deprecated; use target=",
    ]


def test_positional_vocabularies_need_no_change(files):
    _, messages = all_warnings(lambda: make_dataset(*files, WORDS, WORDS))
    assert messages == []
    old, messages = all_warnings(
        lambda: make_dataset(*files, WORDS, CHARACTERS, target_tokenizer=CharacterTokenizer())
    )
    assert len(messages) == 1
    assert batches(old) == batches(make_dataset(*files, WORDS, CharacterTokenizer(CHARACTERS)))


class OldTokenizer:
    """An object with the methods that version 0.1 asked for."""

    name = "old"

    def tokenize(self, strings):
        return WhitespaceTokenizer().tokenize(strings)

    def split(self, line):
        return line.split()

    def join(self, tokens):
        return "_".join(tokens)


def test_a_tokenizer_object_of_one_s_own(files):
    old, _ = all_warnings(
        lambda: make_dataset(*files, WORDS, WORDS, source_tokenizer=OldTokenizer())
    )
    assert batches(old) == batches(make_dataset(*files, WORDS, WORDS))
    translator, _ = all_warnings(
        lambda: Translator(
            make_toy_model(),
            Vocabulary(SOURCE_TOKENS),
            Vocabulary(TARGET_TOKENS),
            target_tokenizer=OldTokenizer(),
        )
    )
    (translation,) = translator.translate(["ein mann schläft ."])
    assert translation.text == "_".join(translation.target_tokens)


def test_scan(files):
    summary, messages = all_warnings(
        lambda: scan_parallel_text(
            *files,
            source_vocabulary=WORDS,
            target_vocabulary=CHARACTERS,
            source_tokenizer="whitespace",
            target_tokenizer="characters",
            source_max_length=4,
            target_max_length=5,
        )
    )
    assert len(messages) == 6
    encoders = TextEncoder(WORDS, 4), TextEncoder(CharacterTokenizer(CHARACTERS), 5)
    assert summary == scan_parallel_text(*files, *encoders)


def test_translations_and_scores():
    model = make_toy_model(26)
    source, target = Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS)
    reverse = TextEncoder(source, reverse=True)
    old, messages = all_warnings(lambda: Translator(model, source, target, reverse_source=True))
    assert len(messages) == 1
    texts = old(SOURCES)
    assert texts == Translator(model, reverse, target)(SOURCES)
    assert texts != Translator(model, source, target)(SOURCES)
    old, messages = all_warnings(
        lambda: Scorer(
            model,
            source_vocabulary=source,
            target_vocabulary=target,
            target_tokenizer="whitespace",
            reverse_source=True,
        )
    )
    assert len(messages) == 4
    assert old(SOURCES, texts) == Scorer(model, reverse, target)(SOURCES, texts)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        (
            {"batchsize": 3},
            TypeError,
            r"make_dataset\(\) got an unexpected keyword .*'batch_size'\?",
        ),
        ({"xyz": 3}, TypeError, "got an unexpected keyword argument 'xyz'$"),
        ({"source_tokenizer": "lines"}, UserError, "unknown tokenizer 'lines'"),
        ({"source_max_length": 1}, UserError, "max_length is 1; expected at least 2"),
        ({"source_vocabulary": WORDS}, TypeError, "source= was given twice"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_invalid_keywords(files, keywords, error, message):
    with pytest.raises(error, match=message):
        make_dataset(*files, WORDS, WORDS, **keywords)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_options_need_a_vocabulary(files):
    with pytest.raises(TypeError, match="the deprecated options of source= need a Vocabulary"):
        make_dataset(*files, TextEncoder(WORDS), WORDS, reverse_source=True)


def test_each_function_has_its_own_keywords():
    with pytest.raises(TypeError, match=r"Translator.__init__\(\) got an unexpected .*'parts'"):
        Translator(make_toy_model(), WORDS, WORDS, parts=range(1))
