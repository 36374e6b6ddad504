"""Creation of buckets and batch sizes from a configuration."""

from keras_seq2seq.config import Config
from keras_seq2seq.data import Batching, ParallelTextSummary, propose_buckets, validate_buckets


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
