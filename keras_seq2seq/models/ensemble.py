"""Ensembles of models."""

from keras import ops

from keras_seq2seq.models.inputs import Generation


class Ensemble:
    """Averages the log-probabilities of several models.

    This is the geometric mean of their probabilities; the search renormalizes it. The attention is
    the mean over the models that have attention. Searches, translators and scorers accept an
    ensemble in place of a model.

    Args:
        models: The models. They must have the same vocabularies, and may differ in everything else.

    Raises:
        ValueError: If there is no model, or the sizes of their vocabularies differ.

    Example:
        >>> ensemble = Ensemble([model, other_model])
        >>> memory, states = ensemble.encode(source_ids)
        >>> BeamSearch(width=5)(ensemble.decode_step, states, memory)

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215, section 3.6
    """

    def __init__(self, models):
        self.models = list(models)
        if not self.models:
            raise ValueError("`models` must hold at least one model. Received none.")
        self._generation = Generation(self)
        sizes = [(m.source_vocabulary_size, m.target_vocabulary_size) for m in self.models]
        if len(set(sizes)) > 1:
            raise ValueError(
                "`models` must have the same vocabularies. Received models whose sizes are "
                f"(source, target) {', '.join(map(str, sizes))}"
            )

    @property
    def source_vocabulary_size(self):
        """The number of source ids of each model."""
        return self.models[0].source_vocabulary_size

    @property
    def target_vocabulary_size(self):
        """The number of target ids of each model."""
        return self.models[0].target_vocabulary_size

    @property
    def has_attention(self):
        """Whether `decode_step` returns attention weights."""
        return any(model.has_attention for model in self.models)

    @property
    def weights(self):
        """The weights of all models."""
        return [weight for model in self.models for weight in model.weights]

    def __call__(self, inputs, training=False):
        """Returns mean log-probabilities `(batch, target_length, target_vocabulary_size)`.

        Args:
            inputs: `{"source_ids", "target_ids"}`, as for a model.
            training: Boolean, whether to apply dropout.
        """
        return mean_log_probability([model(inputs, training=training) for model in self.models])

    def generate(self, source_ids, search="greedy", max_length=None, return_hypotheses=False):
        """Decodes arrays of source ids, see `Seq2Seq.generate`."""
        return self._generation(source_ids, search, max_length, return_hypotheses)

    def encode(self, source_ids, project_values=False):
        """Encodes the source with all models.

        Args:
            source_ids: Integer tensor `(batch, source_length)`.
            project_values: Boolean, see `Seq2Seq.encode`.

        Returns:
            The memories and the states of all models, as `Seq2Seq.encode` returns them.
        """
        encoded = [model.encode(source_ids, project_values) for model in self.models]
        memories, states = zip(*encoded, strict=True)
        return list(memories), list(states)

    def decode_step(self, ids, states, memory):
        """Predicts the token after `ids`.

        Args:
            ids: Integer tensor `(batch,)`, the previous tokens.
            states: The states from `encode` or from the step before.
            memory: The memories from `encode`.

        Returns:
            The mean log-probabilities `(batch, target_vocabulary_size)`, the attention weights
            `(batch, source_length)` or `None`, and the new states. They have an axis for several
            hypotheses of each source, `(batch, n, ...)`, if ids and states have one.
        """
        results = [
            model.decode_step(ids, model_states, model_memory)
            for model, model_states, model_memory in zip(self.models, states, memory, strict=True)
        ]
        logits, attention_scores, states = zip(*results, strict=True)
        weights = [ops.cast(w, "float32") for w in attention_scores if w is not None]
        mean_weights = sum(weights) / len(weights) if weights else None
        return mean_log_probability(logits), mean_weights, list(states)


def mean_log_probability(logits):
    """Returns the mean of the log-softmax of several logits `(..., vocabulary_size)`.

    Some of them may have additional columns of minus infinity, see `Seq2Seq.decode_step`.
    """
    columns = min(part.shape[-1] for part in logits)
    parts = [ops.cast(part[..., :columns], "float32") for part in logits]
    return sum(map(ops.log_softmax, parts)) / len(parts)
