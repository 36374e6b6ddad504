"""All hyperparameters, under the dotted names of google/seq2seq."""

from typing import Annotated, Any, get_type_hints

from pydantic import create_model

from keras_seq2seq.config.decoding_flags import BeamSearchFlags, InferenceFlags, SamplingFlags
from keras_seq2seq.config.optimizer import OptimizerOptions
from keras_seq2seq.config.option_types import (
    FilePath,
    KeepProbability,
    LayerCount,
    Option,
    PositiveSteps,
    Probability,
    ProperFraction,
    RiskSampleCount,
    Switch,
    UnitCount,
    one_of,
)
from keras_seq2seq.config.section import Section
from keras_seq2seq.config.text_options import FilterOptions, SourceOptions, TargetOptions

# Options of the layers, by section, that `train` sets where it builds vocabularies.
SHORTCUTS = {"encoder": "concat_inputs", "decoder": "context_skip"}


class RnnCellOptions(Section):
    """`rnn_cell.*`: the recurrent cells of the encoder and the decoder."""

    type: Annotated[
        one_of("LSTMCell", "GRUCell", BasicLSTMCell="LSTMCell"), Option("Type of recurrent cell.")
    ] = "LSTMCell"
    num_units: Annotated[UnitCount, Option("Number of units per layer.")] = 256
    num_layers: Annotated[LayerCount, Option("Number of stacked layers.")] = 1
    dropout_input_keep_prob: Annotated[
        KeepProbability, Option("Fraction of each layer's inputs that dropout keeps.")
    ] = 0.7
    dropout_output_keep_prob: Annotated[
        KeepProbability, Option("Fraction of each layer's outputs that dropout keeps.")
    ] = 0.7
    residual_connections: Annotated[
        Switch, Option("Add each layer's input to its output, starting at the second layer.")
    ] = False
    variational_dropout: Annotated[
        Switch, Option("Use the same dropout mask at every time step of a sequence.")
    ] = False
    layer_normalization: Annotated[
        Switch, Option("Apply layer normalization within the cells (slower).")
    ] = False


class _CellOverrides(Section):
    def apply_to(self, cell: RnnCellOptions) -> RnnCellOptions:
        """Returns `cell` with the values that are set here."""
        return cell.model_copy(update=self.model_dump(exclude_none=True))


def _override(name: str) -> tuple[Any, None]:
    """Returns the type and default of an option that overrides one of `RnnCellOptions`."""
    annotation = get_type_hints(RnnCellOptions, include_extras=True)[name]
    return Annotated[annotation | None, Option(f"Overrides rnn_cell.{name} for this side.")], None


RnnCellOverrides = create_model(
    "RnnCellOverrides",
    __base__=_CellOverrides,
    __module__=__name__,
    __doc__="`encoder.rnn_cell.*` and `decoder.rnn_cell.*`: exceptions to `rnn_cell.*`.",
    **{name: _override(name) for name in RnnCellOptions.model_fields},
)


def _no_attention(config: Any) -> str | None:
    if config.model == "BasicSeq2Seq":
        return "BasicSeq2Seq has no attention; leave it out or use the model AttentionSeq2Seq"
    return None


class EncoderOptions(Section):
    """`encoder.*`: the encoder."""

    type: Annotated[
        one_of(
            "BidirectionalEncoder",
            "UnidirectionalEncoder",
            BidirectionalRNNEncoder="BidirectionalEncoder",
            UnidirectionalRNNEncoder="UnidirectionalEncoder",
        )
        | None,
        Option(
            "Type of encoder; if not set, BidirectionalEncoder for AttentionSeq2Seq and "
            "UnidirectionalEncoder for BasicSeq2Seq."
        ),
    ] = None
    concat_inputs: Annotated[
        Switch,
        Option(
            "Attend to the source embeddings as well as to the encoder's outputs; train turns this "
            "on if a vocabulary file is missing.",
            unused_because=_no_attention,
        ),
    ] = False
    rnn_cell: RnnCellOverrides = RnnCellOverrides()


def _full_teacher_forcing(config: Any) -> str | None:
    if config.hparams.decoder.teacher_forcing.decay_type is None:
        return (
            "teacher forcing is always on; leave it out or set decoder.teacher_forcing.decay_type"
        )
    return None


class TeacherForcingOptions(Section):
    """`decoder.teacher_forcing.*`: the probability of feeding the decoder the correct token."""

    decay_type: Annotated[
        one_of("linear", "exponential", "inverse_sigmoid") | None,
        Option(
            "Decay of the teacher forcing probability (scheduled sampling, slower); if not set, "
            "the probability is always 1."
        ),
    ] = None
    decay_steps: Annotated[
        PositiveSteps,
        Option(
            "Steps k until the probability is 0 (linear: 1 - t/k) or 1/2 (exponential), or k in "
            "k/(k + exp(t/k)) (inverse_sigmoid).",
            unused_because=_full_teacher_forcing,
        ),
    ] = 10_000
    min_probability: Annotated[
        ProperFraction,
        Option(
            "Lower bound of the teacher forcing probability.", unused_because=_full_teacher_forcing
        ),
    ] = 0.0


def _no_samples(config: Any) -> str | None:
    if config.hparams.minimum_risk.num_samples is None:
        return "no outputs are drawn; leave it out or set minimum_risk.num_samples"
    return None


class MinimumRiskOptions(Section):
    """`minimum_risk.*`: minimum risk training, for a model that has been trained without it."""

    num_samples: Annotated[
        RiskSampleCount | None,
        Option(
            "Number of outputs drawn for each source in training, such as 5, whose expected error "
            "is minimized (a step takes several times as long); disabled if not set."
        ),
    ] = None
    weight: Annotated[
        Probability,
        Option(
            "Weight of the expected error; that of the ordinary loss is 1 minus this.",
            unused_because=_no_samples,
        ),
    ] = 0.7
    metric: Annotated[
        one_of("bleu", "exact_match"),
        Option(
            "Sentence-level metric; the error of an output is 1 minus its value.",
            unused_because=_no_samples,
        ),
    ] = "bleu"


class DecoderOptions(Section):
    """`decoder.*`: the decoder."""

    context_skip: Annotated[
        Switch,
        Option(
            "Add a linear projection of the attention's context to the decoder's output; train "
            "turns this on if a vocabulary file is missing.",
            unused_because=_no_attention,
        ),
    ] = False
    rnn_cell: RnnCellOverrides = RnnCellOverrides()
    teacher_forcing: TeacherForcingOptions = TeacherForcingOptions()


class AttentionOptions(Section):
    """`attention.*`: the attention of AttentionSeq2Seq."""

    dim: Annotated[
        UnitCount,
        Option("Number of units of the projected queries and keys.", unused_because=_no_attention),
    ] = 256
    score_type: Annotated[
        one_of("bahdanau", "dot"),
        Option("Type of attention score.", unused_because=_no_attention),
    ] = "bahdanau"


class BridgeOptions(Section):
    """`bridge.*`: the initial state of the decoder."""

    type: Annotated[
        one_of("zero", "pass_through", "dense") | None,
        Option(
            "Initial state of the decoder: zeros, the encoder's final state or a projection of it; "
            "if not set, dense for AttentionSeq2Seq and pass_through for BasicSeq2Seq."
        ),
    ] = None


def _shared_embeddings(config: Any) -> str | None:
    if config.hparams.embedding.share:
        return "embedding.share uses one table for both sides; set embedding.source_file"
    return None


def _no_pretrained_vectors(config: Any) -> str | None:
    embedding = config.hparams.embedding
    if embedding.source_file is None and embedding.target_file is None:
        return "no pretrained vectors are loaded; leave it out or set embedding.source_file"
    return None


class EmbeddingOptions(Section):
    """`embedding.*`: the token embeddings."""

    dim: Annotated[UnitCount, Option("Size of the embeddings.")] = 256
    share: Annotated[
        Switch, Option("Share one table between both sides, which requires the same vocabulary.")
    ] = False
    source_file: Annotated[
        FilePath | None,
        Option(
            "Pretrained source embeddings in the text format of word2vec, fastText or GloVe, "
            "plain, .gz, .zst or .xz.",
            may_change=True,
        ),
    ] = None
    target_file: Annotated[
        FilePath | None,
        Option(
            "Pretrained target embeddings in the same formats.",
            may_change=True,
            unused_because=_shared_embeddings,
        ),
    ] = None
    tie_output: Annotated[
        Switch,
        Option(
            "Use the target embeddings as output weights; adds a projection if the decoder's size "
            "differs from embedding.dim."
        ),
    ] = True
    word_dropout: Annotated[
        ProperFraction,
        Option("Fraction of source and target tokens replaced by the unknown token in training."),
    ] = 0.0
    freeze: Annotated[
        Switch,
        Option(
            "Do not train embeddings loaded from source_file or target_file.",
            unused_because=_no_pretrained_vectors,
        ),
    ] = False


class BeamSearchOptions(BeamSearchFlags, Section):
    """`inference.beam_search.*`: beam search."""


class SamplingOptions(SamplingFlags, Section):
    """`inference.sampling.*`: sampling."""


class InferenceOptions(InferenceFlags, Section):
    """`inference.*`: decoding with a trained model."""

    beam_search: BeamSearchOptions = BeamSearchOptions()
    sampling: SamplingOptions = SamplingOptions()


class HyperParameters(Section):
    """The hyperparameters that `--hparams` sets.

    Example:

    >>> hparams = HyperParameters(rnn_cell=RnnCellOptions(num_units=256))
    >>> hparams.encoder_cell.num_units
    256
    """

    rnn_cell: RnnCellOptions = RnnCellOptions()
    encoder: EncoderOptions = EncoderOptions()
    decoder: DecoderOptions = DecoderOptions()
    attention: AttentionOptions = AttentionOptions()
    bridge: BridgeOptions = BridgeOptions()
    source: SourceOptions = SourceOptions()
    target: TargetOptions = TargetOptions()
    filter: FilterOptions = FilterOptions()
    embedding: EmbeddingOptions = EmbeddingOptions()
    inference: InferenceOptions = InferenceOptions()
    optimizer: OptimizerOptions = OptimizerOptions()
    minimum_risk: MinimumRiskOptions = MinimumRiskOptions()

    @property
    def encoder_cell(self) -> RnnCellOptions:
        """The encoder's cell: `rnn_cell.*`, overridden by `encoder.rnn_cell.*`."""
        return self.encoder.rnn_cell.apply_to(self.rnn_cell)

    @property
    def decoder_cell(self) -> RnnCellOptions:
        """The decoder's cell: `rnn_cell.*`, overridden by `decoder.rnn_cell.*`."""
        return self.decoder.rnn_cell.apply_to(self.rnn_cell)
