"""Minimum risk training: minimizing the expected error of outputs drawn from the model."""

import keras
from keras import ops

from keras_seq2seq.backend import (
    count_replicas,
    split_into_micro_batches,
    sum_over_replicas,
)
from keras_seq2seq.decoding import SamplingSearch
from keras_seq2seq.errors import check_integer
from keras_seq2seq.losses import MaskedCrossEntropy, apply_weights
from keras_seq2seq.models.inputs import decode_ids, is_token
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID

MAX_ORDER = 4

# Outputs may be this many tokens longer than the longest target of the batch.
_EXTRA_LENGTH = 10


@keras.saving.register_keras_serializable("keras_seq2seq")
class MinimumRisk:
    """A loss that minimizes the expected error of outputs drawn from the model.

    For each source `x`, `n` outputs `y[k]` are drawn. With `s(y) = log P(y | x) / length(y)`, the
    risk is the expected error under the distribution of the model, restricted to these outputs:

        risk(x) = sum over k of softmax(s(y[1]), ..., s(y[n]))[k] * (1 - metric(y[k], target))

    The metric is computed per sentence, on token ids. The model's loss in training is then
    `(1 - weight) * loss + weight * risk`, where `risk` is the mean over the sources, weighted by
    `sample_weight` and `class_weight`: the weight of a source is the mean of those of its target's
    tokens. Use it to fine-tune a fully trained model: a step takes
    several times as long as an ordinary one.

    Args:
        num_samples: Integer of at least 2, the outputs drawn for each source.
        weight: Float above 0 and at most 1.
        metric: `"bleu"`, see `sentence_bleu`, or `"exact_match"`, 1 for outputs that equal the
            target and 0 for all others, which suits words better than sentences.

    Call arguments:
        model: A `Seq2Seq` model.
        source_ids: Integer tensor `(batch, source_length)`.
        labels: Integer tensor `(batch, target_length)`, the targets, each with its end token.
        seed: `keras.random.SeedGenerator`.
        sample_weight: See `MaskedCrossEntropy`, or `None`.

    Output:
        A scalar float tensor, the mean risk of the sources, between 0 and 1; 0 if all weights are
        0. Sources whose labels are all padding do not count.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> model.minimum_risk = MinimumRisk(num_samples=5)
        >>> model.compile(keras.optimizers.Adam(1e-4), loss=MaskedCrossEntropy(0.1))
        >>> model.fit(...)

    Reference:
        - Shen et al., 2016, "Minimum Risk Training for Neural Machine Translation",
          https://arxiv.org/abs/1512.02433, section 3
        - Edunov et al., 2018, "Classical Structured Prediction Losses for Sequence to Sequence
          Learning", https://arxiv.org/abs/1711.04956, sections 3.2 and 3.3, for `s` and `weight`
    """

    def __init__(self, num_samples=5, weight=0.7, metric="bleu"):
        num_samples = check_integer("num_samples", num_samples)
        if num_samples < 2:
            raise ValueError(
                "`num_samples` must be at least 2, since the risk compares outputs. "
                f"Received: num_samples={num_samples}"
            )
        if not 0 < weight <= 1:
            raise ValueError(f"`weight` must be above 0 and at most 1. Received: weight={weight!r}")
        if metric not in METRICS:
            raise ValueError(
                f"`metric` must be one of {', '.join(METRICS)}. Received: metric={metric!r}"
            )
        self.num_samples = num_samples
        self.weight = weight
        self.metric = metric

    def get_config(self):
        """Returns the arguments, for `from_config`."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config):
        """Creates the loss from what `get_config` returned."""
        return cls(**config)

    def __call__(self, model, source_ids, labels, seed, sample_weight=None):
        parts = split_into_micro_batches({"source_ids": source_ids, "labels": labels})
        drawn = join_rows([self._draw(model, **part, seed=seed) for part in parts])
        values = METRICS[self.metric](drawn, ops.repeat(labels, self.num_samples, axis=0))
        # Scheduled sampling, which is part of `call`, would replace tokens of the outputs.
        logits = model.compute_logits(
            {
                "source_ids": ops.repeat(source_ids, self.num_samples, axis=0),
                "target_ids": shift_right(drawn),
            },
            training=True,
        )
        losses, _ = MaskedCrossEntropy().with_cross_entropy(drawn, logits)
        lengths = ops.cast(ops.count_nonzero(drawn, axis=-1), losses.dtype)
        scores = -ops.sum(losses, axis=-1) / ops.maximum(lengths, 1)
        weights = ops.softmax(ops.reshape(scores, (-1, self.num_samples)), axis=-1)
        errors = ops.reshape(1.0 - values, (-1, self.num_samples))
        risks = ops.sum(weights * errors, axis=-1)
        tokens = ops.cast(ops.not_equal(labels, PADDING_ID), risks.dtype)
        counts = ops.maximum(ops.sum(tokens, axis=-1), 1.0)
        importance = ops.sum(apply_weights(tokens, labels, sample_weight), axis=-1) / counts
        # The loss is averaged over the devices, some of which may have fewer sources.
        divisor = sum_over_replicas(ops.sum(importance))
        return count_replicas() * ops.divide_no_nan(ops.sum(importance * risks), divisor)

    def _draw(self, model, source_ids, labels, seed):
        """Returns outputs `(batch * num_samples, length)`."""
        search = SamplingSearch(n_best=self.num_samples, seed=seed)
        max_length = ops.shape(labels)[1] + _EXTRA_LENGTH
        ids = decode_ids(model, source_ids, search, max_length=max_length).ids
        return ops.stop_gradient(ops.reshape(ids, (-1, ops.shape(ids)[-1])))


def join_rows(parts):
    """Concatenates ids `(batch, time)` of different lengths, padded with 0 on the right."""
    if len(parts) == 1:
        return parts[0]
    lengths = [ops.shape(ids)[1] for ids in parts]
    longest = ops.max(ops.stack(lengths))
    padded = [
        ops.pad(ids, ((0, 0), (0, longest - length)))
        for ids, length in zip(parts, lengths, strict=True)
    ]
    return ops.concatenate(padded, axis=0)


def shift_right(ids):
    """Returns ids `(batch, time)` as a decoder reads them: the start token, then all but the last.

    The end token is not read, as in the batches of a dataset.
    """
    start = ops.full_like(ids[:, :1], START_ID)
    shifted = ops.concatenate([start, ids[:, :-1]], axis=-1)
    return ops.where(ops.equal(shifted, END_ID), ops.cast(PADDING_ID, ids.dtype), shifted)


def sentence_bleu(candidates, references):
    """Returns BLEU of each candidate, with one added to all counts of n-grams of two or more.

    Args:
        candidates: Integer tensor `(batch, length)`, padded with 0. End tokens do not count.
        references: Integer tensor `(batch, reference_length)`, the same.

    Returns:
        Float tensor `(batch,)`, from 0 to 1.

    Reference:
        - Papineni et al., 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation"
        - Lin and Och, 2004, "ORANGE: a Method for Evaluating Automatic Evaluation Metrics for
          Machine Translation", for the added counts
    """
    real, real_reference = is_token(candidates), is_token(references)
    length, reference_length = (
        ops.sum(ops.cast(flags, "float32"), axis=-1) for flags in (real, real_reference)
    )
    # Where n-grams start, and where they equal n-grams of the candidate and of the reference.
    tokens = [
        real,
        _equal(candidates, real, candidates, real),
        _equal(candidates, real, references, real_reference),
    ]
    product, ngrams = 1.0, tokens
    for order in range(1, MAX_ORDER + 1):
        if order > 1:
            # An n-gram is a token that an (n - 1)-gram follows.
            following = map(_next, ngrams)
            ngrams = [ops.logical_and(*pair) for pair in zip(tokens, following, strict=True)]
        starts, here, there = (ops.cast(flags, "float32") for flags in ngrams)
        # An n-gram that occurs `c` times here and `r` times there matches min(c, r) times: each of
        # its occurrences contributes min(1, r / c).
        ratios = ops.divide_no_nan(ops.sum(there, axis=-1), ops.sum(here, axis=-1))
        matched = ops.sum(ops.minimum(starts, ratios), axis=-1)
        added = 0.0 if order == 1 else 1.0
        product *= ops.divide_no_nan(matched + added, ops.sum(starts, axis=-1) + added)
    shortness = 1.0 - reference_length / ops.maximum(length, 1.0)
    return product ** (1 / MAX_ORDER) * ops.exp(ops.minimum(shortness, 0.0))


def _equal(ids, real, others, real_others):
    """Returns whether each token equals each of the others: booleans `(batch, length, length)`."""
    both = ops.logical_and(ops.expand_dims(real, -1), ops.expand_dims(real_others, 1))
    return ops.logical_and(both, ops.equal(ops.expand_dims(ids, -1), ops.expand_dims(others, 1)))


def _next(flags):
    """Returns the flags of the next positions, along all axes but the first."""
    for axis in range(1, len(flags.shape)):
        later = flags[(slice(None),) * axis + (slice(1, None),)]
        flags = ops.pad(later, [(0, int(other == axis)) for other in range(len(flags.shape))])
    return flags


def exact_match(candidates, references):
    """Returns 1 for each candidate with the tokens of its reference, 0 for all others.

    Args:
        candidates: Integer tensor `(batch, length)`, padded with 0. An end token, after which there
            is only padding, does not count.
        references: Integer tensor `(batch, reference_length)`, the same.

    Returns:
        Float tensor `(batch,)`.
    """
    longest = ops.maximum(ops.shape(candidates)[1], ops.shape(references)[1])

    def tokens(ids):
        missing = longest - ops.shape(ids)[1]
        return ops.pad(ops.where(is_token(ids), ids, PADDING_ID), ((0, 0), (0, missing)))

    return ops.cast(ops.all(ops.equal(tokens(candidates), tokens(references)), axis=-1), "float32")


METRICS = {"bleu": sentence_bleu, "exact_match": exact_match}
