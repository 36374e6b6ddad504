import numpy as np
from keras import ops

ROWS = 211


class TableModel:
    """A model whose distributions are known: rows of a table, looked up by all tokens so far.

    The states are one number that the tokens are folded into; a search that mixes up the states
    of its hypotheses, or the memory of its sentences, looks up the wrong row.

    Args:
        batch_size: The number of sentences.
        vocabulary_size: The number of ids, special ids included.
        source_length: The length of the attention weights.
        spread: The standard deviation of the logits.
    """

    def __init__(self, batch_size, vocabulary_size, source_length=3, spread=1.5, seed=0):
        rng = np.random.default_rng(seed)
        shape = (batch_size, ROWS, vocabulary_size)
        self.logits = rng.normal(0, spread, shape).astype("float32")
        attention = rng.dirichlet(np.full(source_length, 0.5), (batch_size, ROWS))
        self.attention = attention.astype("float32")
        self.vocabulary_size = vocabulary_size
        self.batch_size = batch_size
        self.calls = 0

    def start(self, sentences=None):
        """Returns the states and the memory of some sentences, by default of all."""
        sentences = np.arange(self.batch_size) if sentences is None else np.asarray(sentences)
        memory = {"sentence": ops.convert_to_tensor(sentences, "int32")}
        return [ops.zeros((len(sentences),), "int32")], memory

    def step(self, ids, states, memory):
        self.calls += 1
        (code,) = states
        code = fold(code, ids)
        sentence = memory["sentence"]
        # The hypotheses of a sentence have an axis of their own.
        sentence = ops.reshape(sentence, (-1, *[1] * (len(code.shape) - 1)))
        row = sentence * ROWS + code
        # (batch, ROWS, ...) -> (batch * ROWS, ...)
        logits = ops.reshape(self.logits, (-1, self.logits.shape[-1]))
        attention = ops.reshape(self.attention, (-1, self.attention.shape[-1]))
        return ops.take(logits, row, axis=0), ops.take(attention, row, axis=0), [code]

    def look_up(self, sentence, tokens):
        """Returns the log-probabilities after some tokens, and the attention weights."""
        code = fold_all(tokens)
        logits = self.logits[sentence, code].astype("float64")
        return logits - np.log(np.exp(logits).sum()), self.attention[sentence, code]

    def set(self, sentence, tokens, probabilities, attention):
        """Sets the probabilities after some tokens, by id, and the attention weights."""
        code = fold_all(tokens)
        self.logits[sentence, code] = -50.0
        for token, probability in probabilities.items():
            self.logits[sentence, code, token] = np.log(probability)
        self.attention[sentence, code] = attention


def fold(code, token):
    return (code * 7 + token) % ROWS


def fold_all(tokens):
    code = 0
    for token in (2, *tokens):
        code = fold(code, token)
    return code
