import random

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.text import build_tokenizer, choose_tokenizer

RAW = [
    "Two young, white males are outside near many bushes.",
    "Several men in hard hats are operating a giant pulley system.",
    "A little girl climbing into a wooden playhouse.",
]
PHONES = "AA1 AE1 AH0 B D EH1 ER0 F G HH IH0 IY1 K L M N NG OW1 P R S T UW1 V W Z".split()


def phone_lines():
    draw = random.Random(1)
    return [" ".join(draw.choices(PHONES, k=draw.randint(2, 9))) for _ in range(200)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (RAW, ("sentencepiece", "raw text")),
        (["我们在公园里看到了很多年轻人" * 3], ("sentencepiece", "raw text")),
        (["How are you?", "Fine, thanks."], ("sentencepiece", "raw text")),
        (["HELLO", "WORLD", "HELLO(1)"], ("characters", "short strings")),
        (["the 3rd of march, 1998", "12/31/2001", "5 may 2011"], ("characters", "short strings")),
        (["1998-03-03", "2001-12-31"], ("characters", "short strings")),
        (phone_lines(), ("whitespace", "symbols")),
        (["h e l l o", "w o r l d"], ("whitespace", "symbols")),
        (["3 17 4 4", "17 3 4 3 17"] * 10, ("whitespace", "symbols")),
        (RAW * 10, ("sentencepiece", "raw text")),
        (["new@@ er l@@ ight"], ("whitespace", "subwords of subword-nmt")),
        ([""], ("sentencepiece", "raw text")),
    ],
)
def test_choice(lines, expected):
    assert choose_tokenizer(lines) == expected


def test_sizes_of_models():
    text = [f"{word} number {index}" for index in range(400) for word in ("Red", "blue")]
    # 400 lines of about 15 characters: the smallest size, reduced to what the text has.
    tokenizer = build_tokenizer("sentencepiece", text)
    assert 256 < tokenizer.vocabulary_size() <= 1004
    assert build_tokenizer("sentencepiece", text, 300).vocabulary_size() == 304
    # Characters of their own need more pieces.
    wide = ["".join(map(chr, range(0x4E00, 0x4E00 + 1000)))] * 2
    assert build_tokenizer("sentencepiece", wide).vocabulary_size() > 1200


def test_rare_tokens_are_left_out_of_large_text():
    text = ["a b"] * 2500 + ["rare"]
    assert "rare" in build_tokenizer("whitespace", text).vocabulary
    large = ["a b"] * 5000 + ["rare"]
    assert build_tokenizer("whitespace", large).vocabulary.tokens == ("a", "b")
    assert build_tokenizer("whitespace", large, min_frequency=1).vocabulary.tokens[-1] == "rare"
    assert build_tokenizer("words", large, 1).vocabulary.tokens == ("a",)


def test_bytes_have_their_own_vocabulary():
    assert build_tokenizer("bytes", RAW).vocabulary_size() == 260


def test_a_size_that_is_too_small():
    with pytest.raises(UserError, match="size is 100; the characters of the text need at least"):
        build_tokenizer("sentencepiece", RAW, 100)
