"""The recurrent cells of the encoder and the decoder."""

from pydantic import Field

from keras_seq2seq.config.option_types import KeepProbability, PositiveInt, Switch, one_of
from keras_seq2seq.config.section import Section

CellType = one_of("LSTMCell", "GRUCell", BasicLSTMCell="LSTMCell")


class RnnCell(Section):
    """`rnn_cell.*`: the recurrent cells of both sides."""

    type: CellType = Field("LSTMCell", description="Kind of recurrent cell.")
    num_units: PositiveInt = Field(128, description="Units of each layer.")
    num_layers: PositiveInt = Field(1, description="Recurrent layers, one upon the other.")
    dropout_input_keep_prob: KeepProbability = Field(
        1.0, description="Share of each layer's input that dropout keeps in training."
    )
    dropout_output_keep_prob: KeepProbability = Field(
        1.0, description="Share of each layer's output that dropout keeps in training."
    )
    residual_connections: Switch = Field(
        False, description="Add each layer's input to its output, from the second layer on."
    )
    variational_dropout: Switch = Field(
        False, description="Drop the same at all time steps of a sentence."
    )
    layer_normalization: Switch = Field(
        False, description="Normalise within the cells, which takes longer."
    )


class RnnCellOverrides(Section):
    """`encoder.rnn_cell.*` and `decoder.rnn_cell.*`: what one side has different."""

    type: CellType | None = Field(None, description="rnn_cell.type for this side alone.")
    num_units: PositiveInt | None = Field(
        None, description="rnn_cell.num_units for this side alone."
    )
    num_layers: PositiveInt | None = Field(
        None, description="rnn_cell.num_layers for this side alone."
    )
    dropout_input_keep_prob: KeepProbability | None = Field(
        None, description="rnn_cell.dropout_input_keep_prob for this side alone."
    )
    dropout_output_keep_prob: KeepProbability | None = Field(
        None, description="rnn_cell.dropout_output_keep_prob for this side alone."
    )
    residual_connections: Switch | None = Field(
        None, description="rnn_cell.residual_connections for this side alone."
    )
    variational_dropout: Switch | None = Field(
        None, description="rnn_cell.variational_dropout for this side alone."
    )
    layer_normalization: Switch | None = Field(
        None, description="rnn_cell.layer_normalization for this side alone."
    )

    def apply_to(self, cell: RnnCell) -> RnnCell:
        """Returns `cell` with the values that are set here."""
        return cell.model_copy(update=self.model_dump(exclude_none=True))
