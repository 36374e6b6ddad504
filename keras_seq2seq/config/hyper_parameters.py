"""All hyperparameters, under the dotted names of google/seq2seq."""

from pydantic import Field

from keras_seq2seq.config.inference import Inference
from keras_seq2seq.config.optimizer import Optimizer
from keras_seq2seq.config.option_types import (
    FilePath,
    KeepProbability,
    PositiveInt,
    PositiveSteps,
    ProperFraction,
    Switch,
    one_of,
)
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


EncoderType = one_of(
    "BidirectionalEncoder",
    "UnidirectionalEncoder",
    BidirectionalRNNEncoder="BidirectionalEncoder",
    UnidirectionalRNNEncoder="UnidirectionalEncoder",
)
TeacherDecay = one_of("linear", "exponential", "inverse_sigmoid")
ScoreType = one_of("bahdanau", "dot")
BridgeType = one_of("zero", "pass_through", "dense")
TokenizerType = one_of("whitespace", "characters")


class Encoder(Section):
    """`encoder.*`: reads the source."""

    type: EncoderType | None = Field(
        None,
        description="Encoder; if not set the model's own: bidirectional for AttentionSeq2Seq, "
        "unidirectional for BasicSeq2Seq.",
    )
    rnn_cell: RnnCellOverrides = RnnCellOverrides()


class TeacherForcing(Section):
    """`decoder.teacher_forcing.*`: how often the decoder is told the right token in training."""

    decay_type: TeacherDecay | None = Field(
        None,
        description="How its probability falls (scheduled sampling, which is slower); if not "
        "set, it is always told.",
    )
    decay_steps: PositiveSteps = Field(
        10_000,
        description="Steps k at which the probability is 0 (linear: 1 - t/k) or 1/2 (exponential), "
        "or k of k/(k + exp(t/k)) (inverse_sigmoid).",
    )
    min_probability: ProperFraction = Field(0.0, description="It never falls below this.")


class Decoder(Section):
    """`decoder.*`: writes the target."""

    rnn_cell: RnnCellOverrides = RnnCellOverrides()
    teacher_forcing: TeacherForcing = TeacherForcing()


class Attention(Section):
    """`attention.*`: how AttentionSeq2Seq looks at the source."""

    dim: PositiveInt = Field(128, description="Units of the projected queries and keys.")
    score_type: ScoreType = Field("bahdanau", description="Attention score.")


class Bridge(Section):
    """`bridge.*`: from the encoder's last state to the decoder's first."""

    type: BridgeType | None = Field(
        None, description="Start of the decoder's state; if not set the model's own."
    )


class Source(Section):
    """`source.*`: the text that is read."""

    max_seq_len: PositiveInt = Field(
        40, description="Longest source in tokens, the end token included."
    )
    reverse: Switch = Field(False, description="Read the source from its end.")
    tokenizer: TokenizerType = Field("whitespace", description="What a source token is.")


class Target(Section):
    """`target.*`: the text that is written."""

    max_seq_len: PositiveInt = Field(
        40, description="Longest target in tokens, the end token included."
    )
    tokenizer: TokenizerType = Field("whitespace", description="What a target token is.")


class Embedding(Section):
    """`embedding.*`: the vectors of the tokens."""

    dim: PositiveInt = Field(100, description="Length of a token's vector.")
    share: Switch = Field(
        False, description="One table for both sides; they then need the same vocabulary."
    )
    source_file: FilePath | None = Field(
        None,
        description="Word vectors that the source's begin with: word2vec's or GloVe's text, "
        "plain or .gz.",
    )
    target_file: FilePath | None = Field(
        None, description="Word vectors that the target's begin with."
    )
    tie_output: Switch = Field(
        False,
        description="Score target tokens with their vectors; projects to embedding.dim if the "
        "decoder has another size.",
    )
    word_dropout: ProperFraction = Field(
        0.0, description="Share of the tokens of both sides that are read as unknown in training."
    )
    freeze: Switch = Field(
        False, description="Do not train the tables that have a source_file or target_file."
    )


class HyperParameters(Section):
    """What `--hparams` sets.

    Example:
        >>> hparams = HyperParameters(rnn_cell=RnnCell(num_units=256))
        >>> hparams.encoder_cell.num_units
        256
    """

    rnn_cell: RnnCell = RnnCell()
    encoder: Encoder = Encoder()
    decoder: Decoder = Decoder()
    attention: Attention = Attention()
    bridge: Bridge = Bridge()
    source: Source = Source()
    target: Target = Target()
    embedding: Embedding = Embedding()
    inference: Inference = Inference()
    optimizer: Optimizer = Optimizer()

    @property
    def encoder_cell(self) -> RnnCell:
        """The encoder's cell: `rnn_cell.*` overridden by `encoder.rnn_cell.*`."""
        return self.encoder.rnn_cell.apply_to(self.rnn_cell)

    @property
    def decoder_cell(self) -> RnnCell:
        """The decoder's cell: `rnn_cell.*` overridden by `decoder.rnn_cell.*`."""
        return self.decoder.rnn_cell.apply_to(self.rnn_cell)
