import tensorflow as tf

from keras_seq2seq.data import Vocabulary, get_tokenizer
from keras_seq2seq.data.sentence_encoder import SentenceEncoder
from keras_seq2seq.data.text_encoder import TextEncoder, with_end, with_start

VOCABULARY = Vocabulary(["a", "b", "c", "▁", "é"])
SENTENCES = ["a b c", "c", "a Unknown\u3000é\x1cb", "b b  b b ", "a\u200bb"]


def test_the_ids_are_those_of_the_training_pipeline():
    for tokenizer in ("whitespace", "characters"):
        for reverse in (False, True):
            encoder = SentenceEncoder(tokenizer, VOCABULARY, reverse)
            tokens = [encoder.split(sentence) for sentence in SENTENCES]
            graph = TextEncoder(get_tokenizer(tokenizer), VOCABULARY, 100, reverse)
            ids = graph(tf.constant(SENTENCES))
            assert encoder.with_end(tokens).tolist() == with_end(ids).numpy().tolist()
            assert encoder.with_start(tokens).tolist() == with_start(ids).numpy().tolist()
            assert encoder.padded(tokens).tolist() == ids.to_tensor().numpy().tolist()


def test_unknown_words_that_a_model_wrote_stay_whole():
    encoder = SentenceEncoder("characters", VOCABULARY, keep_unknown=True)
    assert encoder.split("a<unk>b c") == ["a", "<unk>", "b", "▁", "c"]
    assert SentenceEncoder("characters", VOCABULARY).split("<unk>") == list("<unk>")


def test_no_tokens_at_all():
    encoder = SentenceEncoder("whitespace", VOCABULARY)
    assert encoder.padded([[], []]).shape == (2, 0)
    assert encoder.padded([]).shape == (0, 0)
    assert encoder.with_end([[]]).tolist() == [[3]]
