import gzip
import os
import subprocess
import sys

import pytest

from keras_seq2seq.text import SentencePieceTokenizer, Vocabulary, WordTokenizer


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text("b a b\n\nc a b\n", encoding="utf-8")
    return path


def test_counts_the_tokens(run, text):
    assert run("vocab", text) == (0, "b\t3\na\t2\nc\t1\n", "")


def test_size_and_min_frequency(run, text):
    assert run("vocab", text, "--size=1").output == "b\t3\n"
    assert run("vocab", text, "--min-frequency=2").output == "b\t3\na\t2\n"


def test_several_files_make_one_vocabulary(run, text, tmp_path):
    other = tmp_path / "other.gz"
    other.write_bytes(gzip.compress("grün a a a\n".encode()))
    assert run("vocab", text, other).output == "a\t5\nb\t3\nc\t1\ngrün\t1\n"


def test_characters(run, text):
    assert run("vocab", text, "--tokenizer=characters").output == "▁\t4\nb\t3\na\t2\nc\t1\n"


def test_a_column_of_tables(run, tmp_path):
    (tmp_path / "a.tsv").write_text("id\ten\n1\tb a\n2\tb\n")
    (tmp_path / "b.csv").write_text('en,id\n"c, b",3\n')
    inputs = [tmp_path / "a.tsv", tmp_path / "b.csv"]
    assert run("vocab", *inputs, "--column=en") == (0, "b\t3\na\t1\nc,\t1\n", "")
    assert run("vocab", inputs[0], "--column=1").output == "1\t1\n2\t1\nid\t1\n"


def test_a_table_needs_a_column(run, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"en": "a b"}\n')
    result = run("vocab", path)
    assert (result.status, result.errors) == (
        2,
        f"keras-seq2seq: error: {path}: a table; use --column\n",
    )


def test_a_nested_column(run, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"translation": {"en": "a a", "de": "b"}}\n')
    assert run("vocab", path, "--column=translation.en").output == "a\t2\n"


def test_the_column_of_a_file_that_is_no_table(run, text):
    result = run("vocab", text, "--column=en")
    assert result.status == 2
    assert result.errors.startswith(f"keras-seq2seq: error: {text}: not a table; expected a name")


def test_the_file_is_a_vocabulary(run, text, tmp_path):
    output = tmp_path / "vocab"
    output.write_text("old")
    assert run("vocab", text, "--output", output) == (0, "", "")
    vocabulary = Vocabulary.load(output)
    assert (vocabulary.tokens, vocabulary.counts) == (("b", "a", "c"), (3, 2, 1))


def test_output_is_utf8_in_any_locale(tmp_path):
    text = tmp_path / "text"
    text.write_text("grün", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "keras_seq2seq", "vocab", text],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert result.stdout == "grün\t1\n".encode(), result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere"], "nowhere: no such file\n"),
        ([""], "expected the path of a file, got an empty one\n"),
        (["--size=0"], "Invalid value for '--size': expected a whole number of at least 1"),
        (["--min_frequency=x"], "Invalid value for '--min_frequency': expected a whole number"),
        (["--min_frequency=9"], "no token occurs at least 9 times"),
        (["--tokenizer=character"], "unknown tokenizer 'character'; did you mean 'characters'?\n"),
        (["--character_coverage=nan"], "Invalid value for '--character_coverage': expected a num"),
    ],
)
def test_mistakes(run, text, tmp_path, args, message):
    result = run("vocab", text, *args, "--output", tmp_path / "vocab")
    assert result.status == 2
    assert result.errors.startswith(f"keras-seq2seq: error: {message}")
    assert os.listdir(tmp_path) == ["text"]


def test_the_text_is_not_replaced(run, text, tmp_path):
    content = text.read_bytes()
    (tmp_path / "link").symlink_to("text")
    for name in ("text", "link", "./text"):
        result = run("vocab", text, "--output", f"{tmp_path}/{name}")
        assert result.status == 2
        assert "text: is an input, which it would replace" in result.errors.replace("link", "text")
    assert text.read_bytes() == content


def test_a_file_without_text_is_named(run, text, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text(" \n\n")
    result = run("vocab", text, empty)
    message = f"{empty}: no text; expected one sequence per line"
    assert result == (2, "", f"keras-seq2seq: error: {message}\n")


def test_a_dash_is_standard_input(run, text):
    assert run("vocab", "-", stdin=b"a b\nb") == (0, "b\t2\na\t1\n", "")
    assert run("vocab", text, "-", "--output=-", stdin=b"a").output == "a\t3\nb\t3\nc\t1\n"
    result = run("vocab", "-", "-", stdin=b"a")
    assert (result.status, result.output) == (2, "")
    assert "standard input can be read only once" in result.errors


def test_a_pipe_is_refused_before_anything_is_read(run, text, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = run("vocab", text, tmp_path / "pipe", "--output", tmp_path / "vocab")
    assert (result.status, result.output) == (2, "")
    assert "pipe: is a pipe, which can be read only once" in result.errors
    assert not (tmp_path / "vocab").exists()


@pytest.mark.parametrize("size", ["9" * 23, "9" * 5000, "5000001"])
def test_numbers_have_an_upper_bound(run, text, size):
    result = run("vocab", text, f"--size={size}")
    assert (result.status, result.output) == (2, "")
    assert f'expected at most 5000000, got "{size[:60]}' in result.errors
    assert len(result.errors) < 250


def test_invalid_utf8_names_the_line(run, tmp_path):
    text = tmp_path / "text"
    text.write_bytes(b"a\n\xff\n")
    assert run("vocab", text).errors.startswith(f"keras-seq2seq: error: {text}:2: not UTF-8")


@pytest.fixture
def raw_text(tmp_path):
    path = tmp_path / "raw"
    path.write_text("The dog runs.\nThe cat, the dog!\n" * 50, encoding="utf-8")
    return path


def test_an_output_that_cannot_be_written_is_an_error_before_a_model_is_trained(
    run, raw_text, tmp_path, monkeypatch
):
    monkeypatch.setattr(SentencePieceTokenizer, "build", lambda *args: pytest.fail("trained"))
    (tmp_path / "directory.model").mkdir()
    for path, reason in (
        (tmp_path / "missing" / "NAME.model", "No such file or directory"),
        (raw_text / "NAME.model", "Not a directory"),
        (tmp_path / "directory.model", "Is a directory"),
    ):
        result = run("vocab", raw_text, "--tokenizer=sentencepiece", "--output", path)
        error = f"keras-seq2seq: error: {path}: cannot be written ({reason})\n"
        assert (result.status, result.errors) == (2, error)


@pytest.mark.parametrize("name", ["NAME", "NAME.model"])
def test_a_sentencepiece_model(run, text, raw_text, tmp_path, name):
    args = ["--tokenizer=sentencepiece", "--size=276", "--output", tmp_path / name]
    assert run("vocab", raw_text, text, *args) == (0, "", "")
    tokenizer = SentencePieceTokenizer(tmp_path / "NAME.model")
    assert len(tokenizer.vocabulary.tokens) == 276
    assert tokenizer.detokenize(tokenizer.split("The  dög!")) == "The  dög!"
    assert sorted(os.listdir(tmp_path)) == ["NAME.model", "raw", "text"]


def test_a_sentencepiece_model_beside_its_text(run, raw_text, tmp_path):
    flags = ["--tokenizer=sentencepiece", "--size=280"]
    assert run("vocab", raw_text, *flags, "--output", raw_text).status == 0
    model = raw_text.with_name(raw_text.name + ".model")
    assert SentencePieceTokenizer.load_vocabulary(model).vocabulary.tokens
    text = tmp_path / "text.model"
    text.write_bytes(raw_text.read_bytes())
    result = run("vocab", text, *flags, "--output", tmp_path / "text")
    assert result.status == 2
    assert "is an input, which it would replace" in result.errors
    assert text.read_bytes() == raw_text.read_bytes()


def test_a_large_sentencepiece_model_is_reduced(run, raw_text, tmp_path):
    result = run("vocab", raw_text, "--tokenizer=sentencepiece", "--output", tmp_path / "m")
    assert (result.status, result.output) == (0, "")
    assert result.errors.startswith(
        "keras-seq2seq: warning: size 8,000 is too large for the text; it was reduced to "
    )
    assert result.errors.count("\n") == 1


def test_options_of_sentencepiece(run, raw_text, tmp_path):
    args = ["--tokenizer=sentencepiece", "--size=40", "--output", tmp_path / "m", "--lowercase"]
    model = ["--model_type=bpe", "--no_byte_fallback", "--user_defined_symbols=<a>,<b>"]
    normalization = ["--character_coverage=1", "--normalization=nmt_nfkc"]
    result = run("vocab", raw_text, *args, *model, *normalization)
    assert result.status == 0, result.errors
    tokenizer = SentencePieceTokenizer(tmp_path / "m.model")
    assert tokenizer.can_be_unknown()
    assert "<a>" in tokenizer.vocabulary
    assert "▁the" in tokenizer.vocabulary
    assert tokenizer.split("ﬁ  <b>")[-1] == "<b>"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--tokenizer=sentencepiece"], "--output is required: a SentencePiece model cannot be"),
        (["--tokenizer=sentencepiece", "--output=-"], "--output is required"),
        (["--tokenizer=sentencepiece", "--output=x", "--size=9"], "size is 9; the characters of"),
        (["--tokenizer=sentencepiece", "--output=no/x"], "no/x.model: cannot be written"),
        (
            ["--tokenizer=sentencepiece", "--output=x", "--min_frequency=2"],
            "--min_frequency: has no effect with the tokenizer sentencepiece",
        ),
        (
            ["--tokenizer=sentencepiece", "--output=x", "--normalization="],
            "the SentencePiece model cannot be built: normalization is ''; ",
        ),
        (
            ["--tokenizer=sentencepiece", "--output=x", "--user_defined_symbols=<a>,"],
            "user_defined_symbols contains ''; expected text that is not empty",
        ),
        (
            ["--tokenizer=sentencepiece", "--output=x", "--user_defined_symbols=\udcff"],
            "user_defined_symbols contains '\\udcff'; expected text",
        ),
        (["--model_type=bpe"], "--model_type: has no effect with the tokenizer whitespace"),
        (["--tokenizer=sentencepiece", "--output="], "expected the path of a file, got an empty"),
        (["--tokenizer=bytes"], "--tokenizer: bytes has a fixed vocabulary; train without a voc"),
        (["--delimiter=", "--tokenizer=words"], "--delimiter: cannot be combined with --tokenizer"),
        (["--delimiter=,"], "--delimiter: whitespace in the token 'The dog runs.'"),
    ],
)
@pytest.mark.filterwarnings("ignore:size")
def test_mistakes_with_other_tokenizers(run, raw_text, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    result = run("vocab", raw_text, *args)
    assert (result.status, result.output) == (2, "")
    assert f"keras-seq2seq: error: {message}" in result.errors
    assert os.listdir(tmp_path) == ["raw"]


def test_words(run, raw_text):
    result = run("vocab", raw_text, "--tokenizer=words", "--lowercase", "--size=2")
    assert result.output == "the\t150\ndog\t100\n"


def test_words_are_lowercased_as_in_training(run):
    text = "İstanbul ΟΔΟΣ"
    result = run("vocab", "-", "--tokenizer=words", "--lowercase", stdin=text.encode())
    tokens = [line.split("\t")[0] for line in result.output.splitlines()]
    assert tokens == WordTokenizer(lowercase=True).split(text)


def test_options_of_google_seq2seq(run, text, tmp_path):
    assert run("vocab", text, "--delimiter= ", "--max_vocab_size=1").output == "b\t3\n"
    assert run("vocab", text, "--delimiter=").output == "▁\t4\nb\t3\na\t2\nc\t1\n"
    upper = tmp_path / "upper"
    upper.write_text("A|b|B\na|\n")
    assert run("vocab", upper, "--delimiter=|", "--downcase").output == "a\t2\nb\t2\n"
    assert run("vocab", "-", "--lowercase", stdin=b"A a").output == "a\t2\n"
