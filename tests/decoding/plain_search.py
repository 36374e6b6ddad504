"""The searches written a second time, in plain Python, one sentence at a time.

Without early stop, without tensors, straight from the definitions.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PADDING, START, END = 0, 2, 3


class Hypothesis(NamedTuple):
    tokens: tuple
    token_scores: tuple
    attention: tuple

    @property
    def log_probability(self):
        return sum(self.token_scores)


EMPTY = Hypothesis((), (), ())


@dataclass
class PlainSearch:
    model: object
    sentence: int
    max_length: int
    min_length: int = 0
    banned_ids: tuple = ()
    no_repeat_ngram_size: int = 0
    prefix: tuple = ()
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    source_length: int | None = None

    def allowed(self, tokens):
        position = len(tokens)
        if position == self.max_length - 1:
            return [END]
        if position < len(self.prefix):
            return [self.prefix[position]]
        banned = {PADDING, START, *self.banned_ids}
        if position + 1 < self.min_length:
            banned.add(END)
        every = range(self.model.vocabulary_size)
        return [i for i in every if i not in banned and not self.repeats((*tokens, i))] or [END]

    def repeats(self, tokens):
        """Whether the last n-gram occurs earlier."""
        n = self.no_repeat_ngram_size
        if n == 0 or len(tokens) < n:
            return False
        return any(tokens[start : start + n] == tokens[-n:] for start in range(len(tokens) - n))

    def continuations(self, hypothesis):
        log_probabilities, attention = self.model.look_up(self.sentence, hypothesis.tokens)
        return [
            Hypothesis(
                (*hypothesis.tokens, token),
                (*hypothesis.token_scores, log_probabilities[token]),
                (*hypothesis.attention, attention),
            )
            for token in self.allowed(hypothesis.tokens)
        ]

    def score(self, hypothesis):
        """Equation 14 of Wu et al., 2016."""
        length = len(hypothesis.tokens)
        score = (
            hypothesis.log_probability
            / ((5 + length) ** self.length_penalty)
            * ((5 + 1) ** self.length_penalty)
        )
        if self.coverage_penalty:
            coverage = np.sum(hypothesis.attention, axis=0)[: self.source_length]
            score += self.coverage_penalty * sum(np.log(min(c, 1.0)) for c in coverage)
        return score

    def best(self, finished, n_best):
        return sorted(finished, key=self.score, reverse=True)[:n_best]

    def everything(self):
        """Returns all hypotheses there are."""
        live, finished = [EMPTY], []
        while live:
            candidates = [c for hypothesis in live for c in self.continuations(hypothesis)]
            finished += [c for c in candidates if c.tokens[-1] == END]
            live = [c for c in candidates if c.tokens[-1] != END]
        return finished

    def beam(self, width):
        """Returns all finished hypotheses of a beam search that goes on to the greatest length."""
        live, finished = [EMPTY], []
        while live:
            candidates = [c for hypothesis in live for c in self.continuations(hypothesis)]
            candidates.sort(key=lambda c: c.log_probability, reverse=True)
            finished += [c for c in candidates[:width] if c.tokens[-1] == END]
            live = [c for c in candidates if c.tokens[-1] != END][:width]
        return finished

    def greedy(self):
        hypothesis = EMPTY
        while not hypothesis.tokens or hypothesis.tokens[-1] != END:
            hypothesis = max(self.continuations(hypothesis), key=lambda c: c.token_scores[-1])
        return hypothesis
