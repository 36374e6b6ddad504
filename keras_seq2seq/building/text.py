"""Creation of tokenizers and text encoders from a configuration."""

from keras_seq2seq.config import Config
from keras_seq2seq.text import TextEncoder, Tokenizer, get_tokenizer_class


def build_tokenizers(config: Config) -> tuple[Tokenizer, Tokenizer]:
    """Creates the source and target tokenizers from the files `vocab_source` and `vocab_target`.

    Raises:
        UserError: If a file cannot be read or is invalid.
    """
    source, target = config.hparams.source, config.hparams.target
    return (
        get_tokenizer_class(source.tokenizer).from_file(config.vocab_source),
        get_tokenizer_class(target.tokenizer).from_file(config.vocab_target),
    )


def build_text_encoders(
    config: Config, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer
) -> tuple[TextEncoder, TextEncoder]:
    """Creates the source and target text encoders.

    Args:
        config: The configuration, with `source.max_seq_len`, `source.reverse` and
            `target.max_seq_len`.
        source_tokenizer: The tokenizer of the sources.
        target_tokenizer: The tokenizer of the targets.
    """
    source, target = config.hparams.source, config.hparams.target
    return (
        TextEncoder(source_tokenizer, source.max_seq_len, source.reverse),
        TextEncoder(target_tokenizer, target.max_seq_len),
    )
