"""Drawing tokens at random."""

import keras
from keras import ops

from keras_seq2seq.decoding.next_tokens import all_tokens, best_tokens
from keras_seq2seq.decoding.rows import take_beams
from keras_seq2seq.decoding.stepwise_search import StepwiseSearch


class SamplingSearch(StepwiseSearch):
    """Draws each token from the predicted distribution, for all sentences at once.

    The distribution is sharpened by `temperature`, then cut to the `top_k` likeliest tokens that
    the constraints allow, then to the fewest likeliest that together have a probability of
    `top_p`.

    Args:
        n_best: Integer, the number of hypotheses drawn for each sentence, independently.
        temperature: Float above 0. Below 1 likely tokens are drawn even more often.
        top_k: Integer, how many of the likeliest tokens to draw from, or 0 for all.
        top_p: Float in (0, 1], the probability of the likeliest tokens to draw from.
        seed: Integer, for the same draws at every call, or a `keras.random.SeedGenerator`, for
            new ones at every call.
        constraints: The arguments of `Constraints`, by name: `max_length`, `max_length_ratio`,
            `min_length`, `min_length_ratio`, `banned_ids`, `no_repeat_ngram_size`.

    Call arguments:
        Those of `Search`.

    Output:
        `Hypotheses`, the likeliest first. Their scores are log-probabilities in the predicted
        distribution, neither sharpened nor cut.

    Example:
        >>> memory, states = model.encode(source_ids)
        >>> hypotheses = SamplingSearch(n_best=5, top_p=0.9)(model.decode_step, states, memory)

    Reference:
        - Holtzman et al., 2020, "The Curious Case of Neural Text Degeneration",
          https://arxiv.org/abs/1904.09751, for `top_p`
    """

    is_deterministic = False

    def __init__(self, n_best=1, temperature=1.0, top_k=0, top_p=1.0, seed=0, **constraints):
        super().__init__(n_best=n_best, **constraints)
        if temperature <= 0:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature}")
        if top_k < 0:
            raise ValueError(f"`top_k` must be at least 0. Received: top_k={top_k}")
        if not 0 < top_p <= 1:
            raise ValueError(f"`top_p` must be in (0, 1]. Received: top_p={top_p}")
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p
        self.seed = seed

    def _draw_noise(self, rows, times):
        # All at once, so that the loop needs no random state.
        return ops.transpose(keras.random.uniform((times, rows), seed=self.seed))

    def _choose(self, logits, rules, noise):
        banned_ids = self.constraints.banned_ids
        if not self.top_k and self.top_p == 1:
            scores = all_tokens(logits, banned_ids, rules)
            ids = self._draw(scores, noise)
            return ids[:, 0], take_beams(scores, ids)[:, 0]
        ids, scores = best_tokens(logits, self.top_k or logits.shape[-1], banned_ids, rules)
        index = self._draw(scores, noise)
        return take_beams(ids, index)[:, 0], take_beams(scores, index)[:, 0]

    def _draw(self, scores, noise):
        """Returns one index `(rows, 1)` of each row of log-probabilities `(rows, n)`."""
        weights = ops.softmax(scores / self.temperature)
        if self.top_p < 1:
            weights = cut_to_nucleus(weights, self.top_p)
        return draw(weights, ops.expand_dims(noise, axis=-1))


def cut_to_nucleus(weights, top_p):
    """Sets all weights to zero but the fewest first ones whose sum reaches `top_p`.

    Args:
        weights: Float tensor `(rows, n)`, in descending order, of sum one.
        top_p: Float.
    """
    before = ops.cumsum(weights, axis=-1) - weights
    return ops.where(before < top_p, weights, 0.0)


def draw(weights, uniform):
    """Returns an index of each row, drawn with a probability proportional to its weight.

    Args:
        weights: Float tensor `(rows, n)`.
        uniform: Float tensor `(rows, 1)`, random numbers in [0, 1).

    Returns:
        Integer tensor `(rows, 1)`.
    """
    cumulated = ops.cumsum(weights, axis=-1)
    # Below the last sum even when rounded, so that no index of weight zero is drawn.
    threshold = uniform * cumulated[:, -1:]
    passed = ops.sum(ops.cast(cumulated <= threshold, "int32"), axis=-1, keepdims=True)
    # Should the weights be no numbers, the index is one of the row still.
    return ops.minimum(passed, weights.shape[-1] - 1)
