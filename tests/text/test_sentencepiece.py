import io
import random
import warnings

import keras
import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.data import make_dataset
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import (
    SentencePieceTokenizer,
    TextEncoder,
    Tokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    default_tokenizer,
)

_SYLLABLES = ["ba", "do", "ki", "le", "mu", "ra", "sä", "to", "vi", "zén"]


def make_lines(number, seed=0):
    rng = random.Random(seed)

    def word():
        return "".join(rng.choices(_SYLLABLES, k=rng.randint(1, 3)))

    return [
        f"{' '.join(word() for _ in range(rng.randint(1, 8))).capitalize()}{rng.choice('.?!')}"
        for _ in range(number)
    ]


LINES = make_lines(2_000)

# What breaks tokenizers: names of special tokens, space symbols, invisible and rare characters.
HOSTILE = [
    *("<s>", "</s>", "<unk>", "<pad>", "<sep>", "<0xE2>", "▁", "▁▁", " ", "   ", " " * 200, "\t"),
    *("\0", "\x01", "\x1f", "\x7f", "\x85", "\xa0", "\u3000", "\u2028", "\u200b", "\u200d"),
    *("\ufeff", "\ufffd", "\uffff", "\u0301", "A\u030a", "ﬁ", "①", "İ", "漢字", "가", "각", "😀"),
    *("👨\u200d👩", "𝕬", "\U0010ffff", "\u2585", "ba", "Doki", "mura", ".", "?"),
]
hostile_text = st.lists(
    st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=5), max_size=12
).map("".join)


def train(model_type, **options):
    """Trains a model with the package itself, with SentencePiece's defaults."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=model,
        vocab_size=400,
        model_type=model_type,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **options,
    )
    return model.getvalue()


# All layouts of special ids.
LAYOUTS = {
    "default": {},
    "t5": {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    "at the end": {"unk_id": 0, "bos_id": -1, "eos_id": -1, "pad_id": -1, "control_symbols": "<c>"},
}


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def model_type(request):
    return request.param


@pytest.fixture(scope="module", params=[False, True], ids=["no bytes", "bytes"])
def byte_fallback(request):
    return request.param


@pytest.fixture(scope="module", params=["nmt_nfkc", "identity"])
def model(request, model_type, byte_fallback):
    normalization = request.param
    return train(
        model_type,
        byte_fallback=byte_fallback,
        normalization_rule_name=normalization,
        remove_extra_whitespaces=normalization != "identity",
        user_defined_symbols=["<sep>", "★★"],
    )


def graph_tokens(tokenizer, lines):
    rows = tokenizer.tokenize(tf.constant([line.encode() for line in lines], tf.string)).to_list()
    return [[token.decode() for token in row] for row in rows]


def check_equal_to_the_package(model, lines):
    tokenizer = SentencePieceTokenizer(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    expected = processor.encode(lines, out_type=str)
    assert graph_tokens(tokenizer, lines) == expected
    assert [tokenizer.split(line) for line in lines] == expected
    ids = tokenizer(tf.constant([line.encode() for line in lines], tf.string)).to_list()
    names = [
        [processor.id_to_piece(i) if not processor.is_unknown(i) else "<unk>" for i in row]
        for row in processor.encode(lines)
    ]
    assert [[tokenizer.id_to_token(i) for i in row] for row in ids] == names
    assert [tokenizer.vocabulary.to_ids(tokens) for tokens in expected] == ids


def test_equal_to_the_package(model):
    rng = random.Random(1)
    lines = ["".join(rng.choices(HOSTILE, k=rng.randint(0, 12))) for _ in range(500)]
    check_equal_to_the_package(model, LINES + lines)


@given(lines=st.lists(hostile_text, min_size=1, max_size=20))
@settings(deadline=None, max_examples=25)
def test_equal_to_the_package_on_any_text(model, lines):
    check_equal_to_the_package(model, lines)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pieces_follow_the_special_tokens(model_type, layout):
    model = train(model_type, **LAYOUTS[layout])
    tokenizer = SentencePieceTokenizer(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [
        processor.id_to_piece(i)
        for i in range(processor.get_piece_size())
        if not (processor.is_control(i) or processor.is_unknown(i))
    ]
    assert tokenizer.get_vocabulary() == ["<pad>", "<unk>", "<s>", "</s>", *pieces]
    assert not {"<c>", "<s>", "</s>", "<unk>"} & set(pieces)
    assert [tokenizer.token_to_id(piece) for piece in pieces] == list(range(4, 4 + len(pieces)))
    check_equal_to_the_package(model, [*LINES[:50], "<s> a </s> <unk><c> <pad>"])


def test_user_defined_symbols_with_the_names_of_special_tokens():
    model = train("unigram", user_defined_symbols=["<pad>", "UNK"], bos_id=-1, eos_id=-1)
    tokenizer = SentencePieceTokenizer(model)
    tokens = tokenizer.split("ba<pad>UNK")
    assert tokens[-2:] == ["<pad>", "UNK"]
    assert tokenizer.detokenize(tokens) == "ba<pad>UNK"
    assert min(tokenizer(["<pad>UNK"]).to_list()[0]) >= 4


@pytest.fixture(scope="module")
def lossless(model_type, byte_fallback):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return SentencePieceTokenizer.build(
            LINES, 450, model_type, byte_fallback=byte_fallback, user_defined_symbols=["<sep>"]
        )


@given(line=hostile_text)
@settings(deadline=None, max_examples=200)
def test_built_models_lose_nothing(lossless, line):
    assert lossless.detokenize(lossless.split(line)) == line.replace("▁", " ")


@given(tokens=st.lists(st.sampled_from(["<0xE2>", "<0x82>", "<0xFF>", "<unk>"]) | hostile_text))
@settings(deadline=None)
def test_detokenize_takes_anything(lossless, tokens):
    assert isinstance(lossless.detokenize(tokens), str)


def test_bytes_become_text():
    tokenizer = SentencePieceTokenizer(train("unigram", byte_fallback=True))
    assert tokenizer.detokenize(["▁ba", "<0xE2>", "<0x82>", "<0xAC>", "▁do"]) == "ba€ do"
    assert tokenizer.detokenize(["▁ba", "<0xE2>", "▁do"]) == "ba\ufffd do"
    assert tokenizer.detokenize(["▁ba", "<unk>", "▁do", "</s>"]) == "ba<unk> do</s>"
    assert not tokenizer.can_be_unknown()
    assert SentencePieceTokenizer(train("unigram")).can_be_unknown()


def test_lone_surrogates_become_question_marks(lossless):
    assert lossless.detokenize(lossless.split("ba\ud800")) == "ba?"


def test_building_is_reproducible(lossless, model_type, byte_fallback):
    options = {"byte_fallback": byte_fallback, "user_defined_symbols": ["<sep>"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        again = SentencePieceTokenizer.build(iter(LINES), 450, model_type, **options)
    assert again == lossless
    assert again.model == lossless.model
    assert len(lossless.vocabulary.tokens) <= 450
    assert "<sep>" in lossless.vocabulary


def test_a_large_size_is_reduced(model_type):
    with pytest.warns(UserWarning, match=r"size 8,000 is too large for the text; it was reduced"):
        tokenizer = SentencePieceTokenizer.build(["ba do", "ba ki"], model_type=model_type)
    assert 256 < len(tokenizer.vocabulary.tokens) < 300


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (LINES, {"size": 0}, "size is 0; expected at least 1"),
        (["ba"], {"size": 20}, "size is 20; the characters of the text need at least 2[0-9]+; w"),
        ([], {}, "no text; a SentencePiece model cannot be built"),
        (["", " "], {"normalization": "nfkc"}, "no text; a SentencePiece model cannot be built"),
        (LINES, {"model_type": "word"}, "model_type is 'word'; expected unigram or bpe"),
        (LINES, {"normalization": "x"}, "the SentencePiece model cannot be built: .*"),
        (LINES, {"unknown_option": 1}, "cannot be built: unknown field name"),
        (LINES, {"user_defined_symbols": ["a", "a"]}, "a is already defined"),
    ],
)
def test_invalid_options(lines, options, message):
    with pytest.raises(UserError, match=message) as error:
        SentencePieceTokenizer.build(lines, **options)
    assert "\n" not in str(error.value)


def test_errors_of_the_lines_are_passed_on():
    with pytest.raises(TypeError, match=r"lines\[1\] is None; expected a string"):
        SentencePieceTokenizer.build(["ba", None])


def test_save_and_load(lossless, tmp_path):
    lossless.save(tmp_path / "source")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "source.model",
        "source.tokenizer.json",
    ]
    assert (tmp_path / "source.model").read_bytes() == lossless.model
    loaded = Tokenizer.load(tmp_path / "source")
    assert loaded == lossless
    assert SentencePieceTokenizer.from_file(tmp_path / "source.model") == lossless
    assert loaded.fingerprint() == lossless.fingerprint()


def test_damaged_models_are_one_line(tmp_path):
    model = train("unigram")
    damaged = {
        "empty": b"",
        "text": b"ba\ndo\n",
        "zeros": b"\0" * 1000,
        "cut": model[: len(model) // 2 + 1],
        "html": b"<html><body>404</body></html>",
    }
    for name, content in damaged.items():
        path = tmp_path / f"{name}.model"
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            SentencePieceTokenizer(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="no such file"):
        SentencePieceTokenizer(tmp_path / "none.model")
    with pytest.raises(TypeError, match="`model` must be a path or bytes"):
        SentencePieceTokenizer(Vocabulary(["a"]))


@given(position=st.integers(0, 2**20), damage=st.binary(min_size=1, max_size=20))
@settings(deadline=None, max_examples=100)
def test_a_damaged_model_does_not_crash(damaged_model, position, damage):
    position %= len(damaged_model)
    content = damaged_model[:position] + damage + damaged_model[position + len(damage) :]
    try:
        tokenizer = SentencePieceTokenizer(content)
    except UserError:
        return
    assert isinstance(tokenizer.detokenize(tokenizer.split("Ba do <s> 漢.")), str)


@pytest.fixture(scope="module")
def damaged_model():
    return train("unigram", byte_fallback=True)


def sample(encoder, line, number=200, seed=0):
    draws = tf.constant(np.random.default_rng(seed).random(number), tf.float32)
    return [tuple(row) for row in encoder.sample(tf.constant([line] * number), draws).to_list()]


def test_sampling_follows_the_likelihoods():
    model = train("unigram")
    tokenizer = SentencePieceTokenizer(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    best = processor.nbest_encode("Doki mura.", out_type=int, nbest_size=4)
    scores = np.array([sum(processor.get_score(i) for i in row) for row in best])
    expected = np.exp(0.5 * scores) / np.exp(0.5 * scores).sum()
    encoder = TextEncoder(tokenizer, sampling_alpha=0.5, nbest_size=4)
    samples = sample(encoder, "Doki mura.", 20_000)
    names = [tuple(map(processor.id_to_piece, row)) for row in best]
    found = [tuple(map(tokenizer.id_to_token, row)) for row in samples]
    rates = [found.count(row) / len(found) for row in names]
    np.testing.assert_allclose(rates, expected, atol=0.015)


def test_sampling_changes_segmentations_not_text(lossless):
    encoder = TextEncoder(lossless, 1000, sampling_alpha=0.2)
    lines = ["", *LINES[:20], "  ", "漢 x", ""]
    draws = tf.constant(np.random.default_rng(0).random(len(lines)), tf.float32)
    ids = encoder.sample(tf.constant(lines), draws)
    assert ids.dtype == tf.int32
    assert ids.to_list() != encoder(tf.constant(lines)).to_list()
    if not lossless.can_be_unknown():
        texts = [lossless.detokenize(lossless.vocabulary.to_tokens(row)) for row in ids.to_list()]
        assert texts == [line.strip() for line in lines]
    assert encoder.sample(tf.constant([], tf.string), tf.constant([], tf.float32)).nrows() == 0
    assert encoder.sample(tf.constant([""]), tf.constant([0.5])).to_list() == [[]]


def test_only_shuffled_datasets_are_sampled():
    tokenizer = SentencePieceTokenizer(train("unigram"))
    encoder = TextEncoder(tokenizer, 100, sampling_alpha=0.2)
    plain = TextEncoder(tokenizer, 100)

    def batches(encoder, **options):
        dataset = make_dataset(LINES[:100], LINES[:100], encoder, encoder, **options)
        return [inputs["source_ids"].numpy().tolist() for inputs, _ in dataset]

    assert batches(encoder) == batches(plain)
    first = batches(encoder, shuffle=True, epochs=2)
    assert first == batches(encoder, shuffle=True, epochs=2)
    assert first != batches(plain, shuffle=True, epochs=2)
    assert first != batches(encoder, shuffle=True, epochs=2, seed=1)
    # The samples of a stream that is resumed are those of one that was not interrupted.
    stream = make_dataset(LINES[:100], LINES[:100], encoder, encoder, shuffle=True, epochs=2)
    resumed = [inputs["source_ids"].numpy().tolist() for inputs, _ in stream.skip(4)]
    assert resumed == first[4:]


def test_sampling_needs_subwords():
    with pytest.raises(UserError, match="sampling_alpha: the tokenizer 'whitespace' splits each"):
        TextEncoder(WhitespaceTokenizer(Vocabulary(["a"])), sampling_alpha=0.1)
    tokenizer = SentencePieceTokenizer(train("unigram"))
    with pytest.raises(UserError, match="sampling_alpha is 2; expected at least 0 and below 1"):
        TextEncoder(tokenizer, sampling_alpha=2)
    with pytest.raises(UserError, match="nbest_size is 1; expected at least 2"):
        TextEncoder(tokenizer, nbest_size=1)


def test_unknown_token_in_the_output_of_a_model():
    tokenizer = SentencePieceTokenizer(train("unigram"))
    encoder = TextEncoder(tokenizer)
    assert "<unk>" in encoder.split("ba <unk> do", keep_unknown=True)
    with_bytes = TextEncoder(SentencePieceTokenizer(train("unigram", byte_fallback=True)))
    tokens = with_bytes.split("ba <unk> do", keep_unknown=True)
    assert with_bytes.tokenizer.detokenize(tokens) == "ba <unk> do"


def test_default_tokenizer_of_a_file():
    assert default_tokenizer("dir.model/NAME.model") == "sentencepiece"
    for path in ("vocab", "dir.model/vocab", "vocab.en", "vocab.vocab", ".model", None):
        assert default_tokenizer(path) == "whitespace"


def test_survives_a_new_seed_and_a_cleared_session():
    tokenizer = SentencePieceTokenizer.build(["a man sleeps", "a dog runs"] * 9, size=270)
    dataset = tf.data.Dataset.from_tensors(["a dog sleeps"]).map(tokenizer)
    expected = next(iter(dataset)).to_list()
    keras.utils.set_random_seed(1)
    assert next(iter(dataset)).to_list() == expected
    keras.utils.clear_session()
    assert next(iter(dataset)).to_list() == tokenizer(["a dog sleeps"]).to_list() == expected
