from pathlib import Path

from keras_seq2seq.building import build_text_encoders, build_tokenizers
from keras_seq2seq.config import Config
from keras_seq2seq.text import TOKENIZERS, CharacterTokenizer, Vocabulary, WhitespaceTokenizer


def test_options_of_both_sides(tmp_path: Path):
    (tmp_path / "source").write_text("a\nb\n")
    (tmp_path / "target").write_text("x\n")
    config = Config(
        vocab_source=tmp_path / "source",
        vocab_target=tmp_path / "target",
        hparams={
            "source": {"max_seq_len": 7, "reverse": True},
            "target": {"max_seq_len": 9, "tokenizer": "characters"},
        },
    )
    tokenizers = build_tokenizers(config)
    assert [type(tokenizer) for tokenizer in tokenizers] == [
        WhitespaceTokenizer,
        CharacterTokenizer,
    ]
    assert [tokenizer.vocabulary for tokenizer in tokenizers] == [
        Vocabulary(["a", "b"]),
        Vocabulary(["x"]),
    ]
    source, target = build_text_encoders(config, *tokenizers)
    assert (source.tokenizer, target.tokenizer) == tokenizers
    assert (source.max_length, source.reverse) == (7, True)
    assert (target.max_length, target.reverse) == (9, False)


def test_all_tokenizers_can_be_configured():
    for name in TOKENIZERS:
        config = Config(hparams={"source": {"tokenizer": name}, "target": {"tokenizer": name}})
        assert (config.hparams.source.tokenizer, config.hparams.target.tokenizer) == (name, name)
