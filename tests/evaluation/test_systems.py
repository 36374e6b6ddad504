import tracemalloc

import numpy as np
import pandas
import pytest
from sacrebleu.significance import PairedTest

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import evaluate, evaluate_systems
from keras_seq2seq.evaluation.registry import make_metrics

REFERENCES = [f"line {number} is right" for number in range(40)]
# With 10 and 25 wrong lines out of 40.
GOOD = [line if number % 4 else "no" for number, line in enumerate(REFERENCES)]
BAD = [line if number % 8 > 4 else "no" for number, line in enumerate(REFERENCES)]


def test_scores_have_signatures():
    scores = evaluate(GOOD, REFERENCES, "exact_match,bleu", tokenize="none")
    assert list(scores) == ["exact_match", "bleu"]
    assert scores["exact_match"].value == 75
    assert "tok:none" in scores["bleu"].signature
    assert scores["bleu"].p_value is None


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (["a"], ["a", "b"], "hypotheses: the number of lines, 1, differs from .* references, 2"),
        ([], [], "no references"),
    ],
)
def test_numbers_of_lines_must_match(hypotheses, references, message):
    with pytest.raises(UserError, match=message):
        evaluate(hypotheses, references)
    with pytest.raises(UserError, match=message):
        evaluate_systems({"hypotheses": hypotheses, "other": hypotheses}, references)


@pytest.mark.parametrize("column", [pandas.Series, np.array, tuple])
def test_lines_may_be_columns_of_tables(column):
    expected = evaluate(GOOD, REFERENCES, "bleu,wer")
    assert evaluate(column(GOOD), column(REFERENCES), "bleu,wer") == expected
    systems = {"good": GOOD, "bad": BAD}
    found, expected = (
        evaluate_systems(systems, references, "wer", bootstrap_samples=9)
        for systems, references in (
            ({name: column(lines) for name, lines in systems.items()}, column(REFERENCES)),
            (systems, REFERENCES),
        )
    )
    assert found == expected


NAN = float("nan")


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (["a", NAN], ["a", "b"], "`hypotheses` must be strings. Received: nan as number 2"),
        (["a", b"b"], ["a", "b"], "`hypotheses` must be strings. Received: b'b' as number 2"),
        (["a", "b"], ["a", NAN], "`references` must be strings. Received: nan as number 2"),
        (["a", "b"], pandas.Series(["a", None]), "Received: (None|nan) as number 2"),
        (
            ["a", "b"],
            [["a", None], "b"],
            "`references` must be strings. Received: None as number 1",
        ),
        (["a"], pandas.DataFrame({"en": ["a"]}), "one column of a table. Received: a DataFrame"),
        ("a", ["a"], "`hypotheses` must be a list of strings.* Received: a str"),
        (["a"], None, "`references` must be a list of strings.* Received: a NoneType"),
    ],
)
def test_lines_that_are_not_strings_are_errors_in_one_line(hypotheses, references, message):
    with pytest.raises(TypeError, match=message) as error:
        evaluate(hypotheses, references)
    assert "\n" not in str(error.value)


def test_columns_of_arrow_tables_are_lists_of_strings():
    pyarrow = pytest.importorskip("pyarrow")
    good, bad, references = map(pyarrow.array, (GOOD, BAD, REFERENCES))
    assert evaluate(good, references, "wer") == evaluate(GOOD, REFERENCES, "wer")
    found = evaluate_systems({"good": good, "bad": bad}, references, "wer", bootstrap_samples=9)
    plain = {"good": GOOD, "bad": BAD}
    assert found == evaluate_systems(plain, REFERENCES, "wer", bootstrap_samples=9)


def test_a_single_system_is_only_scored():
    scores = evaluate_systems({"good": GOOD}, REFERENCES, "wer,bleu")
    assert scores == {"good": evaluate(GOOD, REFERENCES, "wer,bleu")}


def test_scores_of_several_systems_equal_those_of_single_systems():
    metrics = "bleu,chrf,ter,rouge_1,wer,exact_match"
    scores = evaluate_systems({"good": GOOD, "bad": BAD}, REFERENCES, metrics, bootstrap_samples=9)
    for name, hypotheses in (("good", GOOD), ("bad", BAD)):
        alone = evaluate(hypotheses, REFERENCES, metrics)
        assert {metric: score.value for metric, score in scores[name].items()} == pytest.approx(
            {metric: score.value for metric, score in alone.items()}
        )
    assert "bs:9|seed:12345|" in scores["bad"]["bleu"].signature


def test_paired_bootstrap_agrees_with_numpy():
    scores = evaluate_systems(
        {"good": GOOD, "bad": BAD}, REFERENCES, "exact_match", bootstrap_samples=500, seed=7
    )
    right = np.array([GOOD, BAD]) == np.array(REFERENCES)
    drawn = np.random.default_rng(7).choice(40, size=(500, 40))
    good, bad = 100 * right[:, drawn].mean(axis=-1)
    differences = np.abs(good - bad)
    larger = np.sum(differences - differences.mean() > 100 * (30 - 15) / 40)
    low, high = np.sort(bad)[[500 // 40, 500 - 500 // 40 - 1]]
    score = scores["bad"]["exact_match"]
    assert score.p_value == pytest.approx((larger + 1) / 501)
    assert score.mean == pytest.approx(bad.mean())
    assert score.confidence == pytest.approx((high - low) / 2)
    baseline = scores["good"]["exact_match"]
    assert baseline.p_value is None
    assert baseline.mean == pytest.approx(good.mean())


def test_only_large_differences_are_significant():
    systems = {"good": GOOD, "same": GOOD, "bad": BAD}
    scores = evaluate_systems(systems, REFERENCES, "bleu,wer", bootstrap_samples=200)
    assert scores["bad"]["bleu"].p_value < 0.05
    assert scores["same"]["bleu"].p_value == 1
    assert scores["same"]["wer"].p_value == 1


def test_the_seed_determines_samples_and_not_the_environment(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "99")
    options = {"metrics": "bleu", "bootstrap_samples": 50}
    systems = {"good": GOOD, "bad": BAD}
    first = evaluate_systems(systems, REFERENCES, seed=1, **options)
    assert first == evaluate_systems(systems, REFERENCES, seed=1, **options)
    assert first != evaluate_systems(systems, REFERENCES, seed=2, **options)
    monkeypatch.delenv("SACREBLEU_SEED")
    assert first == evaluate_systems(systems, REFERENCES, seed=1, **options)


@pytest.mark.parametrize("option", ["seed", "bootstrap_samples"])
def test_options_out_of_range(option):
    with pytest.raises(UserError, match=f"{option} is 0; expected at least 1"):
        evaluate_systems({"good": GOOD}, REFERENCES, **{option: 0})


def test_bootstrap_samples_are_those_of_sacrebleu_in_little_memory(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    systems, streams = {"good": GOOD * 50, "bad": BAD * 50}, [REFERENCES * 50]
    names = ("bleu", "chrf", "wer")
    test = PairedTest(list(systems.items()), make_metrics(names), streams, "bs", n_samples=200)
    signatures, table = test()
    tracemalloc.start()
    scores = evaluate_systems(systems, streams[0], names, bootstrap_samples=200, seed=7)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All samples of chrF at once take 29 MB.
    assert peak < 12e6
    for row, system in enumerate(systems):
        for name, signature, results in zip(
            names, signatures.values(), list(table.values())[1:], strict=True
        ):
            score, expected = scores[system][name], results[row]
            assert score.signature == str(signature)
            assert (score.mean, score.confidence) == (expected.mean, expected.ci)
            assert (score.value, score.p_value) == (expected.score, expected.p_value)
