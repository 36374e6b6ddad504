import numpy as np


def attend(weights, attention_kind, query, values):
    """Returns the context and the attention weights of one query over the rows of `values`."""
    query = query @ weights["query_kernel"] + weights["query_bias"]
    scores = []
    for value in values:
        key = value @ weights["key_kernel"]
        if attention_kind == "bahdanau":
            scores.append(weights["score_kernel"][:, 0] @ np.tanh(query + key))
        else:
            scores.append(query @ key)
    exponentials = np.exp(np.array(scores) - np.max(scores))
    attention = exponentials / exponentials.sum()
    context = sum(a * value for a, value in zip(attention, values, strict=True))
    return context, attention
