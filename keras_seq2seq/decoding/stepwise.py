"""Greedy search and sampling, which choose one token at a time, and all searches by name."""

from difflib import get_close_matches
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_seq2seq.decoding.beam_search import BeamSearch
from keras_seq2seq.decoding.constraints import (
    all_tokens,
    append_to_history,
    best_tokens,
)
from keras_seq2seq.decoding.search import (
    Hypotheses,
    Search,
    count_rows,
    lengths_after,
    repeat_rows,
    take_beams,
)
from keras_seq2seq.errors import check_integer, check_seed
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID


class StepwiseState(NamedTuple):
    """The state between two steps; each tensor's first axis is the rows."""

    rows: Any
    lengths: Any
    done: Any
    results: tuple  # Empty: everything is logged step by step.
    ids: Any  # (rows,), the previous tokens
    states: Any
    memory: Any
    limits: Any
    history: Any  # (rows, length) or ()
    noise: Any  # (rows, max_length) or ()


class StepwiseEntry(NamedTuple):
    """The log entry of a step."""

    ids: Any  # (rows,)
    token_scores: Any  # (rows,) or ()
    attention_scores: Any  # (rows, source_length) or ()


class StepwiseSearch(Search):
    """Base class of the searches that extend each hypothesis independently, by one token at a time.

    A subclass chooses the next token, in `_choose`.

    Args:
        n_best: Integer, the number of hypotheses per sentence.
        constraints: The arguments of `Constraints`, by name.
    """

    def __init__(self, n_best=1, **constraints):
        super().__init__(**constraints)
        n_best = check_integer("n_best", n_best, 1)
        self.n_best = n_best

    def _choose(self, logits, rules, noise):
        """Returns the next tokens and their log-probabilities, both `(rows,)`.

        Args:
            logits: Float tensor `(rows, vocabulary_size)`.
            rules: `Rules` of the rows.
            noise: Random numbers `(rows,)`, this step's column of `_draw_noise`, or `None`.
        """
        raise NotImplementedError

    def _draw_noise(self, rows, steps):
        """Returns random numbers `(rows, steps)`, or `()` if none are needed."""
        return ()

    def _begin(self, states, memory, limits, source_lengths, max_length):
        rows = count_rows(states) * self.n_best
        if self.n_best > 1:
            states, memory, limits = repeat_rows((states, memory, limits), self.n_best)
        return StepwiseState(
            rows=ops.arange(rows, dtype="int32"),
            lengths=ops.zeros((rows,), dtype="int32"),
            done=ops.zeros((rows,), dtype="bool"),
            results=(),
            ids=ops.full((rows,), START_ID, dtype="int32"),
            states=states,
            memory=memory,
            limits=limits,
            history=self.constraints.start_history((rows,), max_length),
            # One more column, for rows that are done.
            noise=self._draw_noise(rows, max_length + 1),
        )

    def _advance(self, step, state, requested):
        logits, attention_scores, states = step(state.ids, state.states, state.memory)
        rules = self.constraints.rules(state.lengths, state.limits, state.history)
        noise = None
        if not isinstance(state.noise, tuple):
            noise = take_beams(state.noise, ops.expand_dims(state.lengths, axis=-1))[:, 0]
        ids, token_scores = self._choose(logits, rules, noise)
        ids = ops.where(state.done, PADDING_ID, ids)
        entry = StepwiseEntry(ids=ids, token_scores=(), attention_scores=())
        # Several hypotheses are sorted by their scores, requested or not.
        if requested.scores or self.n_best > 1:
            entry = entry._replace(token_scores=ops.where(state.done, 0.0, token_scores))
        if requested.attention_scores and attention_scores is not None:
            is_live = ops.expand_dims(ops.logical_not(state.done), axis=-1)
            weights = ops.where(is_live, ops.cast(attention_scores, "float32"), 0.0)
            entry = entry._replace(attention_scores=weights)
        # Whatever was chosen: the loop must end even if logits are NaN.
        is_last = state.lengths + 1 >= state.limits.longest
        ends = ops.logical_or(ops.equal(ids, END_ID), is_last)
        state = state._replace(
            lengths=lengths_after(state),
            ids=ids,
            done=ops.logical_or(state.done, ends),
            states=states,
            history=append_to_history(state.history, state.lengths, ids),
        )
        return state, entry

    def _finish(self, entries, results):
        ids = self._by_sentence(entries.ids)
        scores = token_scores = attention_scores = None
        if not isinstance(entries.token_scores, tuple):
            token_scores = self._by_sentence(entries.token_scores)
            scores = ops.sum(token_scores, axis=-1)
        if not isinstance(entries.attention_scores, tuple):
            attention_scores = self._by_sentence(entries.attention_scores)
        hypotheses = Hypotheses(ids, scores, token_scores, attention_scores)
        return hypotheses if self.n_best == 1 else best_first(hypotheses)

    def _by_sentence(self, tensor):
        # (time, batch * n_best, ...) -> (batch * n_best, time, ...)
        tensor = ops.swapaxes(tensor, 0, 1)
        # (batch * n_best, time, ...) -> (batch, n_best, time, ...)
        return ops.reshape(tensor, (-1, self.n_best, *ops.shape(tensor)[1:]))


def best_first(hypotheses):
    """Sorts the hypotheses of each sentence by score."""
    _, order = ops.top_k(hypotheses.scores, hypotheses.scores.shape[-1])
    return Hypotheses(*(None if t is None else take_beams(t, order) for t in hypotheses))


@keras.saving.register_keras_serializable("keras_seq2seq")
class GreedySearch(StepwiseSearch):
    """Takes the most likely token at every step, for all sentences at once.

    Args:
        constraints: The arguments of `Constraints`, by name: `max_length`, `max_length_ratio`,
            `min_length`, `min_length_ratio`, `banned_ids`, `no_repeat_ngram_size`.

    Call arguments:
        Those of `Search`.

    Output:
        `Hypotheses` with one hypothesis per sentence, whose score is its log-probability.

    Example:
        >>> memory, states = model.encode(source_ids)
        >>> hypotheses = GreedySearch(max_length=100)(model.decode_step, states, memory)
        >>> hypotheses.ids[:, 0]
    """

    def __init__(self, **constraints):
        super().__init__(n_best=1, **constraints)

    def _choose(self, logits, rules, noise):
        ids, log_probabilities = best_tokens(logits, 1, self.constraints.banned_ids, rules)
        return ids[:, 0], log_probabilities[:, 0]


@keras.saving.register_keras_serializable("keras_seq2seq")
class SamplingSearch(StepwiseSearch):
    """Draws each token from the predicted distribution, for all sentences at once.

    The distribution is scaled by `temperature`, then restricted to the `top_k` most likely
    tokens that the constraints allow, then to the smallest set of most likely tokens whose
    probability reaches `top_p`.

    Args:
        n_best: Integer, the number of hypotheses drawn for each sentence, independently.
        temperature: Float above 0. Values below 1 favor likely tokens.
        top_k: Integer, the number of most likely tokens to draw from, or 0 for all.
        top_p: Float in (0, 1], the probability that the tokens to draw from must reach together.
        seed: Integer, for the same draws at every call, or a `keras.random.SeedGenerator`, for
            different draws at every call.
        constraints: The arguments of `Constraints`, by name: `max_length`, `max_length_ratio`,
            `min_length`, `min_length_ratio`, `banned_ids`, `no_repeat_ngram_size`.

    Call arguments:
        Those of `Search`.

    Output:
        `Hypotheses`, the most likely first. Their scores are log-probabilities in the predicted
        distribution, before scaling and restriction.

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
        top_k = check_integer("top_k", top_k, 0)
        if not 0 < top_p <= 1:
            raise ValueError(f"`top_p` must be in (0, 1]. Received: top_p={top_p}")
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p
        is_generator = isinstance(seed, keras.random.SeedGenerator)
        self.seed = seed if is_generator or seed is None else check_seed(seed)

    def get_config(self):
        seed = self.seed
        if isinstance(seed, keras.random.SeedGenerator):
            seed = keras.saving.serialize_keras_object(seed)
        return {
            **super().get_config(),
            "n_best": self.n_best,
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "seed": seed,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config.get("seed"), dict):
            config["seed"] = keras.saving.deserialize_keras_object(config["seed"])
        return cls(**config)

    def _draw_noise(self, rows, steps):
        # Drawn at once, so that the loop needs no random state.
        return ops.transpose(keras.random.uniform((steps, rows), dtype="float32", seed=self.seed))

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
            weights = keep_nucleus(weights, self.top_p)
        return draw(weights, ops.expand_dims(noise, axis=-1))


def keep_nucleus(weights, top_p):
    """Zeroes all weights but the first ones whose sum reaches `top_p`.

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
    cumulative = ops.cumsum(weights, axis=-1)
    # Below the last sum even after rounding, so that no index of weight zero is drawn.
    threshold = uniform * cumulative[:, -1:]
    passed = ops.sum(ops.cast(cumulative <= threshold, "int32"), axis=-1, keepdims=True)
    # If weights are NaN, the index is still one of the row.
    return ops.minimum(passed, weights.shape[-1] - 1)


SEARCHES = {"greedy": GreedySearch, "beam": BeamSearch, "sampling": SamplingSearch}


def get_search(search):
    """Returns the search that a name, a config or an object stands for, like Keras's `get`.

    Args:
        search: A name in `SEARCHES`, which stands for the search with its default arguments; a
            dictionary, as `keras.saving.serialize_keras_object` returns it; or a `Search`.

    Returns:
        The `Search`.

    Raises:
        ValueError: If it is none of these.

    Example:
        >>> get_search("beam").width
        5
    """
    if isinstance(search, str) and search in SEARCHES:
        return SEARCHES[search]()
    if isinstance(search, dict):
        search = keras.saving.deserialize_keras_object(search)
    if isinstance(search, Search):
        return search
    near = get_close_matches(search, SEARCHES, n=1) if isinstance(search, str) else ()
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(
        f"`search` must be one of {', '.join(SEARCHES)}, a search, or the config of one. "
        f"Received: search={search!r}{hint}"
    )
