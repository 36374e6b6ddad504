"""Cells as templates, and layers that run cells over time."""

import itertools
import warnings
from copy import deepcopy
from functools import partial

import keras
from keras import ops

from keras_seq2seq.backend import CAN_COMPILE_LOOPS, scan
from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers.cells import Cell, GRUCell, LSTMCell, make_dropout
from keras_seq2seq.layers.layer import (
    BaseLayer,
    check_rate,
    get_layer,
    serialize_part,
)

CELLS = {"LSTMCell": LSTMCell, "GRUCell": GRUCell}

DEFAULT_CELL = "LSTMCell"

_OLD_ARGUMENTS = ("cell_type", "layer_normalization")


@keras.saving.register_keras_serializable("keras_seq2seq")
class KerasCell(Cell):
    """Runs any Keras cell, such as `keras.layers.GRUCell`, through its `call`.

    The whole cell is computed inside the loop, which is slower than the cells of this package.

    Args:
        cell: Keras layer with `state_size`, an integer or a nested list of them, and
            `call(inputs, states) -> (output, new_states)`. Its own dropout must be zero: the layer
            that contains the cell applies dropout.

    Raises:
        ValueError: If it is not such a layer.

    Example:
        >>> encoder = UnidirectionalEncoder(cell=KerasCell(keras.layers.SimpleRNNCell(64)))
    """

    def __init__(self, cell, **kwargs):
        if not hasattr(cell, "state_size"):
            raise ValueError(
                "`cell` must be a Keras cell, with `state_size` and `call(inputs, states)`. "
                f"Received: cell={cell!r}"
            )
        parts = cell._flatten_layers() if isinstance(cell, keras.Layer) else [cell]
        for part, name in itertools.product(parts, ("dropout", "recurrent_dropout")):
            if getattr(part, name, 0):
                raise ValueError(
                    f"`{name}` of a Keras cell is not applied here; set `input_dropout` or "
                    f"`output_dropout` of the layer that contains it. Received: cell={cell!r}"
                )
        sizes = tuple(keras.tree.flatten(cell.state_size))
        super().__init__(getattr(cell, "output_size", sizes[0]), **kwargs)
        self.cell = cell
        self.state_sizes = (self.num_units, *sizes)

    def build(self, input_shape):
        self.projection_size = input_shape[-1]
        if not self.cell.built:
            self.cell.build(input_shape)
            self.cell.built = True
        self.built = True

    def project(self, inputs):
        return self.to_output_dtype(inputs)

    def step(self, projected, states):
        # Keras cells take matrices: hypotheses (batch, n, size) become rows (batch * n, size).
        leading = ops.shape(projected)[:-1]

        def as_rows(tensor):
            return ops.reshape(tensor, (-1, tensor.shape[-1]))

        inputs, *states = keras.tree.map_structure(as_rows, [projected, *states[1:]])
        output, new_states = self.cell(inputs, self._nest(states))

        def as_given(tensor):
            return self.to_output_dtype(ops.reshape(tensor, (*leading, tensor.shape[-1])))

        output, *new_states = map(as_given, [output, *keras.tree.flatten(new_states)])
        return output, [output, *new_states]

    def _nest(self, states):
        """Returns a flat list of states in the structure of the cell's `state_size`."""
        sizes = self.cell.state_size
        structure = sizes if keras.tree.is_nested(sizes) else [sizes]
        return keras.tree.pack_sequence_as(structure, states)

    def get_config(self):
        config = super().get_config()
        del config["num_units"]
        return {**config, "cell": serialize_part(self.cell)}

    @classmethod
    def from_config(cls, config):
        # A copy, because `StackedRNNCells.from_config` empties its argument.
        cell = keras.saving.deserialize_keras_object(deepcopy(config["cell"]))
        return cls(**{**config, "cell": cell})


def get_cell(cell, num_units=None):
    """Returns the cell that serves as the template of a layer's cells.

    Args:
        cell: A name in `CELLS`, the config of a cell, or a cell: one of this package's, a subclass
            of `Cell`, or a Keras cell.
        num_units: Integer, the size of a cell given by name. Must be `None` or the cell's size
            otherwise.

    Raises:
        ValueError: If `cell` is unknown, not a cell, or of a size other than `num_units`.
    """
    if isinstance(cell, str) and cell in CELLS:
        num_units = check_integer("num_units", num_units)
    template = get_layer(cell, CELLS, "cell", num_units=num_units)
    if not isinstance(template, Cell):
        template = KerasCell(template)
    if num_units not in (None, template.num_units):
        raise ValueError(
            f"`num_units` and the cell have different sizes. Received: num_units={num_units}, "
            f"cell with num_units={template.num_units}"
        )
    return template


def clone_cell(template, **options):
    """Returns a new cell like the template.

    Args:
        template: A cell, or a Keras cell.
        **options: Parts of its config to replace, such as `name` and `dtype`.
    """
    if isinstance(template, KerasCell):
        inner = clone_cell(template.cell, dtype=options["dtype"])
        return KerasCell(inner, **options)
    config = _unshare(template.get_config(), copy=object())
    return type(template).from_config({**config, **options})


def _unshare(config, copy):
    """Returns a config whose nested layers are made anew, and not shared with other copies.

    While Keras loads a model, it makes only one layer of all configs with the same id.
    """
    if isinstance(config, dict):
        config = {name: _unshare(value, copy) for name, value in config.items()}
        if "shared_object_id" in config:
            config["shared_object_id"] = (copy, config["shared_object_id"])
        return config
    if isinstance(config, (list, tuple)):
        return type(config)(_unshare(value, copy) for value in config)
    return config


def cell_from_old_arguments(cell, num_units, arguments, warn=True):
    """Returns the cell that `cell_type` and `layer_normalization` of version 0.1 stand for.

    Args:
        cell: The argument `cell`, which is returned where these are not given.
        num_units: The argument `num_units`.
        arguments: Dictionary of all other arguments, from which the two are removed.
        warn: Boolean, whether to warn that they are deprecated.
    """
    old = {name: arguments.pop(name) for name in _OLD_ARGUMENTS if name in arguments}
    if old and warn:
        warnings.warn(
            f"{' and '.join(old)}: deprecated; use `cell`, a name or a cell such as "
            "`GRUCell(256, layer_normalization=True)`",
            DeprecationWarning,
            stacklevel=4,
        )
    cell = old.get("cell_type", cell)
    if old.get("layer_normalization"):
        return get_layer(cell, CELLS, "cell", num_units=num_units, layer_normalization=True)
    return cell


class CellLayer(BaseLayer):
    """Base class of the layers that contain cells: holds the template that they are cloned from.

    Args:
        num_units: Integer, the size of the cells. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell: `"LSTMCell"`, `"GRUCell"`, a layer of these
            classes, a subclass of `Cell`, or a Keras cell.
    """

    def __init__(self, num_units=None, cell=DEFAULT_CELL, **kwargs):
        cell = cell_from_old_arguments(cell, num_units, kwargs)
        super().__init__(**kwargs)
        template = get_cell(cell, num_units)
        self.num_units = template.num_units
        self.cell_config = serialize_part(template)
        # A function, so that Keras does not take the template for a layer with weights to save.
        self._clone_template = partial(clone_cell, template)
        # On TensorFlow the loop over time has no fixed length, which XLA needs.
        self.supports_jit = CAN_COMPILE_LOOPS

    def _make_cell(self, name):
        """Returns a new cell like the template, with the dtype policy of this layer."""
        return self._clone_template(name=name, dtype=self.dtype_policy)

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "cell": self.cell_config,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        cell = config.pop("cell", DEFAULT_CELL)
        cell = cell_from_old_arguments(cell, config["num_units"], config, warn=False)
        return cls(**config, cell=cell)


class RecurrentStack(CellLayer):
    """Base class of the encoders and decoders: a stack of recurrent layers with dropout.

    Args:
        num_units: Integer, the size of the cells. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the dropout rate of each layer's inputs.
        output_dropout: Float, the dropout rate of each layer's outputs.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
    """

    def __init__(
        self,
        num_units=None,
        cell=DEFAULT_CELL,
        num_layers=1,
        input_dropout=0.0,
        output_dropout=0.0,
        residual_connections=False,
        variational_dropout=False,
        **kwargs,
    ):
        super().__init__(num_units, cell, **kwargs)
        num_layers = check_integer("num_layers", num_layers)
        check_rate("input_dropout", input_dropout)
        check_rate("output_dropout", output_dropout)
        self.num_layers = num_layers
        self.input_dropout = input_dropout
        self.output_dropout = output_dropout
        self.residual_connections = residual_connections
        self.variational_dropout = variational_dropout
        self.supports_masking = True
        self._make_layers()
        self.drop_inputs, self.drop_outputs = (
            make_dropout(rate, variational_dropout, dtype=self.output_dtype)
            for rate in (input_dropout, output_dropout)
        )

    def _make_layers(self):
        """Creates the layers of the stack."""
        raise NotImplementedError

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "input_dropout": self.input_dropout,
            "output_dropout": self.output_dropout,
            "residual_connections": self.residual_connections,
            "variational_dropout": self.variational_dropout,
        }


@keras.saving.register_keras_serializable("keras_seq2seq")
class RecurrentLayer(CellLayer):
    """Runs a cell over time, forwards or backwards, and keeps its state through padding.

    Time is the leading axis, as the loop requires.

    Args:
        num_units: Integer, the size of the output. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template.
        go_backwards: Boolean, whether to read from the end. Outputs stay aligned with inputs.

    Call arguments:
        inputs: Tensor `(time, batch, input_dim)`.
        mask: Boolean tensor `(time, batch)`, true for real tokens. Defaults to all.

    Output:
        The outputs `(time, batch, num_units)` and the state after the last real token, a list of
        tensors `(batch, size)`: `[h]`, or `[h, c]` for an LSTM.
    """

    def __init__(self, num_units=None, cell=DEFAULT_CELL, go_backwards=False, **kwargs):
        super().__init__(num_units, cell, **kwargs)
        self.go_backwards = go_backwards
        self.cell = self._make_cell("cell")
        self.supports_masking = True

    def build(self, inputs_shape, mask_shape=None):
        self.cell.build(inputs_shape)
        self.built = True

    def call(self, inputs, mask=None):
        if mask is None:
            mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
        return self.run(self.project(inputs), mask)

    def project(self, inputs):
        """Returns what `run` needs of inputs `(..., input_dim)`: `(..., projection_size)`."""
        return self.cell.project(inputs)

    def run(self, projected, mask):
        """Returns outputs and state for projected inputs `(time, batch, projection_size)`."""
        sequence = [projected, ops.expand_dims(mask, axis=-1)]

        def step(inputs, states, _):
            projected, is_real = inputs
            _, new_states = self.cell.step(projected, states)
            return [
                ops.where(is_real, new, old) for new, old in zip(new_states, states, strict=True)
            ]

        states, outputs = scan(
            step,
            self.cell.zero_states(ops.shape(projected)[1]),
            sequence,
            keep=lambda states: states[0],
            weights=self.weights,
            go_backwards=self.go_backwards,
        )
        return outputs, states

    def compute_mask(self, *args, **kwargs):
        return None  # An implicit mask would have the batch axis first.

    def get_config(self):
        return {**super().get_config(), "go_backwards": self.go_backwards}
