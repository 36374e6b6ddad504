"""Token embeddings, word dropout, and output layers."""

import math

import keras
from keras import ops

from keras_seq2seq.backend import make_logits, take_rows
from keras_seq2seq.errors import check_integer, check_seed
from keras_seq2seq.layers.layer import BaseLayer, check_rate
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID


@keras.saving.register_keras_serializable("keras_seq2seq")
class ScaledEmbedding(BaseLayer, keras.layers.Embedding):
    """An embedding multiplied by the square root of its size.

    The weights are initialized with a standard deviation of `1 / sqrt(output_dim)`, so that the
    vectors start with unit variance. With Keras's default, uniform in [-0.05, 0.05], tokens differ
    so little that attention takes thousands of steps to learn an alignment. The scaling also helps
    rare tokens: with an optimizer such as Adam, whose steps do not depend on the scale of the
    gradients, their vectors move far enough in the few steps in which they occur.

    Args:
        input_dim: Integer, the size of the vocabulary.
        output_dim: Integer, the size of the vectors.

    Call arguments:
        inputs: Integer tensor of any shape.

    Output:
        Tensor `(..., output_dim)`.

    Example:
        >>> embedding = ScaledEmbedding(10_000, 256)
        >>> embedding(np.array([[5, 6, 3]])).shape
        (1, 3, 256)

    Reference:
        - Vaswani et al., 2017, "Attention Is All You Need", https://arxiv.org/abs/1706.03762,
          section 3.4
    """

    def __init__(self, input_dim, output_dim, **kwargs):
        kwargs.setdefault(
            "embeddings_initializer", keras.initializers.RandomNormal(stddev=output_dim**-0.5)
        )
        super().__init__(input_dim, output_dim, **kwargs)

    def call(self, inputs):
        if keras.backend.standardize_dtype(inputs.dtype) not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        vectors = self.to_compute_dtype(take_rows(self.embeddings, inputs))
        return self.to_output_dtype(vectors) * math.sqrt(self.output_dim)

    def compute_output_spec(self, inputs):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.output_dtype)


@keras.saving.register_keras_serializable("keras_seq2seq")
class WordDropout(keras.layers.Layer):
    """Randomly replaces tokens with the unknown token during training.

    Special tokens, including padding, are kept.

    Args:
        rate: Float, the probability with which a token is replaced.
        seed: Integer or `None`.

    Call arguments:
        inputs: Integer tensor of any shape, ids.
        training: Boolean, whether to replace tokens.

    Output:
        Ids of the same shape.

    Example:
        >>> ids = WordDropout(0.1)(np.array([[5, 6, 3]]), training=True)

    Reference:
        - Bowman et al., 2016, "Generating Sentences from a Continuous Space",
          https://arxiv.org/abs/1511.06349, section 3.1
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_rate("rate", rate)
        self.rate = rate
        self.seed = seed if seed is None else check_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        draws = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator, dtype="float32")
        is_hidden = ops.logical_and(draws < self.rate, inputs >= len(SPECIAL_TOKENS))
        return ops.where(is_hidden, ops.cast(UNKNOWN_ID, inputs.dtype), inputs)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("keras_seq2seq")
class Logits(BaseLayer):
    """A dense layer that scores each token of the vocabulary.

    Computes the same as `keras.layers.Dense`, in a form that makes `MaskedCrossEntropy` cheaper. On
    TensorFlow, that loss has no gradient with respect to the logits; see there.

    Args:
        vocabulary_size: Integer, the number of tokens.

    Call arguments:
        inputs: Tensor `(..., units)`.

    Output:
        Logits `(..., vocabulary_size)`.

    Example:
        >>> Logits(10_000)(np.ones((2, 5, 64))).shape
        (2, 5, 10000)
    """

    def __init__(self, vocabulary_size, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        vocabulary_size = check_integer("vocabulary_size", vocabulary_size)
        self.vocabulary_size = vocabulary_size

    def build(self, input_shape):
        size = self.vocabulary_size
        self.kernel = self.add_weight(shape=(input_shape[-1], size), name="kernel")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        return make_logits(self.to_compute_dtype(inputs), self._kernel_and_bias)

    def _kernel_and_bias(self):
        return self.to_compute_dtype(self.kernel), self.to_output_dtype(self.bias)

    def get_config(self):
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}


@keras.saving.register_keras_serializable("keras_seq2seq")
class TiedLogits(BaseLayer):
    """An output layer that shares its weights with the target embedding.

    The score of a token is the product of the decoder's output and the token's vector. The vectors
    are the weights of a `ScaledEmbedding` before scaling, whose standard deviation of
    `1 / sqrt(output_dim)` suits an output layer. Inputs are first projected to the embedding size
    if it differs.

    Args:
        embedding: The `ScaledEmbedding` of the target.

    Call arguments:
        inputs: Tensor `(..., units)`.

    Output:
        Logits `(..., vocabulary_size)`.

    Example:
        >>> embedding = ScaledEmbedding(10_000, 256)
        >>> embedded = embedding(np.array([[2, 5, 6]]))
        >>> TiedLogits(embedding)(np.ones((1, 3, 64))).shape
        (1, 3, 10000)

    Reference:
        - Press and Wolf, 2017, "Using the Output Embedding to Improve Language Models",
          https://arxiv.org/abs/1608.05859
    """

    def __init__(self, embedding, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.embedding = embedding

    def build(self, input_shape):
        size = self.embedding.output_dim
        self.projection = None
        if input_shape[-1] != size:
            self.projection = self.add_weight(shape=(input_shape[-1], size), name="projection")
        self.bias = self.add_weight(
            shape=(self.embedding.input_dim,), initializer="zeros", name="bias"
        )
        if not self.embedding.built:
            self.embedding.build()
        self.built = True

    def call(self, inputs):
        if self.projection is not None:
            inputs = self.matmul(inputs, self.projection)
        return make_logits(
            self.to_compute_dtype(inputs), self._table_and_bias, transpose_kernel=True
        )

    def _table_and_bias(self):
        table = self.to_compute_dtype(self.embedding.embeddings)
        return table, self.to_output_dtype(self.bias)

    def get_config(self):
        config = super().get_config()
        return {**config, "embedding": keras.saving.serialize_keras_object(self.embedding)}

    @classmethod
    def from_config(cls, config):
        embedding = keras.saving.deserialize_keras_object(config["embedding"])
        return cls(**{**config, "embedding": embedding})
