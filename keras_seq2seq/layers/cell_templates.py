"""Cells as templates: by name, config or object, Keras's own cells among them."""

import warnings

import keras
from keras import ops

from keras_seq2seq.layers.cells import Cell, GRUCell, LSTMCell
from keras_seq2seq.layers.layer import check_size, get_layer, serialize_part

CELLS = {"LSTMCell": LSTMCell, "GRUCell": GRUCell}

DEFAULT_CELL = "LSTMCell"

_OLD_ARGUMENTS = ("cell_type", "layer_normalization")


@keras.saving.register_keras_serializable("keras_seq2seq")
class KerasCell(Cell):
    """Runs any Keras cell, such as `keras.layers.GRUCell`, through its `call`.

    The whole cell is computed inside the loop, which is slower than the cells of this package.

    Args:
        cell: Keras layer with `state_size`, an integer or a list of them, and
            `call(inputs, states) -> (output, new_states)`. Its own dropout must be zero: the layer
            that contains the cell applies dropout.

    Raises:
        ValueError: If it is no such layer.

    Example:
        >>> encoder = UnidirectionalEncoder(cell=KerasCell(keras.layers.SimpleRNNCell(64)))
    """

    def __init__(self, cell, **kwargs):
        if not hasattr(cell, "state_size"):
            raise ValueError(
                "`cell` must be a Keras cell, with `state_size` and `call(inputs, states)`. "
                f"Received: cell={cell!r}"
            )
        for name in ("dropout", "recurrent_dropout"):
            if getattr(cell, name, 0):
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

        rows = keras.tree.map_structure(as_rows, [projected, *states[1:]])
        output, new_states = self.cell(rows[0], rows[1:])

        def as_given(tensor):
            return self.to_output_dtype(ops.reshape(tensor, (*leading, tensor.shape[-1])))

        output, *new_states = map(as_given, [output, *keras.tree.flatten(new_states)])
        return output, [output, *new_states]

    def get_config(self):
        config = super().get_config()
        del config["num_units"]
        return {**config, "cell": serialize_part(self.cell)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})


def get_cell(cell, num_units=None):
    """Returns the cell that serves as the template of a layer's cells.

    Args:
        cell: A name in `CELLS`, the config of a cell, or a cell: one of this package's, a subclass
            of `Cell`, or a Keras cell.
        num_units: Integer, the size of a cell given by name. Must be `None` or the cell's size
            otherwise.

    Raises:
        ValueError: If `cell` is unknown, no cell, or of another size than `num_units`.
    """
    if isinstance(cell, str) and cell in CELLS:
        check_size("num_units", num_units)
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
    return type(template).from_config({**template.get_config(), **options})


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
