import pytest

from keras_seq2seq.data import CharacterTokenizer, WhitespaceTokenizer
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import translate_and_score


class FakeTranslator:
    def __init__(self, tokenizer, translations):
        self.target_tokenizer = tokenizer
        self.translations = translations

    def __call__(self, sentences, batch_size=32):
        return [self.translations[sentence] for sentence in sentences]


def test_translations_are_scored_as_they_are_written():
    translator = FakeTranslator(WhitespaceTokenizer(), {"a b": "A B", "c": "<unk> D"})
    scores = translate_and_score(translator, ["a b", "c"], ["A  B", "C D"], ["exact_match", "wer"])
    assert scores == {"exact_match": 50, "wer": pytest.approx(100 * 1 / 4)}


def test_references_are_joined_by_the_target_tokenizer():
    translator = FakeTranslator(CharacterTokenizer(), {"x": "3 mai"})
    # U+2581 stands for a blank in the vocabulary.
    assert translate_and_score(translator, ["x"], [" 3\u2581mai"], ["cer"]) == {"cer": 0}


def test_options_reach_the_metric():
    translator = FakeTranslator(WhitespaceTokenizer(), {"x": "Ein guter, alter Mann"})
    targets = ["ein guter , alter mann"]
    assert translate_and_score(translator, ["x"], targets, lowercase=True) == {
        "bleu": pytest.approx(100)
    }
    assert translate_and_score(translator, ["x"], targets, tokenize="none")["bleu"] < 50


def test_an_unknown_metric_is_found_before_translating():
    with pytest.raises(UserError, match="unknown metric 'blue'; did you mean 'bleu'?"):
        translate_and_score(FakeTranslator(None, {}), ["x"], ["y"], ["blue"])
