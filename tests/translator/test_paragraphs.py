import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seq2seq.translator.paragraphs import split_sentences, translate_paragraphs
from keras_seq2seq.translator.translation import Hypothesis, Translation


@pytest.mark.parametrize(
    "sentences",
    [
        [],
        ["no end"],
        ["One.", "Two!", "Three?", "4 is next…", "Wirklich?!", "Äpfel."],
        ["He said: “Wait!”", "“Why?”", "(Nobody knows.)", "¿Qué?", "¡Nada!"],
        ['"Wait!" said Dr. Smith.', "Mr. J. R. Jones left at 3.30 p.m. with Mrs. Ray."],
        ["Am 3. Mai war z. B. Dr. Ott da.", "Es gab Äpfel, Birnen etc.", "Dann ging er."],
        ["It ended in 1998.", "The next year began."],
        ["He paid.", "$5 was enough.", "– She left.", "👍 Great."],
        ["Well . . . maybe."],
        ["« Bonjour ! » dit-il.", "« Oui. »"],
        ["Well... maybe.", "Or not...", "Who knows?"],
        ["这是第一句。", "第二句！", "「第三句？」", "完"],
        ["यह पहला है।", "यह दूसरा है।"],
        ["a.b.c www.example.com x.Y"],
    ],
)
def test_sentences_are_found(sentences):
    separator = "" if any("。" in sentence for sentence in sentences) else " "
    assert split_sentences(separator.join(sentences)) == sentences


def test_white_space_is_dropped():
    assert split_sentences("  One. \t Two.\u00a0 ") == ["One.", "Two."]


@given(st.text(alphabet=st.sampled_from("aB1.!?…。 \t\"')(«»Dr")) | st.text())
def test_no_text_is_lost(text):
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("text", [".", '."', ". ", ' "', "。", '!"( ', "a. "])
def test_time_is_linear(text):
    start = time.perf_counter()
    split_sentences(text * 200_000)
    assert time.perf_counter() - start < 10


def translate(sentences):
    for sentence in sentences:
        tokens = sentence.upper().split()
        scores = [-1.0] * (len(tokens) + 1) if tokens else []
        hypothesis = Hypothesis(" ".join(tokens), tokens, sum(scores), scores, ids=(4,))
        yield Translation(sentence.split(), [hypothesis])


def test_translations_of_sentences_are_joined():
    lines = ["aa bb. Cc dd. Ee", "", "。。", "f"]
    first, second, third, fourth = translate_paragraphs(translate, lines)
    assert first.text == "AA BB. CC DD. EE"
    assert first.source_tokens == ["aa", "bb.", "Cc", "dd.", "Ee"]
    assert first.target_tokens == ["AA", "BB.", "CC", "DD.", "EE"]
    assert first.score == first.best.log_probability == -8
    assert first.best.ids == (4, 4, 4)
    assert (second.text, second.score) == ("", 0)
    assert third.text == "。。"
    assert fourth.text == "F"


def test_no_space_follows_a_chinese_sentence():
    (translation,) = translate_paragraphs(translate, ["甲。乙。"])
    assert translation.text == "甲。乙。"


def test_paragraphs_are_read_on_demand():
    read = []

    def lines():
        for line in ["Aa. Bb.", "Cc.", "Dd. Ee."]:
            read.append(line)
            yield line

    translations = translate_paragraphs(translate, lines())
    assert next(translations).text == "AA. BB."
    assert read == ["Aa. Bb."]
