import numpy as np

from keras_seq2seq.layers import BahdanauAttention, DotAttention
from reference.bridges import bridge
from reference.decoder import Decoder
from reference.encoders import encode
from reference.weights import select, weights_of

BRIDGES = {"ZeroBridge": "zero", "PassThroughBridge": "pass_through", "DenseBridge": "dense"}

KINDS = {BahdanauAttention: "bahdanau", DotAttention: "dot"}


class Model:
    """The NumPy twin of a Keras `Seq2Seq`. Change `weights` to see what it would have said."""

    def __init__(self, model):
        self.model = model
        self.weights = weights_of(model)

    def _encode(self, source_ids):
        encoder, decoder = self.model.encoder, self.model.decoder
        embedding = self._embedding("source")
        outputs, state = encode(
            select(self.weights, encoder.name),
            [embedding[i] for i in source_ids if i != 0],
            encoder.cell_config["class_name"],
            encoder.num_layers,
            bidirectional=type(encoder).__name__ == "BidirectionalEncoder",
            residual_connections=encoder.residual_connections,
        )
        kind = BRIDGES[type(self.model.bridge).__name__]
        sizes = [[decoder.num_units] * len(layer) for layer in decoder.state_sizes]
        return outputs, bridge(kind, select(self.weights, self.model.bridge.name), state, sizes)

    def _decoder(self):
        decoder = self.model.decoder
        return Decoder(
            select(self.weights, decoder.name),
            decoder.cell_config["class_name"],
            decoder.num_layers,
            KINDS.get(type(getattr(decoder, "attention", None))),
            decoder.residual_connections,
        )

    def _embedding(self, side):
        own = f"{side}_embedding/embeddings"
        vectors = self.weights[own if own in self.weights else "source_embedding/embeddings"]
        return vectors * np.sqrt(vectors.shape[1])

    def _logits(self, output):
        return output @ self.weights["logits/kernel"] + self.weights["logits/bias"]

    def logits(self, source_ids, target_ids):
        """Returns `(target_length, vocabulary_size)` for the ids of one sentence pair."""
        encoder_outputs, state = self._encode(source_ids)
        ys = self._embedding("target")[np.asarray(target_ids)]
        outputs, _, _ = self._decoder().run(ys, state, encoder_outputs)
        return self._logits(outputs)

    def greedy(self, source_ids, max_length, start=2, end=3):
        """Returns the likeliest ids, the end included, and the attention weights of each."""
        encoder_outputs, initial_state = self._encode(source_ids)
        decoder = self._decoder()
        state = decoder.start(initial_state, encoder_outputs)
        ids, attentions = [start], []
        while len(ids) <= max_length and (len(ids) == 1 or ids[-1] != end):
            y = self._embedding("target")[ids[-1]]
            output, attention, state = decoder.step(y, state, encoder_outputs)
            ids.append(int(np.argmax(self._logits(output))))
            attentions.append(attention)
        return ids[1:], attentions
