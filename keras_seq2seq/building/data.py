"""From a configuration to text encoders and batches."""

from keras_seq2seq.config import Config
from keras_seq2seq.data import Batching, ParallelTextSummary, propose_buckets, validate_buckets
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


def make_batching(config: Config, summary: ParallelTextSummary) -> Batching:
    """Returns the buckets and batch sizes of a configuration.

    Args:
        config: The configuration.
        summary: Statistics of the text to batch. `buckets=auto` depends on its lengths.
    """
    hparams = config.hparams
    limits = hparams.source.max_seq_len, hparams.target.max_seq_len
    is_by_tokens = config.batch_type == "tokens"
    buckets = config.buckets
    if buckets == "auto":
        mean = sum(max(pair) * count for pair, count in summary.lengths.items()) / summary.pairs
        pairs = max(1, int(config.batch_size / mean)) if is_by_tokens else config.batch_size
        buckets = propose_buckets(summary.lengths, pairs)
    buckets = validate_buckets(buckets)
    if is_by_tokens:
        return Batching.of_tokens(buckets, config.batch_size, *limits)
    if config.bucket_batch_sizes:
        return Batching(buckets, config.bucket_batch_sizes)
    return Batching.of_pairs(buckets, config.batch_size)
