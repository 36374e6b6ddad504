import keras
import numpy as np
import pytest
import tensorflow as tf
from harness.toy_model import (
    SOURCE_TOKENS,
    SOURCES,
    TARGET_TOKENS,
    make_toy_model,
    write_toy_model,
)

from keras_seq2seq.data import make_dataset
from keras_seq2seq.decoding import GreedySearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import BasicSeq2Seq
from keras_seq2seq.text import CharacterTokenizer, TextEncoder, Vocabulary
from keras_seq2seq.translator import Translator
from keras_seq2seq.translator.scorer import CorpusScore, Score, Scorer
from keras_seq2seq.translator.text_translator import TooLongError

# With an empty one, a word that no vocabulary has, and repeated blanks.
TARGETS = ["a man sleeps .", "", "dog dog  a", "man Einhorn läuft", "sleeps . <unk>", "man"]


def make_scorer(model=None):
    vocabularies = Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS)
    return Scorer(model or make_toy_model(), *vocabularies)


@pytest.fixture(scope="module")
def scorer():
    return make_scorer()


def test_log_softmax_of_the_model_by_hand(scorer):
    (score,) = scorer(["ein mann ."], ["a dog <unk> Einhorn"])
    logits = scorer.model.predict(
        {"source_ids": np.array([[4, 5, 8, 3]]), "target_ids": np.array([[2, 4, 7, 1, 1]])},
        verbose=0,
    )[0].astype("float64")
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = np.log(probabilities[range(5), [4, 7, 1, 1, 3]])
    np.testing.assert_allclose(score.token_log_probabilities, expected, atol=1e-5)
    assert score.log_probability == pytest.approx(expected.sum(), abs=1e-5)
    assert score.tokens == ["a", "dog", "<unk>", "Einhorn", "</s>"]
    assert score.is_complete


def test_scores_what_the_translator_writes_as_the_translator_does():
    models = [make_toy_model(26), make_toy_model(2), make_toy_model(3, BasicSeq2Seq)]
    texts = []
    for model, reverse_source in zip(models, (False, True, True), strict=True):
        translator = Translator(
            model,
            TextEncoder(Vocabulary(SOURCE_TOKENS), reverse=reverse_source),
            Vocabulary(TARGET_TOKENS),
            search=GreedySearch(max_length=20),
        )
        translations = translator.translate([*SOURCES, ""])
        scores = Scorer.from_translator(translator)(
            [*SOURCES, ""], [translation.text for translation in translations]
        )
        assert [score.log_probability for score in scores] == pytest.approx(
            [translation.score for translation in translations], abs=1e-4
        )
        texts += [translation.text for translation in translations]
    assert any("<unk>" in text for text in texts)
    assert any(len(set(text.split())) > 2 for text in texts)


def test_unknown_characters_that_the_translator_writes():
    scorer = Scorer(
        make_toy_model(tokens="abcde▁"),
        Vocabulary(SOURCE_TOKENS),
        CharacterTokenizer(Vocabulary("abcde▁")),
    )
    written, unknown = scorer(["hund"] * 2, ["a<unk>b c", "aÄb c"])
    assert written.tokens == ["a", "<unk>", "b", "▁", "c", "</s>"]
    assert unknown.tokens == ["a", "Ä", "b", "▁", "c", "</s>"]
    np.testing.assert_allclose(
        written.token_log_probabilities, unknown.token_log_probabilities, atol=1e-5
    )


def test_a_batch_scores_as_each_pair_alone_and_in_order(scorer):
    together = scorer(SOURCES * 3, TARGETS * 3, batch_size=4)
    alone = [scorer([source], [target])[0] for source, target in zip(SOURCES, TARGETS, strict=True)]
    for score, expected in zip(together, alone * 3, strict=True):
        assert score.tokens == expected.tokens
        np.testing.assert_allclose(
            score.token_log_probabilities, expected.token_log_probabilities, atol=1e-5
        )


def test_perplexity_is_that_of_model_evaluate(tmp_path):
    # Pairs with an empty side count in neither.
    (tmp_path / "source").write_text("\n".join([*SOURCES, "", "ein"]) + "\n", encoding="utf-8")
    (tmp_path / "target").write_text("\n".join([*TARGETS, "man", ""]) + "\n", encoding="utf-8")
    scorer = make_scorer()
    dataset = make_dataset(
        tmp_path / "source",
        tmp_path / "target",
        scorer.source,
        scorer.target,
        batch_size=2,
    )
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(3))
    scorer.model.compile(loss=MaskedCrossEntropy())
    expected = scorer.model.evaluate(dataset, verbose=0, return_dict=True)["perplexity"]
    total = CorpusScore.of(scorer([*SOURCES, "", "ein"], [*TARGETS, "man", ""]))
    assert total.perplexity == pytest.approx(expected, rel=1e-5)
    assert total.lines == 5
    assert total.tokens == 4 + 3 + 3 + 3 + 1 + 5


def test_empty_lines(scorer):
    certain, unasked, ended = scorer(["  ", "", "hund"], ["", "a dog", " "])
    assert certain == Score(0.0, [], [], is_complete=False)
    assert unasked.tokens == ["a", "dog", "</s>"]
    assert unasked.log_probability < 0
    assert ended.tokens == ["</s>"]
    assert ended.log_probability == ended.token_log_probabilities[0] < 0
    total = CorpusScore.of([certain, unasked, ended])
    assert (total.lines, total.tokens, total.log_probability) == (0, 0, 0)
    assert np.isnan(total.perplexity)


def test_is_compiled_once():
    scorer = make_scorer()
    scorer(SOURCES, TARGETS)
    scorer(SOURCES[:2], ["a " * 70, "dog"], batch_size=2)
    scorer(["hund " * 50], ["man"])
    assert scorer._token_log_probabilities.experimental_get_tracing_count() == 1


def test_a_stream_is_read_in_pieces(scorer):
    read = []

    def pairs():
        for number in range(1000):
            read.append(number)
            yield "hund", "dog"

    next(scorer.stream(pairs(), batch_size=2))
    assert len(read) < 200


def test_long_lines_are_scored_whole(scorer):
    (score,) = scorer(["hund " * 3000], ["dog " * 3000])
    assert len(score.token_log_probabilities) == 3001
    assert np.isfinite(score.log_probability)


@pytest.mark.parametrize("side", ["source", "target"])
def test_lines_that_would_use_up_all_memory_are_rejected(scorer, side):
    texts = {"source": ["ein", "hund"], "target": ["a", "dog"]}
    texts[side][1] = "a " * 10_001
    with pytest.raises(TooLongError, match=f"{side} 2 has 10,001 tokens; expected at most 10,000"):
        scorer(texts["source"], texts["target"])


def test_different_numbers_of_lines(scorer):
    with pytest.raises(UserError, match="2 sources, but 1 targets; expected one for each"):
        scorer(["a", "b"], ["a"])


def test_a_batch_of_nothing(scorer):
    assert scorer([], []) == []
    with pytest.raises(ValueError, match="`batch_size` must be .* Received: 0"):
        scorer(["a"], ["a"], batch_size=0)


def test_half_precision_scores_in_single_precision():
    model = make_toy_model(dtype="mixed_bfloat16")
    full = make_toy_model()
    full.set_weights(model.get_weights())
    (half_score,) = make_scorer(model)(["ein hund"], ["a dog"])
    (score,) = make_scorer(full)(["ein hund"], ["a dog"])
    assert half_score.log_probability == pytest.approx(score.log_probability, rel=0.05)


def test_loads_what_training_wrote(tmp_path):
    write_toy_model(tmp_path)
    keras.utils.clear_session()
    scores = Scorer.load(tmp_path)(SOURCES, TARGETS)
    expected = make_scorer()(SOURCES, TARGETS)
    assert [score.log_probability for score in scores] == pytest.approx(
        [score.log_probability for score in expected], abs=1e-5
    )
