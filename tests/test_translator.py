import keras
import numpy as np
import pytest

from keras_seq2seq.config import Inference
from keras_seq2seq.data import Vocabulary
from keras_seq2seq.decoding import BeamSearch, GreedySearch
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq
from keras_seq2seq.translator import Translator, make_search

SOURCE = Vocabulary("abcdefgh")
TARGET = Vocabulary(["ä", "ö", "ü", "笑", "x", "y"])


def make_translator(model_class=AttentionSeq2Seq, **options):
    keras.utils.set_random_seed(3)
    model = model_class(len(SOURCE), len(TARGET), num_units=16, cell_type="GRUCell")
    return Translator(model, SOURCE, TARGET, **{"search": GreedySearch(max_length=12), **options})


@pytest.fixture(scope="module")
def translator():
    return make_translator()


SENTENCES = ["a b c", "", "h g f e d c b a", "a", "unknown a words", "   ", "b", "c c c c"]


def test_keeps_the_order_and_answers_every_line(translator):
    together = translator(SENTENCES)
    assert len(together) == len(SENTENCES)
    assert together[1] == together[5] == ""
    assert together == [translator([sentence])[0] for sentence in SENTENCES]
    assert together == translator(SENTENCES, batch_size=2)


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
    while target[-1] != 3 and len(target) <= 12:
        inputs = {"source_ids": source, "target_ids": np.array([target])}
        logits = np.array(translator.model(inputs))[0, -1]
        log_probabilities = logits - np.log(np.exp(logits).sum())
        logits[[0, 2]] = -np.inf  # padding and start are no tokens to write
        target.append(int(logits.argmax()))
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


def test_reversed_sources_show_their_attention_in_written_order():
    forward, reverse = make_translator(), make_translator(reverse_source=True)
    there = forward.translate(["c b a"])[0]
    back = reverse.translate(["a b c"])[0]
    assert there.target_tokens == back.target_tokens
    assert back.source_tokens == ["a", "b", "c"]
    np.testing.assert_allclose(there.attention, back.attention[:, ::-1], atol=1e-6)


def test_streams_lazily():
    translator = make_translator()
    read = []

    def lines():
        for number in range(10_000):
            read.append(number)
            yield "a b"

    stream = translator.stream(lines(), batch_size=2)
    next(stream)
    assert len(read) < 1000


def test_is_traced_once():
    translator = make_translator()
    translator(SENTENCES)
    translator(["a b c d e f g h a b c d e f g h"] * 7)
    assert translator._decode.experimental_get_tracing_count() == 1


def test_without_attention():
    translator = make_translator(BasicSeq2Seq)
    assert translator.translate(["a b"])[0].attention is None
    assert translator(["a b"]) == [translator.translate(["a b"])[0].text]


def test_batch_size_zero_is_refused(translator):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1. Received: 0"):
        translator(["a"], batch_size=0)


def test_a_beam_finds_what_is_likelier(translator):
    beam = make_translator(search=BeamSearch(width=4, max_length=12))
    greedy, best = translator.translate(SENTENCES), beam.translate(SENTENCES)
    assert all(b.score >= g.score - 1e-5 for b, g in zip(best, greedy, strict=True))
    assert beam(SENTENCES) == [translation.text for translation in best]


def test_the_options_choose_the_search():
    def options(width):
        beam = {"beam_width": width, "length_penalty_weight": 0.6}
        return Inference(beam_search=beam, max_decode_length=7)

    assert isinstance(make_search(options(0)), GreedySearch)
    beam = make_search(options(3))
    assert (beam.width, beam.length_penalty, beam.constraints.max_length) == (3, 0.6, 7)
