import numpy as np


def token_losses(labels, logits, label_smoothing=0.0):
    """Returns the cross-entropy of each token that is no padding, in nats."""
    losses = []
    rows = np.reshape(logits, (-1, np.shape(logits)[-1]))
    for label, scores in zip(np.ravel(labels), rows, strict=True):
        if label == 0:
            continue
        log_probabilities = scores - np.max(scores)
        log_probabilities = log_probabilities - np.log(np.sum(np.exp(log_probabilities)))
        target = np.full(len(scores), label_smoothing / len(scores))
        target[label] += 1 - label_smoothing
        losses.append(-target @ log_probabilities)
    return np.array(losses)
