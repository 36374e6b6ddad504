import json
import os
import re

import numpy as np
import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.decoding import BeamSearch
from keras_seq2seq.models import BasicSeq2Seq
from keras_seq2seq.translator import Translator

LINES = [*SOURCES[:3], "", *SOURCES[3:]]
TEXT = "".join(f"{line}\n" for line in LINES).encode()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("translate") / "model"
    write_toy_model(path, seed=26)
    return str(path)


@pytest.fixture(scope="module")
def greedy(model):
    return Translator.load(model).translate(LINES)


@pytest.fixture(scope="module")
def beam(model):
    return Translator.load(model, search=BeamSearch(4, n_best=3, max_length=8)).translate(LINES)


@pytest.fixture
def translate(run, model):
    def run_translate(*args, stdin=TEXT):
        return run("translate", "--model_dir", model, *args, stdin=stdin)

    return run_translate


def error_of(result):
    assert (result.status, result.output) == (2, "")
    return result.errors.removeprefix("keras-seq2seq: error: ").splitlines()[0]


def test_standard_input_to_standard_output(translate, greedy):
    expected = "".join(f"{translation.text}\n" for translation in greedy)
    assert translate() == (0, expected, "")
    assert len(set(expected.splitlines())) > 3


def test_file_to_file(translate, greedy, tmp_path):
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_bytes(TEXT)
    args = ["--source", source, "--output", output, "--batch-size", "2"]
    assert translate(*args) == (0, "", "")
    expected = "".join(f"{translation.text}\n" for translation in greedy)
    assert output.read_bytes() == expected.encode()


def test_scores_and_several_hypotheses(translate, beam):
    result = translate("--beam_width=4", "--n_best=3", "--scores")
    assert (result.status, result.errors) == (0, "")
    rows = [line.split("\t") for line in result.output.splitlines()]
    expected = [
        (str(number), hypothesis)
        for number, translation in enumerate(beam, 1)
        for hypothesis in translation.hypotheses
    ]
    assert [(number, text) for number, _, text in rows] == [
        (number, hypothesis.text) for number, hypothesis in expected
    ]
    assert [float(score) for _, score, _ in rows] == pytest.approx(
        [hypothesis.score for _, hypothesis in expected], abs=1e-5
    )
    # The empty line has one translation.
    assert [number for number, _, _ in rows].count("4") == 1


def test_json(translate, beam):
    result = translate("--beam_width=4", "--n_best=3", "--format=jsonl", "--attention")
    records = [json.loads(line) for line in result.output.splitlines()]
    assert [" ".join(record["source_tokens"]) for record in records] == LINES
    for record, translation in zip(records, beam, strict=True):
        for found, expected in zip(record["hypotheses"], translation.hypotheses, strict=True):
            assert found["text"] == expected.text
            assert found["tokens"] == expected.tokens
            assert found["token_scores"] == pytest.approx(expected.token_scores, abs=1e-5)
            assert found["alignment"] == expected.alignment
            assert len(found["attention"]) == len(expected.tokens)
            for row, weights in zip(found["attention"], expected.attention, strict=True):
                np.testing.assert_allclose(row, weights, atol=1e-5)
    plain = json.loads(translate("--format=jsonl").output.splitlines()[0])
    assert "attention" not in plain["hypotheses"][0]


def test_flags_shape_the_translations(translate, greedy):
    text = translate("--ban_unk", "--ban=man a", "--no_repeat_ngram_size=1").output
    assert "<unk>" in " ".join(translation.text for translation in greedy)
    for line in text.splitlines():
        tokens = line.split()
        assert not {"<unk>", "man", "a"}.intersection(tokens)
        assert len(tokens) == len(set(tokens))
    lengths = [len(line.split()) for line in translate("--min_length=5").output.splitlines()]
    assert lengths.pop(3) == 0
    assert min(lengths) >= 4


def test_sampling_is_seeded(translate):
    args = ["--sample", "--n_best=4", "--temperature=1.5"]
    first, again = translate(*args, "--seed=3"), translate(*args, "--seed=3")
    assert first == again
    assert first.status == 0
    assert translate(*args, "--seed=4").output != first.output


def test_sampling_makes_the_same_draws_if_it_is_interactive(translate):
    args = ["--sample", "--temperature=1.5", "--seed=3"]
    line = f"{SOURCES[2]}\n".encode()
    assert translate(*args, "--interactive", stdin=line) == translate(*args, stdin=line)


def test_prefixes(translate, tmp_path):
    prefixes = tmp_path / "prefixes"
    prefixes.write_text("a\n\ndog Zoë\n\n\n. .\nman\n", encoding="utf-8")
    lines = translate("--prefix", prefixes).output.splitlines()
    assert lines[0].startswith("a")
    assert lines[2].startswith("dog Zoë")
    assert lines[5].startswith(". .")
    prefixes.write_text("a\n", encoding="utf-8")
    assert error_of(translate("--prefix", prefixes)) == (
        "only 1 prefixes; expected one for each sentence"
    )


def test_paragraphs_are_translated_sentence_by_sentence(translate, model):
    sentences = ["Ein Mann schläft !", "Zwei Hunde .", "Ein Mann ."]
    paragraphs = ["Ein Mann schläft ! Zwei Hunde .", "", "Ein Mann ."]
    first, second, third = Translator.load(model).translate(sentences)
    result = translate("--split_sentences", stdin="\n".join(paragraphs).encode())
    joined = " ".join(filter(None, (first.text, second.text)))
    assert (result.status, result.output) == (0, f"{joined}\n\n{third.text}\n")
    result = translate("--split_sentences", "--scores", stdin=paragraphs[0].encode())
    assert float(result.output.split("\t")[0]) == pytest.approx(
        first.score + second.score, abs=1e-4
    )
    result = translate("--split_sentences", "--format=jsonl", stdin=paragraphs[0].encode())
    record = json.loads(result.output)
    assert record["source_tokens"] == paragraphs[0].split()
    (hypothesis,) = record["hypotheses"]
    assert hypothesis["text"] == joined
    assert len(hypothesis["token_scores"]) == len(hypothesis["tokens"]) + 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--n_best=2", "--beam_width=2"], "--split_sentences writes one translation per line"),
        (["--beam_dir=x"], "--beam_dir is not possible with --split_sentences"),
        (["--prefix=x"], "--prefix is not possible with --split_sentences"),
        (["--format=jsonl", "--attention"], "--attention is not possible with --split_sentences"),
    ],
)
def test_paragraphs_have_one_translation_without_details(translate, args, message):
    result = translate("--split_sentences", *args)
    assert (result.status, result.output) == (2, "")
    assert message in result.errors


def test_interactive_answers_each_line_before_it_reads_the_next(model, monkeypatch, greedy):
    """With pipes, since the answer has to come while the input is still open."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "keras_seq2seq", "translate", "--interactive"]
    process = subprocess.Popen(
        [*command, "--model_dir", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        for line, translation in zip(LINES, greedy, strict=True):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == f"{translation.text}\n".encode()
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--interactive", "--source=x"], "--source has no effect with --interactive; "),
        (["--interactive", "--output=x"], "--output has no effect with --interactive; "),
        (["--interactive", "--batch_size=8"], "--batch_size has no effect with --interactive; "),
        (["--scores", "--format=jsonl"], "--scores has no effect with --format jsonl"),
        (["--attention"], "--attention needs --format jsonl."),
        (["--temperature=0.5"], "temperature: has no effect here: it needs sample"),
        (["--sample", "--beam_width=3"], "beam_width: has no effect here: sampling uses no beam"),
        (["--n_best=2"], "n_best: has no effect here: it needs sample, or a beam_width of at"),
        (["--beam_width=two"], 'beam_width: expected a whole number of at least 0, got "two"'),
        (["--ban=hund"], 'ban: "hund" is not in the target vocabulary'),
        (["--batch_size=0"], "Invalid value for '--batch_size': expected a whole number of at"),
    ],
)
def test_flags_that_have_no_effect_are_errors(translate, args, message):
    assert error_of(translate(*args)).startswith(message)


def test_invalid_utf8_names_the_line_and_keeps_the_old_output(translate, tmp_path):
    output = tmp_path / "output"
    output.write_text("old")
    result = translate("--output", output, stdin=b"a\nb\xff\n")
    assert error_of(result).startswith("standard input:2: not UTF-8")
    assert os.listdir(tmp_path) == ["output"] and output.read_text() == "old"


@pytest.mark.parametrize("flag", ["--source", "--prefix"])
def test_a_missing_file_is_found_before_the_model_is_loaded(run, flag):
    result = run("translate", "--model_dir=nowhere", flag, "missing")
    assert result == (2, "", "keras-seq2seq: error: missing: no such file\n")


def test_an_unwritable_output_is_found_before_the_model_is_loaded(run, tmp_path):
    output = tmp_path / "nowhere" / "output"
    result = run("translate", "--model_dir=dir", "--output", output)
    assert error_of(result) == f"{output}: cannot be written (No such file or directory)"


def test_a_missing_model_leaves_no_output(run, tmp_path):
    result = run("translate", "--model_dir=dir", "--output", tmp_path / "output")
    assert error_of(result) == "dir: no such directory; expected a trained model"
    assert os.listdir(tmp_path) == []


def test_a_dash_is_a_standard_stream(translate, greedy):
    expected = "".join(f"{translation.text}\n" for translation in greedy)
    assert translate("--source=-", "--output=-") == (0, expected, "")


class TestFilesBesideTranslations:
    def test_they_appear_at_the_end(self, translate, tmp_path):
        # The second line is not UTF-8.
        args = ["--attention_dir", tmp_path / "a", "--beam_dir", tmp_path / "b", "--beam_width=2"]
        result = translate(*args, "--batch_size=1", stdin=b"a\n\xff\n")
        assert result.status == 2
        assert os.listdir(tmp_path) == []
        assert translate(*args).status == 0
        assert sorted(os.listdir(tmp_path)) == ["a", "b"]

    @pytest.mark.parametrize("beams", ["a", "a/b", "."])
    def test_their_directories_must_be_separate(self, translate, tmp_path, beams):
        args = ["--attention_dir", tmp_path / "a", "--beam_dir", tmp_path / beams, "--beam_width=2"]
        result = translate(*args, "--output", tmp_path / "out")
        assert result.status == 2
        assert "--attention_dir and --beam_dir must be two directories" in result.errors
        assert os.listdir(tmp_path) == []

    def test_attention(self, translate, greedy, tmp_path):
        result = translate("--attention_dir", tmp_path / "new")
        expected = "".join(f"{translation.text}\n" for translation in greedy)
        assert result == (0, expected, "")
        for number, translation in enumerate(greedy, 1):
            with np.load(tmp_path / "new" / f"00000{number}.npz") as data:
                np.testing.assert_allclose(data["weights"], translation.attention, atol=1e-6)
                assert data["source_tokens"].tolist() == translation.source_tokens
                assert data["target_tokens"].tolist() == translation.target_tokens
            # There is nothing to see of the empty line.
            picture = tmp_path / "new" / f"00000{number}.png"
            assert picture.exists() == (translation.attention.size > 0)

    def test_beams(self, translate, beam, tmp_path):
        pages = tmp_path / "beams"
        result = translate("--beam_width=4", "--n_best=3", "--beam_dir", pages)
        assert (result.status, result.errors) == (0, "")
        numbers = [number for number, line in enumerate(LINES, 1) if line]
        assert sorted(os.listdir(pages)) == [f"00000{number}.html" for number in numbers]
        for number in numbers:
            page = (pages / f"00000{number}.html").read_text(encoding="utf-8")
            data = json.loads(re.search('id="data">(.+)</script>', page)[1])
            assert data["source"] == LINES[number - 1]
            hypotheses = beam[number - 1].hypotheses
            assert [found["score"] for found in data["hypotheses"]] == pytest.approx(
                [hypothesis.score for hypothesis in hypotheses], abs=1e-5
            )
            for found, hypothesis in zip(data["hypotheses"], hypotheses, strict=True):
                tokens, index = [], data["nodes"][found["node"]][0]
                while index:
                    index, token, _ = data["nodes"][index]
                    tokens.insert(0, token)
                assert tokens == hypothesis.tokens

    def test_unknown_words_that_are_replaced_are_found_in_the_beam(self, translate, tmp_path):
        args = ["--beam_width=4", "--unk_replace", "--beam_dir", tmp_path]
        assert translate(*args).status == 0
        assert len(os.listdir(tmp_path)) == len(LINES) - 1

    @pytest.mark.parametrize("flag", ["--attention_dir", "--beam_dir"])
    def test_files_of_two_runs_are_not_mixed(self, run, flag, tmp_path):
        (tmp_path / "000001.png").touch()
        result = run("translate", "--model_dir=nowhere", flag, tmp_path, stdin=TEXT)
        assert "not empty; expected a new or empty directory" in error_of(result)

    def test_a_greedy_search_has_no_beam(self, translate, tmp_path):
        message = error_of(translate("--beam_dir", tmp_path))
        assert message.startswith("the beam search tree needs a beam_width of at least 2")

    def test_a_model_without_attention(self, run, tmp_path):
        write_toy_model(tmp_path / "model", model_class=BasicSeq2Seq)
        flags = "--model_dir", tmp_path / "model", "--attention_dir", tmp_path / "pictures"
        message = error_of(run("translate", *flags, stdin=TEXT))
        assert message == "--attention_dir: the model has no attention; leave it out"
