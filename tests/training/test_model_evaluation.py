import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import evaluate, evaluate_systems
from keras_seq2seq.text import CharacterTokenizer, TextEncoder, Vocabulary, WhitespaceTokenizer
from keras_seq2seq.training import evaluate_models, translate_and_score
from keras_seq2seq.translator import TextTranslator, Translator
from keras_seq2seq.translator.scorer import CorpusScore, Scorer


class FakeTranslator:
    def __init__(self, tokenizer_class, translations):
        self.target = TextEncoder(tokenizer_class(Vocabulary(["a"])))
        self.translations = translations

    def __call__(self, sentences, batch_size=32):
        return [self.translations[sentence] for sentence in sentences]


def test_translations_are_scored_as_they_are_written():
    translator = FakeTranslator(WhitespaceTokenizer, {"a b": "A B", "c": "<unk> D"})
    scores = translate_and_score(translator, ["a b", "c"], ["A  B", "C D"], ["exact_match", "wer"])
    assert scores == {"exact_match": 50, "wer": pytest.approx(100 * 1 / 4)}


def test_references_are_joined_by_the_target_tokenizer():
    translator = FakeTranslator(CharacterTokenizer, {"x": "3 mai"})
    # U+2581 stands for a blank in the vocabulary.
    assert translate_and_score(translator, ["x"], [" 3\u2581mai"], ["cer"]) == {"cer": 0}


def test_subwords_of_references_are_joined():
    translator = FakeTranslator(WhitespaceTokenizer, {"x": "dogs a"})
    translator.target.tokenizer.continuation = "@@"
    assert translate_and_score(translator, ["x"], ["do@@ gs a"], ["exact_match"]) == {
        "exact_match": 100
    }
    assert translator.target.tokenizer.to_raw("do@@ gs  a") == "dogs a"
    assert WhitespaceTokenizer().to_raw("do@@ gs  a") == "do@@ gs  a"


def test_options_reach_the_metric():
    translator = FakeTranslator(WhitespaceTokenizer, {"x": "Ein guter, alter Mann"})
    targets = ["ein guter , alter mann"]
    assert translate_and_score(translator, ["x"], targets, lowercase=True) == {
        "bleu": pytest.approx(100)
    }
    assert translate_and_score(translator, ["x"], targets, tokenize="none")["bleu"] < 50


def test_an_unknown_metric_is_found_before_translating():
    with pytest.raises(UserError, match="unknown metric 'blue'; did you mean 'bleu'?"):
        translate_and_score(FakeTranslator(WhitespaceTokenizer, {}), ["x"], ["y"], ["blue"])


REFERENCES = ["a man sleeps .", "dog", "läuft läuft", "man", "a man", "sleeps ."]


@pytest.fixture(scope="module")
def model_dirs(tmp_path_factory):
    directories = []
    for seed in (4, 7):
        directories.append(str(tmp_path_factory.mktemp("model")))
        write_toy_model(directories[-1], seed)
    return directories


def test_models_are_compared_by_their_translations_and_perplexities(model_dirs):
    metrics = ("perplexity", "chrf", "wer")
    scores = evaluate_models(model_dirs, SOURCES, REFERENCES, metrics, bootstrap_samples=20)
    translators = {name: Translator.load(name) for name in model_dirs}
    translations = {name: translators[name](SOURCES) for name in model_dirs}
    expected = evaluate_systems(translations, REFERENCES, "chrf,wer", bootstrap_samples=20)
    for name in model_dirs:
        assert list(scores[name]) == list(metrics)
        perplexity = scores[name].pop("perplexity")
        assert scores[name] == expected[name]
        total = CorpusScore.of(Scorer.from_translator(translators[name])(SOURCES, REFERENCES))
        assert perplexity.value == pytest.approx(total.perplexity)
        assert perplexity.signature.startswith("tokens:18|lines:6|version:keras-seq2seq-")


def test_perplexity_alone_translates_nothing(model_dirs, monkeypatch):
    monkeypatch.delattr(TextTranslator, "__call__")
    scores = evaluate_models(model_dirs[:1], SOURCES, REFERENCES, "perplexity")
    assert list(scores[model_dirs[0]]) == ["perplexity"]


@pytest.mark.parametrize("order", [1, -1])
def test_subwords_of_references_are_joined_for_all_models(model_dirs, monkeypatch, order):
    first = []

    def to_raw(tokenizer, line):
        # Only the tokenizer of one of the models joins subwords.
        first[:] = first or [tokenizer]
        return line.replace("@@ ", "") if (tokenizer is first[0]) == (order == 1) else line

    monkeypatch.setattr(WhitespaceTokenizer, "to_raw", to_raw)
    references = [line.replace("a", "a@@ ") for line in REFERENCES]
    scores = evaluate_models(model_dirs, SOURCES, references, "chrf")
    joined = evaluate_models(
        model_dirs, SOURCES, [line.replace("@@ ", "") for line in references], "chrf"
    )
    assert scores == joined


def test_several_references(model_dirs):
    references = [[line, "a man"] if number % 2 else line for number, line in enumerate(REFERENCES)]
    scores = evaluate_models(model_dirs[:1], SOURCES, references, "perplexity,cer")[model_dirs[0]]
    translator = Translator.load(model_dirs[0])
    assert scores["cer"] == evaluate(translator(SOURCES), references, "cer")["cer"]
    # Each reference is a pair of its own.
    pairs = list(zip(SOURCES, REFERENCES, strict=True))
    pairs += [(source, "a man") for source in SOURCES[1::2]]
    total = CorpusScore.of(Scorer.from_translator(translator).stream(pairs))
    assert total.lines == 9
    assert scores["perplexity"].value == pytest.approx(total.perplexity)


def test_decoding_options(model_dirs):
    decoding = {"beam_width": 3, "max_length": 4}
    metrics = "cer,perplexity"
    scores = evaluate_models(model_dirs[:1], SOURCES, REFERENCES, metrics, decoding=decoding)
    translations = Translator.load(model_dirs[0], **decoding)(SOURCES)
    assert translations != Translator.load(model_dirs[0])(SOURCES)
    assert scores[model_dirs[0]]["cer"] == evaluate(translations, REFERENCES, "cer")["cer"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"references": [*REFERENCES[:5], []]}, "line 6 has no reference"),
        ({"decoding": {"top_k": 3}}, "top_k: has no effect here: it needs sample"),
        ({"metrics": "comet"}, "metric 'comet' needs unbabel-comet"),
        ({"references": ["a"]}, "6 sources, but 1 references"),
        ({"metrics": "perplexty"}, "unknown metric 'perplexty'; did you mean 'perplexity'?"),
        ({"tokenize": "12a"}, "unknown tokenizer '12a'; did you mean '13a'?"),
        ({"metrics": "perplexity", "references": [""] * 6}, "no pair of lines has text"),
        ({"model_dirs": ["nowhere"]}, "nowhere: no such directory"),
    ],
)
def test_errors(model_dirs, arguments, message):
    valid = {"model_dirs": model_dirs, "sources": SOURCES, "references": REFERENCES}
    with pytest.raises(UserError, match=message):
        evaluate_models(**{**valid, **arguments})
