"""Beam search."""

import keras
from keras import ops

from keras_seq2seq.beam_tree import BeamTree
from keras_seq2seq.decoding.beam_state import BeamEntry, BeamState, Candidates, Finished
from keras_seq2seq.decoding.constraints import (
    MINUS_INFINITY,
    append_to_history,
    best_tokens,
)
from keras_seq2seq.decoding.search import (
    Hypotheses,
    Search,
    count_rows,
    lengths_after,
    merge_beams,
    put_rows,
    repeat_rows,
    split_beams,
    take_beams,
)
from keras_seq2seq.errors import check_integer, check_not_negative
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID

# Keeps the score of a position without any attention finite.
MIN_COVERAGE = 1e-10


def length_penalty(length, weight):
    """Returns `((5 + length) / 6) ** weight`, the divisor of log-probabilities.

    Args:
        length: Integer tensor, the number of tokens, the end token included.
        weight: Float, at least 0. 0 favors short hypotheses; 1 roughly compares means.

    Reference:
        - Wu et al., 2016, https://arxiv.org/abs/1609.08144, equation 14
    """
    return ((5.0 + ops.cast(length, "float32")) / 6.0) ** weight


def coverage_penalty(coverage, source_lengths, weight):
    """Returns `weight * sum(log(min(coverage, 1)))`, added to a score; at most 0.

    Args:
        coverage: Float tensor `(batch, width, source_length)`, the attention to each source
            position, summed over the target's tokens, the end token included.
        source_lengths: Integer tensor `(batch,)`. Later positions are ignored.
        weight: Float, at least 0.

    Reference:
        - Wu et al., 2016, https://arxiv.org/abs/1609.08144, equation 14
    """
    logs = ops.log(ops.clip(coverage, MIN_COVERAGE, 1.0))
    # (batch, 1, source_length)
    is_real = ops.arange(ops.shape(coverage)[-1], dtype="int32") < source_lengths[:, None, None]
    return weight * ops.sum(ops.where(is_real, logs, 0.0), axis=-1)


@keras.saving.register_keras_serializable("keras_seq2seq")
class BeamSearch(Search):
    """Follows the `width` most likely hypotheses of each sentence, for all sentences at once.

    At every step, each live hypothesis is extended with every token. Of the `width` most likely
    continuations, those that end are finished: they are scored with the penalties, and the
    `n_best` best found so far are kept. The `width` most likely continuations that do not end stay
    live. A sentence is done when no live hypothesis can reach the score of the worst finished one
    that is kept, even if all its further tokens had a probability of one; stopping there never
    changes the result.

    The score of a finished hypothesis Y of a source X is, after Wu et al.,

        score(Y, X) = log P(Y | X) / ((5 + |Y|) / 6) ** length_penalty
                      + coverage_penalty * sum(log(min(sum(p[i, j] for j in Y), 1)) for i in X)

    where `p[i, j]` is the attention to source token `i` at target token `j`. The end token is
    included in P, in |Y| and in the sum of attention.

    With `width=1` and no penalties the result is that of `GreedySearch`.

    Args:
        width: Integer, the number of live hypotheses of each sentence.
        length_penalty: Float, at least 0: corrects the bias towards short hypotheses, 1 almost
            completely.
        coverage_penalty: Float, at least 0. Penalizes unattended source tokens; requires a
            model with attention, and `source_lengths`.
        n_best: Integer, the number of hypotheses to return, at most `width`.
        return_tree: Boolean, whether to return the live hypotheses of all steps too.
        constraints: The arguments of `Constraints`, by name: `max_length`, `max_length_ratio`,
            `min_length`, `min_length_ratio`, `banned_ids`, `no_repeat_ngram_size`.

    Call arguments:
        Those of `Search`. Arguments and results of `step` have an axis for the hypotheses of
            each sentence, which share its memory: ids `(batch, n)`, states `(batch, n, ...)`, and
            logits `(batch, n, vocabulary_size)`, where `n` is 1 in the first step and `width`
            afterwards.

    Output:
        `Hypotheses`, the best first. Of equal scores, the one that ended first comes first, and of
        these the one that was more likely before its last token.

    Example:
        >>> memory, states = model.encode(source_ids)
        >>> search = BeamSearch(width=5, length_penalty=0.6)
        >>> hypotheses = search(model.decode_step, states, memory)
        >>> hypotheses.ids[:, 0]

    Reference:
        - Wu et al., 2016, "Google's Neural Machine Translation System",
          https://arxiv.org/abs/1609.08144, section 7 and equation 14
    """

    def __init__(
        self,
        width=5,
        length_penalty=0.0,
        coverage_penalty=0.0,
        n_best=1,
        return_tree=False,
        **constraints,
    ):
        super().__init__(**constraints)
        width = check_integer("width", width, 1)
        n_best = check_integer("n_best", n_best, 1)
        if n_best > width:
            raise ValueError(
                f"`n_best` must be from 1 to `width`. Received: n_best={n_best}, width={width}"
            )
        check_not_negative("length_penalty", length_penalty)
        check_not_negative("coverage_penalty", coverage_penalty)
        self.width = width
        self.length_penalty = length_penalty
        self.coverage_penalty = coverage_penalty
        self.n_best = n_best
        self.return_tree = return_tree

    def with_tree(self, return_tree):
        return type(self).from_config({**self.get_config(), "return_tree": return_tree})

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "length_penalty": self.length_penalty,
            "coverage_penalty": self.coverage_penalty,
            "n_best": self.n_best,
            "return_tree": self.return_tree,
        }

    def _begin(self, states, memory, limits, source_lengths, max_length):
        batch_size = count_rows(states)
        if self.coverage_penalty and source_lengths is None:
            raise ValueError("A coverage penalty needs `source_lengths`.")
        zeros = ops.zeros((batch_size, self.n_best), dtype="int32")
        nothing = ops.full((batch_size, self.n_best), MINUS_INFINITY, dtype="float32")
        # Before the first token, all hypotheses of a sentence are the same: one is enough.
        return BeamState(
            rows=ops.arange(batch_size, dtype="int32"),
            lengths=ops.zeros((batch_size,), dtype="int32"),
            done=ops.zeros((batch_size,), dtype="bool"),
            results=Finished(nothing, lengths=zeros, parents=zeros, end_scores=nothing),
            ids=ops.full((batch_size, 1), START_ID, dtype="int32"),
            scores=ops.zeros((batch_size, 1), dtype="float32"),
            states=split_beams(states, 1),
            memory=memory,
            limits=limits,
            source_lengths=source_lengths if self.coverage_penalty else (),
            coverage=(),
            history=self.constraints.start_history((batch_size, 1), max_length),
        )

    def _advance(self, step, state, requested):
        logits, attention_scores, states = step(state.ids, state.states, state.memory)
        attention_scores = () if attention_scores is None else ops.cast(attention_scores, "float32")
        coverage = self._cover(state.coverage, attention_scores)
        ids, log_probabilities = self._next_tokens(logits, state)
        # At most half of them end, since each hypothesis can end in only one way.
        candidates = best_candidates(ids, log_probabilities, state.scores, 2 * self.width)
        # (batch, 2 * width) -> (batch, width)
        best = keras.tree.map_structure(lambda tensor: tensor[:, : self.width], candidates)
        finished = self._finish_some(best, coverage, state)

        # The beam is pruned here.
        scores = ops.where(ops.equal(candidates.ids, END_ID), MINUS_INFINITY, candidates.scores)
        scores, places = ops.top_k(scores, self.width)
        kept = take_beams(candidates, places)

        ends, end_scores = self._ends(best, state) if self.return_tree else ((), ())
        is_over = ops.logical_or(state.done[:, None], ops.equal(scores, MINUS_INFINITY))
        entry = BeamEntry(
            ids=ops.where(is_over, PADDING_ID, kept.ids),
            parents=kept.parents,
            token_scores=kept.token_scores,
            attention_scores=self._repeat_to_width(attention_scores)
            if requested.attention_scores
            else (),
            ends=ends,
            end_scores=end_scores,
        )
        state = BeamState(
            rows=state.rows,
            lengths=lengths_after(state),
            done=self._is_done(scores, finished, state),
            results=finished,
            ids=kept.ids,
            scores=scores,
            states=take_beams(states, kept.parents),
            memory=state.memory,
            limits=state.limits,
            source_lengths=state.source_lengths,
            coverage=take_beams(coverage, kept.parents),
            history=append_to_history(
                take_beams(state.history, kept.parents), state.lengths[:, None], kept.ids
            ),
        )
        return state, entry

    def _cover(self, coverage, attention_scores):
        """Returns the attention summed over all tokens so far, this step included."""
        if not self.coverage_penalty:
            return ()
        if isinstance(attention_scores, tuple):
            raise ValueError("A coverage penalty needs a model with attention.")
        return attention_scores if isinstance(coverage, tuple) else coverage + attention_scores

    def _next_tokens(self, logits, state):
        """Returns the best tokens after each hypothesis: two tensors `(batch, beams, n)`."""
        beams = state.ids.shape[1]
        lengths, limits = repeat_rows((state.lengths, state.limits), beams)
        rules = self.constraints.rules(lengths, limits, merge_beams(state.history))
        # Only one of the best `width + 1` can be the end token.
        best = best_tokens(merge_beams(logits), self.width + 1, self.constraints.banned_ids, rules)
        # (batch * beams, n) -> (batch, beams, n)
        return split_beams(best, beams)

    def _finish_some(self, best, coverage, state):
        """Returns the best of the finished hypotheses and the candidates that end."""
        length = state.lengths[:, None] + 1
        scores = best.scores / length_penalty(length, self.length_penalty)
        if self.coverage_penalty:
            penalty = coverage_penalty(coverage, state.source_lengths, self.coverage_penalty)
            scores = scores + take_beams(penalty, best.parents)
        new = Finished(
            scores=ops.where(ops.equal(best.ids, END_ID), scores, MINUS_INFINITY),
            lengths=ops.zeros_like(best.parents) + state.lengths[:, None],
            parents=best.parents,
            end_scores=best.token_scores,
        )
        both = keras.tree.map_structure(
            lambda *pair: ops.concatenate(pair, axis=1), state.results, new
        )
        # Of equal scores, the first is kept.
        _, places = ops.top_k(both.scores, self.n_best)
        return take_beams(both, places)

    def _is_done(self, scores, finished, state):
        """Returns for which sentences `(batch,)` no live hypothesis can change the result.

        A log-probability only decreases, and is divided by at most the penalty of the maximum
        length; the coverage penalty is never above 0.
        """
        longest = state.limits.longest
        best_possible = scores[:, 0] / length_penalty(longest, self.length_penalty)
        is_last = state.lengths + 1 >= longest
        return ops.logical_or(finished.scores[:, -1] >= best_possible, is_last)

    def _ends(self, best, state):
        """Returns which beams `(batch, width)` end, and the log-probability of the end token."""
        ends = ops.logical_and(ops.equal(best.ids, END_ID), best.scores > MINUS_INFINITY)
        ends = ops.logical_and(ends, ops.logical_not(state.done[:, None]))
        # (batch, beams, candidates)
        beams = ops.arange(self.width, dtype="int32")[None, :, None]
        ends = ops.logical_and(ends[:, None], ops.equal(best.parents[:, None], beams))
        scores = ops.sum(ops.where(ends, best.token_scores[:, None], 0.0), axis=-1)
        return ops.any(ends, axis=-1), scores

    def _repeat_to_width(self, structure):
        """Repeats tensors `(batch, 1, ...)` of the first step to `(batch, width, ...)`."""

        def repeat(tensor):
            beams = tensor.shape[1]
            return tensor if beams == self.width else ops.repeat(tensor, self.width, axis=1)

        return keras.tree.map_structure(repeat, structure)

    def _finish(self, entries, results):
        hypotheses = read_hypotheses(entries, results)
        if not self.return_tree:
            return hypotheses
        # (time, batch, width) -> (batch, time, width)
        parts = (ops.swapaxes(getattr(entries, name), 0, 1) for name in BeamTree._fields)
        return hypotheses._replace(tree=BeamTree(*parts))


def best_candidates(ids, log_probabilities, scores, number):
    """Returns the best continuations of each sentence.

    Args:
        ids: Integer tensor `(batch, beams, n)`, the best tokens after each hypothesis.
        log_probabilities: Float tensor `(batch, beams, n)`, theirs.
        scores: Float tensor `(batch, beams)`, the log-probability of each hypothesis.
        number: Integer.

    Returns:
        `Candidates` `(batch, number)`.
    """
    beams, choices = ids.shape[1:]
    totals = ops.expand_dims(scores, axis=-1) + log_probabilities
    # (batch, beams, n) -> (batch, beams * n)
    flat = [ops.reshape(tensor, (-1, beams * choices)) for tensor in (ids, log_probabilities)]
    totals = ops.reshape(totals, (-1, beams * choices))
    if beams * choices < number:
        padding = [[0, 0], [0, number - beams * choices]]
        flat = [ops.pad(tensor, padding) for tensor in flat]
        totals = ops.pad(totals, padding, constant_values=MINUS_INFINITY)
    # Of equal scores, the first comes first: of the more likely hypothesis, then the lower id.
    totals, places = ops.top_k(totals, number)
    ids, token_scores = take_beams(flat, places)
    parents = ops.minimum(places // choices, beams - 1)
    return Candidates(ids, parents, token_scores, totals)


def read_hypotheses(entries, finished):
    """Returns the finished hypotheses.

    Args:
        entries: `BeamEntry` of tensors `(time, batch, width, ...)`.
        finished: `Finished` of tensors `(batch, n_best)`.
    """
    length, batch_size = ops.shape(entries.ids)[:2]
    origins = trace_origins(entries.parents, finished)
    # The beam that a token extends at one step contains the token before it, one step earlier.
    beams = ops.concatenate([origins[1:], ops.zeros_like(origins[:1])], axis=0)

    def read(tensor, beams):
        # (time, batch, width, ...) -> (time * batch, width, ...) -> (time * batch, n_best, ...)
        read = take_beams(merge_beams(tensor), merge_beams(beams))
        # -> (time, batch, n_best, ...) -> (batch, n_best, time, ...)
        read = ops.reshape(read, (length, batch_size, *ops.shape(read)[1:]))
        return ops.moveaxis(read, 0, 2)

    # (batch, n_best, time)
    time = ops.arange(length, dtype="int32")
    exists = ops.expand_dims(finished.scores > MINUS_INFINITY, axis=-1)
    end_time = ops.expand_dims(finished.lengths, axis=-1)
    is_before_end = ops.logical_and(time < end_time, exists)
    is_end = ops.logical_and(ops.equal(time, end_time), exists)
    end_ids = ops.where(is_end, END_ID, PADDING_ID)
    end_scores = ops.where(is_end, ops.expand_dims(finished.end_scores, axis=-1), 0.0)
    attention_scores = None
    if not isinstance(entries.attention_scores, tuple):
        attention_scores = read(entries.attention_scores, origins)
        is_real = ops.expand_dims(ops.logical_or(is_before_end, is_end), axis=-1)
        attention_scores = ops.where(is_real, attention_scores, 0.0)
    return Hypotheses(
        ids=ops.where(is_before_end, read(entries.ids, beams), end_ids),
        scores=finished.scores,
        token_scores=ops.where(is_before_end, read(entries.token_scores, beams), end_scores),
        attention_scores=attention_scores,
    )


def trace_origins(parents, finished):
    """Follows hypotheses from their ends back to their beginnings.

    Args:
        parents: Integer tensor `(time, batch, width)`.
        finished: `Finished` of tensors `(batch, n_best)`.

    Returns:
        Integers `(time, batch, n_best)`, the beam that each token of a hypothesis extends, the end
        token included.
    """
    length = ops.shape(parents)[0]
    origins = ops.zeros((length, *ops.shape(finished.lengths)), dtype="int32")

    def body(time, beams, origins):
        beams = take_beams(ops.take(parents, time, axis=0), beams)
        beams = ops.where(ops.equal(finished.lengths, time), finished.parents, beams)
        origins = put_rows(origins, ops.reshape(time, (1,)), ops.expand_dims(beams, axis=0))
        return time - 1, beams, origins

    loop_vars = (length - 1, ops.zeros_like(finished.lengths), origins)
    return ops.while_loop(lambda time, *_: time >= 0, body, loop_vars)[2]
