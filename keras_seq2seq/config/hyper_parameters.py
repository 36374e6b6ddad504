"""All hyperparameters, under the dotted names of google/seq2seq."""

from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

from pydantic import create_model

from keras_seq2seq.config.decoding_flags import BeamSearchFlags, InferenceFlags, SamplingFlags
from keras_seq2seq.config.optimizer import OptimizerOptions
from keras_seq2seq.config.option_types import (
    FilePath,
    KeepProbability,
    LayerCount,
    NBestSize,
    Option,
    PositiveFloat,
    PositiveInt,
    PositiveSteps,
    Probability,
    ProperFraction,
    RiskSampleCount,
    Switch,
    UnitCount,
    VocabularySize,
    one_of,
)
from keras_seq2seq.config.section import Section
from keras_seq2seq.text import TOKENIZERS, default_tokenizer
from keras_seq2seq.text.scripts import SCRIPTS
from keras_seq2seq.text.text_encoder import DEFAULT_NBEST_SIZE


class RnnCellOptions(Section):
    """`rnn_cell.*`: the recurrent cells of the encoder and the decoder."""

    type: Annotated[
        one_of("LSTMCell", "GRUCell", BasicLSTMCell="LSTMCell"), Option("Type of recurrent cell.")
    ] = "LSTMCell"
    num_units: Annotated[UnitCount, Option("Number of units per layer.")] = 128
    num_layers: Annotated[LayerCount, Option("Number of stacked layers.")] = 1
    dropout_input_keep_prob: Annotated[
        KeepProbability, Option("Fraction of each layer's inputs that dropout keeps.")
    ] = 1.0
    dropout_output_keep_prob: Annotated[
        KeepProbability, Option("Fraction of each layer's outputs that dropout keeps.")
    ] = 1.0
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
            "(1 - BLEU) is minimized (a step takes several times as long); disabled if not set."
        ),
    ] = None
    weight: Annotated[
        Probability,
        Option(
            "Weight of the expected error; that of the ordinary loss is 1 minus this.",
            unused_because=_no_samples,
        ),
    ] = 0.7


class DecoderOptions(Section):
    """`decoder.*`: the decoder."""

    rnn_cell: RnnCellOverrides = RnnCellOverrides()
    teacher_forcing: TeacherForcingOptions = TeacherForcingOptions()


def _no_attention(config: Any) -> str | None:
    if config.model == "BasicSeq2Seq":
        return "BasicSeq2Seq has no attention; leave it out or use the model AttentionSeq2Seq"
    return None


class AttentionOptions(Section):
    """`attention.*`: the attention of AttentionSeq2Seq."""

    dim: Annotated[
        UnitCount,
        Option("Number of units of the projected queries and keys.", unused_because=_no_attention),
    ] = 128
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


TOKENIZER_NAMES = tuple(TOKENIZERS)
TokenizerType = one_of(*TOKENIZER_NAMES)
_DEFAULT_TOKENIZER = (
    "if not set, sentencepiece for a vocabulary file NAME.model and whitespace for any other one; "
    "without a vocabulary file, chosen from the text."
)


def tokenizer_name(config: Any, side: str) -> str:
    """Returns the tokenizer's name of a side; if not set, the vocabulary file determines it.

    Without a vocabulary file, training chooses a tokenizer from the text instead.
    """
    name = getattr(config.hparams, side).tokenizer
    return name or default_tokenizer(getattr(config, f"vocab_{side}"))


def _vocabulary_given(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        if getattr(config, f"vocab_{side}") is not None:
            return f"the vocabulary is that of vocab_{side}; leave out one of them"
        if TOKENIZERS[tokenizer_name(config, side)].vocabulary_suffix is None:
            return f"the tokenizer {tokenizer_name(config, side)} has a fixed vocabulary"
        return None

    return explain


def _nothing_counted(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        if TOKENIZERS[tokenizer_name(config, side)].can_sample:
            return f"a SentencePiece model has no minimum frequency; set {side}.vocab_size"
        return _vocabulary_given(side)(config)

    return explain


def _only_for_words(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        name = tokenizer_name(config, side)
        if "lowercase" in TOKENIZERS[name].hyperparameters:
            return None
        return f"the tokenizer {name} does not normalize text; set {side}.tokenizer=words"

    return explain


def _only_for_subwords(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        name = tokenizer_name(config, side)
        is_open = getattr(config.hparams, side).tokenizer is None
        # Training then chooses a tokenizer with subwords.
        if TOKENIZERS[name].can_sample or (is_open and getattr(config, f"vocab_{side}") is None):
            return None
        return f"the tokenizer {name} has no subwords; set {side}.tokenizer=sentencepiece"

    return explain


def _only_for_sampling(side: str) -> Callable[[Any], str | None]:
    def explain(config: Any) -> str | None:
        if getattr(config.hparams, side).sampling_alpha:
            return None
        return f"nothing is sampled; set {side}.sampling_alpha"

    return explain


_LOWERCASE = "Convert text to lowercase (tokenizer words)."
_NFKC = "Normalize text to Unicode normalization form NFKC (tokenizer words)."
_SAMPLING_ALPHA = (
    "Subword regularization in training (sentencepiece): exponent of the probabilities of "
    "segmentations, such as 0.1, or fraction of BPE merges to drop; 0 disables it."
)
_VOCAB_SIZE = (
    "Maximum number of tokens in a vocabulary built from the training text; if not set, usually "
    "1000 to 8000 for sentencepiece, depending on the text, and 30000 for other tokenizers."
)
_MIN_FREQUENCY = (
    "Minimum number of occurrences of a token in the training text to be in such a vocabulary; if "
    "not set, 2, or 1 if the text has fewer than 10,000 tokens."
)
_NBEST_SIZE = "Number of best segmentations to sample from (unigram models)."


def _text_options(side: str) -> dict[str, tuple[Any, Any]]:
    """Returns the types and defaults of the options of one side's tokenizer."""
    is_vocabulary_given, is_uncounted = _vocabulary_given(side), _nothing_counted(side)
    is_not_words = _only_for_words(side)
    sampling = Option(_SAMPLING_ALPHA, unused_because=_only_for_subwords(side))
    nbest = Option(_NBEST_SIZE, unused_because=_only_for_sampling(side))
    tokenizer = Option(f"{side.capitalize()} tokenizer; {_DEFAULT_TOKENIZER}")
    return {
        "tokenizer": (Annotated[TokenizerType | None, tokenizer], None),
        "vocab_size": (
            Annotated[
                VocabularySize | None, Option(_VOCAB_SIZE, unused_because=is_vocabulary_given)
            ],
            None,
        ),
        "min_frequency": (
            Annotated[PositiveInt | None, Option(_MIN_FREQUENCY, unused_because=is_uncounted)],
            None,
        ),
        "lowercase": (Annotated[Switch, Option(_LOWERCASE, unused_because=is_not_words)], False),
        "nfkc": (Annotated[Switch, Option(_NFKC, unused_because=is_not_words)], False),
        "sampling_alpha": (Annotated[ProperFraction, sampling], 0.0),
        "nbest_size": (Annotated[NBestSize, nbest], DEFAULT_NBEST_SIZE),
    }


def _max_length(side: str) -> tuple[Any, int]:
    description = f"Maximum {side} length in tokens, end token included."
    return Annotated[PositiveInt, Option(description)], 40


SourceOptions = create_model(
    "SourceOptions",
    __base__=Section,
    __module__=__name__,
    __doc__="`source.*`: the source text.",
    max_seq_len=_max_length("source"),
    reverse=(Annotated[Switch, Option("Reverse the source tokens.")], False),
    **_text_options("source"),
)

TargetOptions = create_model(
    "TargetOptions",
    __base__=Section,
    __module__=__name__,
    __doc__="`target.*`: the target text.",
    max_seq_len=_max_length("target"),
    **_text_options("target"),
)


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

    # The default of google/seq2seq. The models' own default for `embedding_dim` is `num_units`:
    # Python users then choose one size, while configurations written for google/seq2seq keep
    # their meaning.
    dim: Annotated[UnitCount, Option("Size of the embeddings.")] = 100
    share: Annotated[
        Switch, Option("Share one table between both sides, which requires the same vocabulary.")
    ] = False
    source_file: Annotated[
        FilePath | None,
        Option(
            "Pretrained source embeddings in the text format of word2vec or GloVe, plain, .gz, "
            ".zst or .xz."
        ),
    ] = None
    target_file: Annotated[
        FilePath | None,
        Option(
            "Pretrained target embeddings in the same formats.", unused_because=_shared_embeddings
        ),
    ] = None
    tie_output: Annotated[
        Switch,
        Option(
            "Use the target embeddings as output weights; adds a projection if the decoder's size "
            "differs from embedding.dim."
        ),
    ] = False
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


_SCRIPT = one_of(*SCRIPTS)


class FilterOptions(Section):
    """`filter.*`: pairs to exclude from the training data."""

    duplicates: Annotated[Switch, Option("Exclude repeated pairs.")] = False
    identical: Annotated[Switch, Option("Exclude pairs with identical sides.")] = False
    length_ratio: Annotated[
        PositiveFloat | None,
        Option(
            "Exclude pairs in which one side has more than this many times as many characters as "
            "the other."
        ),
    ] = None
    source_script: Annotated[
        _SCRIPT | None,
        Option("Exclude pairs if most letters of the source belong to other scripts."),
    ] = None
    target_script: Annotated[
        _SCRIPT | None,
        Option("Exclude pairs if most letters of the target belong to other scripts."),
    ] = None
    too_long: Annotated[
        Switch,
        Option(
            "Exclude pairs longer than source.max_seq_len or target.max_seq_len instead of "
            "truncating them."
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
