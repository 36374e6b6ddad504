"""Taking the likeliest token at every step."""

from keras_seq2seq.decoding.next_tokens import best_tokens
from keras_seq2seq.decoding.stepwise_search import StepwiseSearch


class GreedySearch(StepwiseSearch):
    """Takes the likeliest token at every step, for all sentences at once.

    Args:
        constraints: The arguments of `Constraints`, by name: `max_length`, `max_length_ratio`,
            `min_length`, `min_length_ratio`, `banned_ids`, `no_repeat_ngram_size`.

    Call arguments:
        Those of `Search`.

    Output:
        `Hypotheses` with one hypothesis a sentence, whose score is its log-probability.

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
