import functools
import json
import pickle
from copy import deepcopy

import keras
import numpy as np
import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq
from keras_seq2seq.text import TextEncoder, Vocabulary
from keras_seq2seq.translator import Hypothesis, Translator
from keras_seq2seq.translator.paragraphs import translate_paragraphs
from keras_seq2seq.translator.scorer import Scorer
from keras_seq2seq.translator.text_translator import TooLongError

SOURCE = Vocabulary("abcdefgh")
TARGET = Vocabulary(["ä", "ö", "ü", "笑", "x", "y"])


def make_translator(model_class=AttentionSeq2Seq, reverse_source=False, **options):
    keras.utils.set_random_seed(3)
    model = model_class(len(SOURCE), len(TARGET), num_units=16, cell="GRUCell")
    options = {"search": GreedySearch(max_length=12), **options}
    return Translator(model, TextEncoder(SOURCE, reverse=reverse_source), TARGET, **options)


@pytest.fixture(scope="module")
def translator():
    return make_translator()


SEARCHES = {
    "greedy": lambda: GreedySearch(max_length=12),
    "beam": lambda: BeamSearch(
        4, length_penalty=0.6, coverage_penalty=0.2, n_best=3, max_length=12
    ),
    "constrained": lambda: BeamSearch(
        3, n_best=2, max_length_ratio=1.0, min_length=3, no_repeat_ngram_size=2, banned_ids=[1]
    ),
    "sampling": lambda: SamplingSearch(n_best=3, top_p=0.9, max_length=12),
}
SENTENCES = ["a b c", "", "h g f e d c b a", "a", "unknown a words", "   ", "b", "c c c c"]


def test_keeps_the_order_and_answers_every_line(translator):
    together = translator(SENTENCES)
    assert len(together) == len(SENTENCES)
    assert together[1] == together[5] == ""
    assert together == [translator([sentence])[0] for sentence in SENTENCES]
    assert together == translator(SENTENCES, batch_size=2)
    assert together == translator(SENTENCES, batch_size=10**12)


def test_can_be_copied_and_pickled_after_use(translator):
    scorer = Scorer.from_translator(translator)
    for copy in (deepcopy, lambda value: pickle.loads(pickle.dumps(value))):
        expected = translator(SENTENCES)
        assert copy(translator)(SENTENCES) == expected
        scores = scorer(SENTENCES, expected)
        assert copy(scorer)(SENTENCES, expected) == scores


def test_padding_changes_nothing(translator):
    alone = translator.translate(["a b c"])[0]
    beside_a_long_one = translator.translate(["a b c", "h g f e d c b a"], batch_size=2)[0]
    assert alone.target_tokens == beside_a_long_one.target_tokens
    assert alone.score == pytest.approx(beside_a_long_one.score, abs=1e-5)
    np.testing.assert_allclose(alone.attention, beside_a_long_one.attention, atol=1e-6)


def test_equals_decoding_by_hand(translator):
    """Greedy decoding, written out with the functional model instead of the decoder's step."""
    source = np.array([[*SOURCE.to_ids("a b c".split()), 3]])
    target, score = [2], 0.0
    while target[-1] != 3:
        inputs = {"source_ids": source, "target_ids": np.array([target])}
        logits = np.array(translator.model(inputs))[0, -1]
        log_probabilities = logits - np.log(np.exp(logits).sum())
        logits[[0, 2]] = -np.inf  # padding and start are no tokens to write
        # The last token there is room for has to be the end.
        target.append(3 if len(target) == 12 else int(logits.argmax()))
        score += log_probabilities[target[-1]]
    translation = translator.translate(["a b c"])[0]
    expected = [token for token in target[1:] if token != 3]
    assert translation.target_tokens == TARGET.to_tokens(expected)
    assert translation.text == " ".join(translation.target_tokens)
    assert translation.score == pytest.approx(score, abs=1e-4)


def test_attention_belongs_to_the_tokens(translator):
    translation = translator.translate(["h g f e d c b a"])[0]
    shape = (len(translation.target_tokens), len(translation.source_tokens))
    assert translation.attention.shape == shape
    assert np.all(translation.attention.sum(axis=1) <= 1 + 1e-6)


@pytest.mark.parametrize(
    ("limits", "limit_of"),
    [
        ({"max_length": 6}, lambda source: 6),
        # Two fifths of a token per source token, rounded up, and ten more.
        ({"max_length_ratio": 0.4}, lambda source: 10 + (2 * len(source) + 4) // 5),
    ],
)
def test_translations_of_the_maximum_length_are_marked(limits, limit_of):
    # Each has the length at which an end token is allowed, or the maximum length.
    search = BeamSearch(8, n_best=8, min_length=4, **{"max_length": 60, **limits})
    found = make_translator(search=search).translate(SENTENCES)
    marks = set()
    for translation in found:
        limit = limit_of(translation.source_tokens)
        for hypothesis in translation.hypotheses:
            is_longest = len(hypothesis.tokens) + 1 == limit
            assert hypothesis.truncated == hypothesis.to_dict()["truncated"] == is_longest
            marks.add(is_longest)
    assert marks == {False, True}


def test_reversed_sources_show_their_attention_in_written_order():
    forward, reverse = make_translator(), make_translator(reverse_source=True)
    there = forward.translate(["c b a"])[0]
    back = reverse.translate(["a b c"])[0]
    assert there.target_tokens == back.target_tokens
    assert back.source_tokens == ["a", "b", "c"]
    np.testing.assert_allclose(there.attention, back.attention[:, ::-1], atol=1e-6)


def test_streams_lazily(translator):
    read = []

    def lines():
        for number in range(10_000):
            read.append(number)
            yield "a b"

    stream = translator.stream(lines(), batch_size=2)
    next(stream)
    assert len(read) < 1000


@pytest.mark.parametrize("search", SEARCHES)
def test_is_traced_once_with_scores_and_once_without(search):
    model = make_translator().model
    traces = []

    class Counting:
        has_attention = True
        decode_step = model.decode_step

        def encode(self, source_ids):
            traces.append(source_ids.shape)
            return model.encode(source_ids)

    translator = Translator(Counting(), SOURCE, TARGET, search=SEARCHES[search]())
    texts = list(translator.stream(SENTENCES, with_scores=False, with_attention=False))
    translator(["a b c d e f g h a b c d e f g h"] * 7)
    assert len(traces) == 1
    told = list(translator.stream(SENTENCES))
    translator.translate(["a b", "h"], prefixes=["ä ö", ""])
    assert len(traces) == 2
    for one, other in zip(told, texts, strict=True):
        # Each batch has samples of its own.
        if search != "sampling":
            assert [h.text for h in one.hypotheses] == [h.text for h in other.hypotheses]
        assert all(h.score < 0 for h in one.hypotheses if one.source_tokens)
        assert all(h.score is None for h in other.hypotheses if one.source_tokens)
        assert all(h.token_scores is None for h in other.hypotheses if one.source_tokens)


def test_without_attention():
    translator = make_translator(BasicSeq2Seq)
    assert translator.translate(["a b"])[0].attention is None
    assert translator(["a b"]) == [translator.translate(["a b"])[0].text]


@pytest.mark.parametrize("model", [BasicSeq2Seq, keras.Sequential(), "model.keras"])
def test_anything_but_a_model_is_refused(translator, model):
    with pytest.raises(TypeError, match="`model` must be an encoder-decoder model"):
        Translator(model, translator.source, translator.target)


def test_batch_size_zero_is_refused(translator):
    with pytest.raises(ValueError, match="`batch_size` must be .* Received: 0"):
        translator(["a"], batch_size=0)


def test_a_beam_finds_what_is_likelier(translator):
    beam = make_translator(search=BeamSearch(width=4, max_length=12))
    greedy, best = translator.translate(SENTENCES), beam.translate(SENTENCES)
    assert all(b.score >= g.score - 1e-5 for b, g in zip(best, greedy, strict=True))
    assert beam(SENTENCES) == [translation.text for translation in best]


@functools.cache
def translator_of(search, reverse_source=False):
    """Returns a translator, which is compiled for all tests that use it."""
    return make_translator(search=SEARCHES[search](), reverse_source=reverse_source)


def tokens_of(translations):
    return [
        [hypothesis.tokens for hypothesis in translation.hypotheses] for translation in translations
    ]


@pytest.mark.parametrize("search", ["greedy", "beam", "constrained"])
def test_a_batch_gives_what_each_sentence_gives_alone(search):
    translator = translator_of(search)
    together = translator.translate(SENTENCES)
    alone = [translator.translate([sentence])[0] for sentence in SENTENCES]
    assert tokens_of(together) == tokens_of(alone)
    for one, other in zip(together, alone, strict=True):
        for found, expected in zip(one.hypotheses, other.hypotheses, strict=True):
            assert found.score == pytest.approx(expected.score, abs=1e-5)
            assert found.token_scores == pytest.approx(expected.token_scores, abs=1e-5)
            np.testing.assert_allclose(found.attention, expected.attention, atol=1e-5)
            assert found.alignment == expected.alignment


@pytest.mark.parametrize(
    ("search", "reverse_source"), [*((search, False) for search in SEARCHES), ("beam", True)]
)
def test_scores_are_those_of_the_scorer(search, reverse_source):
    translator = translator_of(search, reverse_source)
    translations = translator.translate(SENTENCES)
    scorer = Scorer.from_translator(translator)
    lengths = set()
    for sentence, translation in zip(SENTENCES, translations, strict=True):
        assert len(translation.hypotheses) == (translator.search.n_best if sentence.strip() else 1)
        texts = [hypothesis.text for hypothesis in translation.hypotheses]
        scores = scorer([sentence] * len(texts), texts)
        for hypothesis, score in zip(translation.hypotheses, scores, strict=True):
            assert hypothesis.log_probability == pytest.approx(score.log_probability, abs=1e-4)
            assert hypothesis.token_scores == pytest.approx(score.token_log_probabilities, abs=1e-4)
            lengths.add(len(hypothesis.tokens))
    assert len(lengths) > 2


def test_the_alignment_is_where_the_attention_is_greatest():
    attention = np.array([[0.1, 0.7, 0.2], [0.4, 0.3, 0.3], [0.0, 0.1, 0.9], [0.0, 0.4, 0.4]])
    hypothesis = Hypothesis("a b c d", list("abcd"), -3.0, [-1.0, -0.5, -0.5, 0.0, -1.0], attention)
    assert hypothesis.alignment == [1, 0, 2, 1]
    assert hypothesis.log_probability == -3.0


@pytest.mark.parametrize("search", SEARCHES)
def test_translations_begin_with_their_prefix(search):
    translator = translator_of(search)
    prefixes = ["笑", "ä", "", "Zoë 笑", " ö  ü ", "x", "", "y y"]
    for sentence, prefix, translation in zip(
        SENTENCES, prefixes, translator.translate(SENTENCES, prefixes=prefixes), strict=True
    ):
        for hypothesis in translation.hypotheses:
            if sentence.strip():
                assert hypothesis.tokens[: len(prefix.split())] == prefix.split()
                assert hypothesis.text.startswith(" ".join(prefix.split()))
            else:
                assert hypothesis.text == ""


def test_prefixes_are_counted(translator):
    for number in (1, 3):
        with pytest.raises(UserError, match="expected one for each sentence"):
            translator.translate(["a", "b"], prefixes=["ä"] * number)
    with pytest.raises(UserError, match="prefix 2 has 12 tokens; expected at most 11"):
        translator.translate(["a", "b"], prefixes=["", "ä " * 12])


def test_a_prefix_is_not_cut_off_at_the_length_for_its_source():
    translator = make_translator(search=GreedySearch(max_length=30, max_length_ratio=1.0))
    # 2 tokens for the source, and 10 more, one of which is the end token.
    (translation,) = translator.translate(["a b"], prefixes=["ä " * 11])
    assert translation.target_tokens[:11] == ["ä"] * 11
    message = "prefix 2 has 12 tokens; expected at most 11, .* 12 tokens .* max_length_ratio$"
    with pytest.raises(UserError, match=message):
        translator.translate(["a b c", "a b"], prefixes=["ä " * 12] * 2)


def test_the_prefix_of_an_empty_sentence_is_ignored_even_if_it_is_long():
    translator = make_translator(search=GreedySearch(max_length=30, max_length_ratio=1.0))
    (translation,) = translator.translate([""], prefixes=["ä " * 29])
    assert translation.text == ""


def test_an_error_about_the_length_survives_pickling(translator):
    with pytest.raises(TooLongError) as error:
        translator.translate(["a"], prefixes=["ä " * 12])
    again = pickle.loads(pickle.dumps(error.value))
    assert str(again) == str(error.value)
    assert (again.name, again.number, again.problem) == ("prefix", 1, error.value.problem)


def test_what_was_not_requested_is_none(translator):
    options = {"with_scores": False, "with_attention": False}
    for translation in translator.stream(["a b c", ""], **options):
        best = translation.best
        assert best.score is best.token_scores is best.log_probability is best.attention is None
        (record,) = translation.to_dict(with_attention=True)["hypotheses"]
        assert record["log_probability"] is record["attention"] is None
    stream = functools.partial(translator.stream, **options)
    (joined,) = translate_paragraphs(stream, ["A b. C d."])
    assert joined.score is joined.best.token_scores is None
    first, second = translate_paragraphs(stream, ["A b. C d.", ""])
    assert first.score is second.score is None


def test_each_sentence_is_answered_before_the_next_is_read(translator):
    read = []

    def lines():
        for number in range(5):
            read.append(number)
            yield "a b"

    for number, _ in enumerate(translator.stream(lines(), read_ahead=False), 1):
        assert len(read) == number


def test_samples_differ_from_batch_to_batch_and_not_from_run_to_run():
    def draw():
        seed = keras.random.SeedGenerator(5)
        translator = make_translator(search=SamplingSearch(n_best=4, seed=seed, max_length=12))
        return [tokens_of(translator.translate(["a b c"])) for _ in range(2)]

    first, second = draw()
    assert first != second
    assert draw() == [first, second]


def test_everything_as_json(translator):
    (translation,) = translator.translate(["a b c"])
    record = json.loads(json.dumps(translation.to_dict(with_attention=True)))
    assert record["source_tokens"] == ["a", "b", "c"]
    (hypothesis,) = record["hypotheses"]
    assert hypothesis["text"] == translation.text
    assert hypothesis["tokens"] == translation.target_tokens
    assert hypothesis["score"] == translation.score
    assert sum(hypothesis["token_scores"]) == pytest.approx(hypothesis["log_probability"])
    assert hypothesis["alignment"] == translation.alignment
    np.testing.assert_allclose(hypothesis["attention"], translation.attention)
    assert "attention" not in translation.to_dict()["hypotheses"][0]


def test_a_translation_without_tokens(translator):
    (translation,) = translator.translate([" "])
    (hypothesis,) = translation.hypotheses
    assert (hypothesis.text, hypothesis.tokens, hypothesis.token_scores) == ("", [], [])
    assert (hypothesis.score, hypothesis.log_probability, hypothesis.alignment) == (0, 0, [])


def test_loads_with_options_or_with_a_search(tmp_path):
    write_toy_model(tmp_path)
    greedy, beam = Translator.load(tmp_path), Translator.load(tmp_path, beam_width=4, n_best=3)
    assert type(greedy.search) is GreedySearch
    assert (beam.search.width, beam.search.n_best) == (4, 3)
    # As in the model's configuration.
    assert greedy.search.constraints.max_length == beam.search.constraints.max_length == 8
    search = BeamSearch(width=4, n_best=3, max_length=8)
    own = Translator.load(tmp_path, search=search)
    assert own.search is search
    assert tokens_of(own.translate(SOURCES)) == tokens_of(beam.translate(SOURCES))
    narrow = Translator.load(tmp_path, search=search, dtype="bfloat16")
    assert (narrow.search, narrow.model.decoder.compute_dtype) == (search, "bfloat16")
    with pytest.raises(TypeError, match="expected a search, or options that describe one"):
        Translator.load(tmp_path, search=search, beam_width=4)
    with pytest.raises(UserError, match="n_best: has no effect here"):
        Translator.load(tmp_path, n_best=4)


def test_the_tree_of_a_beam(tmp_path):
    write_toy_model(tmp_path)
    translator = Translator.load(tmp_path, beam_width=3, return_tree=True)
    (translation,) = translator.translate(["ein hund"])
    tree, length = translation.tree, len(translation.target_tokens)
    assert tree.ids.shape == tree.parents.shape == tree.token_scores.shape
    # From the beam that ended last, back to the beginning, there are the tokens of the best one.
    ids = translator.target.vocabulary.to_ids(translation.target_tokens)
    paths = []
    for beam in np.flatnonzero(tree.ends[length]):
        path = []
        for step in range(length - 1, -1, -1):
            path.append(tree.ids[step, beam])
            beam = tree.parents[step, beam]
        paths.append(path[::-1])
    assert ids in paths
    assert translator.translate([""])[0].tree is None


def test_the_argument_fixed_weights_of_version_0_1_still_works():
    with pytest.warns(DeprecationWarning, match="use frozen_weights"):
        assert make_translator(fixed_weights=True).frozen_weights


def test_tokenizers_of_another_size_are_refused(translator):
    with pytest.raises(ValueError, match="source tokenizer has 10 tokens, but the model has 12; "):
        Translator(translator.model, TARGET, TARGET)
    with pytest.raises(ValueError, match="target tokenizer has 12 tokens, but the model has 10; "):
        Scorer(translator.model, SOURCE, SOURCE)


def test_decoding_options_of_the_constructor_are_explained():
    with pytest.raises(TypeError, match=r"'beam_width'.*search=BeamSearch\(width=5\)"):
        make_translator(beam_width=5)


@pytest.mark.parametrize(
    ("n_best", "most_sentences", "slots"), [(1, 12, 3), (4, 3, 3), (100, 1, 3)]
)
def test_batches_for_sampling_have_fewer_sentences_if_each_has_more_hypotheses(
    monkeypatch, n_best, most_sentences, slots
):
    translator = make_translator(search=SamplingSearch(n_best=n_best, max_length=3))
    decode, calls = translator._decode_batch, []

    def count(source_ids, prefix, *, batch_size, **options):
        calls.append((len(source_ids), batch_size))
        return decode(source_ids, prefix, batch_size=batch_size, **options)

    monkeypatch.setattr(translator, "_decode_batch", count)
    translator(["ein mann"] * 12, batch_size=3)
    assert calls == [(most_sentences, slots)] * (12 // most_sentences)
