import json

import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.translator.scorer import CorpusScore, Scorer

TARGETS = ["a man sleeps .", "dog", "läuft <unk>", "Mann", "", "a a a"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    directory = tmp_path_factory.mktemp("score")
    write_toy_model(directory / "model")
    for name, lines in (("source", SOURCES), ("target", TARGETS), ("short", TARGETS[:2])):
        (directory / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return {name: str(directory / name) for name in ("model", "source", "target", "short")}


@pytest.fixture(scope="module")
def scores(paths):
    return Scorer.load(paths["model"])(SOURCES, TARGETS)


@pytest.fixture
def run_score(run, paths):
    def run_with_paths(*args, target=paths["target"]):
        inputs = ["--source", paths["source"], "--target", target]
        return run("score", "--model_dir", paths["model"], *inputs, *args)

    return run_with_paths


def test_a_line_for_each_pair_and_the_total_on_standard_error(run_score, scores):
    status, out, err = run_score()
    assert status == 0
    rows = [line.split("\t") for line in out.splitlines()]
    assert [float(value) for value, _ in rows] == pytest.approx(
        [score.log_probability for score in scores], abs=1e-4
    )
    assert [count for _, count in rows] == ["5", "2", "3", "2", "1", "4"]
    total = CorpusScore.of(scores)
    assert err == (
        f"5 lines, 16 tokens: log-probability {total.log_probability:.2f}, "
        f"perplexity {total.perplexity:.4f}; skipped 1 line with an empty side\n"
    )


def test_scores_of_tokens_into_a_file(run_score, scores, tmp_path):
    status, out, _ = run_score("--tokens", "--output", tmp_path / "out")
    assert (status, out) == (0, "")
    rows = [
        line.split("\t") for line in (tmp_path / "out").read_text(encoding="utf-8").splitlines()
    ]
    pairs = [pair.rpartition(":") for pair in rows[2][2].split(" ")]
    assert [token for token, _, _ in pairs] == ["läuft", "<unk>", "</s>"]
    assert [float(value) for _, _, value in pairs] == pytest.approx(
        scores[2].token_log_probabilities, abs=1e-4
    )


def test_json(run_score, scores):
    status, out, err = run_score("--json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert [line["tokens"] for line in result["lines"]] == [score.tokens for score in scores]
    assert result["lines"][1]["token_log_probabilities"] == pytest.approx(
        scores[1].token_log_probabilities, abs=1e-4
    )
    total = CorpusScore.of(scores)
    assert result["corpus"] == {
        "lines": 5,
        "tokens": 16,
        "log_probability": pytest.approx(total.log_probability, abs=1e-3),
        "perplexity": pytest.approx(total.perplexity, rel=1e-4),
    }


def test_json_of_empty_lines_only_has_no_perplexity(run_score, tmp_path):
    (tmp_path / "blank").write_text("\n" * len(SOURCES), encoding="utf-8")
    status, out, _ = run_score("--json", target=tmp_path / "blank")
    assert status == 0
    assert json.loads(out)["corpus"]["perplexity"] is None


def test_different_numbers_of_lines(run_score, paths, tmp_path):
    status, out, err = run_score("--output", tmp_path / "out", target=paths["short"])
    assert (status, out) == (2, "")
    assert err == (
        f"keras-seq2seq: error: {paths['source']} has 6 lines, but {paths['short']} has 2; "
        "expected line-aligned files\n"
    )
    assert not list(tmp_path.iterdir())
