"""The base class of the layers, and functions that all layers share."""

import inspect
from difflib import get_close_matches
from numbers import Real

import keras
from keras import ops

from keras_seq2seq.backend import TracksLayers, dense, matmul

# The arguments of Keras's layers, the deprecated ones included.
_COMMON_ARGUMENTS = {"activity_regularizer", "autocast", "dtype", "input_dim", "input_shape"}
_COMMON_ARGUMENTS |= {"name", "trainable"}


class BaseLayer(TracksLayers, keras.layers.Layer):
    """A layer that computes matrix products in its compute dtype and everything else in float32.

    With a dtype policy such as `"mixed_bfloat16"`, Keras computes a whole layer in bfloat16. On a
    CPU only matrix products are faster in bfloat16: TensorFlow takes up to seven times as long for
    sums, `where` and `tanh`, and a state that changes little at every step loses precision. These
    layers therefore return `output_dtype`, and Keras casts neither their inputs nor their weights.
    """

    def __init__(self, *args, **kwargs):
        check_arguments(type(self), kwargs)
        super().__init__(*args, **kwargs)
        self.autocast = False

    @property
    def output_dtype(self):
        """The dtype of all but matrix products: float32, or float64 if products are in float64."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def add_weight(self, *args, autocast=False, **kwargs):
        return super().add_weight(*args, autocast=autocast, **kwargs)

    def to_output_dtype(self, tensors):
        """Casts a tensor or weight, or a nested structure of them, to `output_dtype`."""
        return keras.tree.map_structure(lambda part: ops.cast(part, self.output_dtype), tensors)

    def to_compute_dtype(self, tensors):
        """Casts a tensor or weight, or a nested structure of them, to the compute dtype."""
        return keras.tree.map_structure(lambda part: ops.cast(part, self.compute_dtype), tensors)

    def matmul(self, features, kernel):
        """Returns a matrix product, multiplied in the compute dtype, in `output_dtype`.

        Args:
            features: Tensor `(..., rows, size)`.
            kernel: Weight or tensor `(..., size, columns)`.
        """
        return self.to_output_dtype(matmul(self.to_compute_dtype(features), kernel))

    def dense(self, features, kernel, bias):
        """Returns `features @ kernel + bias`, multiplied in the compute dtype, in `output_dtype`.

        Args:
            features: Tensor `(..., rows, size)`.
            kernel: Weight `(size, columns)`.
            bias: Weight `(columns,)`.
        """
        return dense(self.to_compute_dtype(features), kernel, bias, self.output_dtype)


def check_arguments(layer_class, arguments):
    """Raises `ValueError` for an argument that no constructor of a layer's class has.

    Args:
        layer_class: The class.
        arguments: Dictionary of the arguments that its constructor passed on.
    """
    if arguments.keys() <= _COMMON_ARGUMENTS:
        return
    known = set(_COMMON_ARGUMENTS)
    for base in layer_class.__mro__:
        known.update(inspect.signature(base.__init__).parameters)
    for name in arguments.keys() - known:
        near = get_close_matches("num_units" if name == "units" else name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{layer_class.__name__} got an unexpected keyword argument {name!r}{hint}"
        )


def get_layer(identifier, registry, argument, **options):
    """Returns the layer that a name, a config or a layer stands for, as Keras's `get` functions do.

    Args:
        identifier: String, a name in the registry; a dictionary, as
            `keras.saving.serialize_keras_object` returns it; or a layer.
        registry: Dictionary from names to classes.
        argument: String, the name of the argument for error messages.
        **options: Constructor arguments of a layer that is given by name.

    Raises:
        ValueError: If it is an unknown name, or none of these.
    """
    if isinstance(identifier, str) and identifier in registry:
        return registry[identifier](**options)
    if isinstance(identifier, dict):
        return keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, keras.layers.Layer):
        return identifier
    near = get_close_matches(identifier, registry, n=1) if isinstance(identifier, str) else ()
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(
        f"`{argument}` must be one of {', '.join(registry)}, the config of a layer, or a layer. "
        f"Received: {argument}={identifier!r}{hint}"
    )


def serialize_part(layer):
    """Returns the config of a layer that its owner builds, the same before and after."""
    config = keras.saving.serialize_keras_object(layer)
    config.pop("build_config", None)
    return config


def check_rate(name, value):
    """Raises `ValueError` unless `value` is a number in [0, 1)."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(
            f"`{name}` must be a number of at least 0 and below 1. Received: {name}={value!r}"
        )


def resolve_mask(mask, inputs):
    """Returns the mask to use for a sequence.

    Args:
        mask: Boolean tensor `(batch, time)`, true for real positions, or `None` for the implicit
            mask of the inputs. Without one, all positions are real.
        inputs: Tensor `(batch, time, dim)`.

    Raises:
        ValueError: If the mask has another shape than the first two axes of the inputs.
    """
    if mask is None:
        mask = implicit_mask(inputs)
    if mask is None:
        return ops.ones(ops.shape(inputs)[:2], dtype="bool")
    mask = ops.convert_to_tensor(mask, dtype="bool")
    check_mask(mask, inputs)
    return mask


def implicit_mask(tensor):
    """Returns the mask that Keras has attached to a tensor, or `None`.

    Keras passes it to layers with one input, and has no public function to read it.
    """
    return getattr(tensor, "_keras_mask", None)


def check_mask(mask, inputs):
    """Raises `ValueError` unless a mask has the shape of the first two axes of the inputs."""
    expected, found = tuple(inputs.shape[:2]), tuple(mask.shape)
    if not has_shape(found, expected):
        raise ValueError(
            f"The mask must have the shape (batch, time) of its sequence, {expected}. "
            f"Received: mask of shape {found}"
        )


def has_shape(shape, expected):
    """Returns whether a shape is as expected; both may have unknown sizes, `None`."""
    return len(shape) == len(expected) and all(
        one is None or other is None or one == other
        for one, other in zip(shape, expected, strict=True)
    )


def swap_batch_and_time(tensor):
    """Turns `(batch, time, ...)` into `(time, batch, ...)`, the order used in loops, and back."""
    return ops.swapaxes(tensor, 0, 1)
