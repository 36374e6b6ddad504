"""Exported models tokenize as the originals do, in processes without Keras and TensorFlow."""

import json
import subprocess
import sys

import pytest
from harness.toy_model import make_varied_model

from keras_seq2seq.decoding import BeamSearch
from keras_seq2seq.text import (
    ByteTokenizer,
    CharacterTokenizer,
    SentencePieceTokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    WordTokenizer,
)
from keras_seq2seq.translator import Translator
from keras_seq2seq.translator.paragraphs import translate_paragraphs

TEXT = [
    "Der Mann schläft (nicht)! Er liest's um 10:30 Uhr.",
    "a man is sleeping, isn't he?  Two  spaces",
    "笑う 門には 福来る。",
] * 4
SENTENCES = [
    "Der Mann schläft.",
    "",
    " \u3000leading space, a tab\tand é, 😀 or <unk>",
    "福 is not um 10:30?",
    "</s> ▁ <0xC3> @@",
]
PREFIXES = ["", "", "a man", "笑😀", "Der Mann"]

TOKENIZERS = {
    "whitespace": lambda: WhitespaceTokenizer.build(TEXT),
    "subword_nmt": lambda: WhitespaceTokenizer(
        Vocabulary(["sch@@", "läf@@", "t", "a", "man", "@@"]), continuation="@@"
    ),
    "characters": lambda: CharacterTokenizer.build(TEXT),
    "bytes": ByteTokenizer,
    "words": lambda: WordTokenizer.build(TEXT, lowercase=True, nfkc=True),
    "unigram": lambda: SentencePieceTokenizer.build(TEXT, 45, byte_fallback=False),
    "bpe": lambda: SentencePieceTokenizer.build(
        TEXT, 90, "bpe", byte_fallback=False, normalization="nmt_nfkc"
    ),
    "byte_fallback": lambda: SentencePieceTokenizer.build(TEXT, 300),
}

# Makes imports of what the runtime does not need fail.
BLOCK = """
import sys

NAMES = "keras", "tensorflow", "tensorflow_text", "pydantic", "matplotlib"

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in NAMES:
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
"""

# Prints the translations of an exported model.
PROGRAM = f"""{BLOCK}
import json
from keras_seq2seq.runtime import Translator
from keras_seq2seq.translator.paragraphs import translate_paragraphs
path, sentences, prefixes = json.load(sys.stdin)
translator = Translator(path)
print(json.dumps([
    [translation.to_dict() for translation in translator.translate(sentences, prefixes=prefixes)],
    [translation.text for translation in translate_paragraphs(translator.stream, sentences)],
]))
"""

COMMAND = f"""{BLOCK}
from keras_seq2seq.cli.main import main
main()
"""


def make_translator(tokenizer, **options):
    model = make_varied_model(tokenizer.vocabulary_size())
    search = BeamSearch(**{"width": 3, "n_best": 2, "max_length": 12, **options})
    return Translator(model, tokenizer, tokenizer, search=search)


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in ("unigram", "words", "subword_nmt")
        else pytest.param(name, marks=pytest.mark.slow)
        for name in TOKENIZERS
    ],
)
def test_texts_are_equal(name, tmp_path, single_sentences):
    translator = make_translator(TOKENIZERS[name](), max_length=20)
    translator.export(tmp_path / "exported", check_lines=SENTENCES)
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([str(tmp_path / "exported"), SENTENCES, PREFIXES]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stderr == ""
    found, texts = json.loads(process.stdout)
    expected = translator.translate(SENTENCES, prefixes=PREFIXES)
    for translation, original in zip(found, expected, strict=True):
        original = original.to_dict()
        assert translation["source_tokens"] == original["source_tokens"]
        for hypothesis, other in zip(
            translation["hypotheses"], original["hypotheses"], strict=True
        ):
            scores = hypothesis.pop("token_scores"), hypothesis.pop("score")
            assert scores[0] == pytest.approx(other.pop("token_scores"), abs=1e-4)
            assert scores[1] == pytest.approx(other.pop("score"), abs=1e-4)
            for key in ("text", "tokens", "alignment", "truncated"):
                assert hypothesis[key] == other[key]
    expected = translate_paragraphs(translator.stream, SENTENCES)
    assert texts == [translation.text for translation in expected]


def test_the_command_needs_neither_keras_nor_tensorflow(tmp_path, single_sentences):
    translator = make_translator(TOKENIZERS["byte_fallback"](), n_best=1)
    translator.export(tmp_path / "exported")
    (tmp_path / "prefixes").write_text("\n".join(PREFIXES), encoding="utf-8")
    for options, prefixes in ([[], None], [["--prefix", tmp_path / "prefixes"], PREFIXES]):
        process = subprocess.run(
            [sys.executable, "-c", COMMAND, "translate", "--model_dir", tmp_path / "exported"]
            + options,
            input="\n".join(SENTENCES),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert process.stderr == ""
        expected = translator.translate(SENTENCES, prefixes=prefixes)
        assert process.stdout == "".join(f"{translation.text}\n" for translation in expected)
