"""From a configuration to an untrained model."""

from keras_seq2seq.config import Config, RnnCellOptions
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import (
    AttentionDecoder,
    BasicDecoder,
    BidirectionalEncoder,
    DenseBridge,
    PassThroughBridge,
    UnidirectionalEncoder,
    ZeroBridge,
)
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, Seq2Seq, TeacherForcing

_MODELS = {"AttentionSeq2Seq": AttentionSeq2Seq, "BasicSeq2Seq": BasicSeq2Seq}
_ENCODERS = {
    "BidirectionalEncoder": BidirectionalEncoder,
    "UnidirectionalEncoder": UnidirectionalEncoder,
}
_BRIDGES = {"zero": ZeroBridge, "pass_through": PassThroughBridge, "dense": DenseBridge}
_DEFAULT_ENCODERS = {
    "AttentionSeq2Seq": "BidirectionalEncoder",
    "BasicSeq2Seq": "UnidirectionalEncoder",
}
_DEFAULT_BRIDGES = {"AttentionSeq2Seq": "dense", "BasicSeq2Seq": "pass_through"}


def build_model(
    config: Config, source_vocabulary_size: int, target_vocabulary_size: int
) -> Seq2Seq:
    """Builds the model that a configuration describes, with fresh weights.

    Args:
        config: The configuration.
        source_vocabulary_size: Number of source ids, special ids included.
        target_vocabulary_size: Number of target ids, special ids included.

    Returns:
        The model, not compiled.

    Raises:
        UserError: If options do not go together, such as a pass_through bridge between cells of
            different sizes.
    """
    hparams = config.hparams
    encoder_type = hparams.encoder.type or _DEFAULT_ENCODERS[config.model]
    encoder = _ENCODERS[encoder_type](
        **_cell_arguments(hparams.encoder_cell), dtype=config.dtype, name="encoder"
    )
    decoder_arguments = {**_cell_arguments(hparams.decoder_cell), "dtype": config.dtype}
    if config.model == "AttentionSeq2Seq":
        decoder = AttentionDecoder(
            attention_units=hparams.attention.dim,
            attention_type=hparams.attention.score_type,
            **decoder_arguments,
            name="decoder",
        )
    else:
        decoder = BasicDecoder(**decoder_arguments, name="decoder")
    bridge_type = hparams.bridge.type or _DEFAULT_BRIDGES[config.model]
    try:
        model = _MODELS[config.model](
            source_vocabulary_size,
            target_vocabulary_size,
            embedding_dim=hparams.embedding.dim,
            share_embeddings=hparams.embedding.share,
            encoder=encoder,
            bridge=_BRIDGES[bridge_type](decoder.state_sizes, dtype=config.dtype, name="bridge"),
            decoder=decoder,
            tie_output=hparams.embedding.tie_output,
            word_dropout=hparams.embedding.word_dropout,
            dtype=config.dtype,
        )
    except ValueError as error:
        raise UserError(f"the model cannot be built: {error}") from error
    teacher = hparams.decoder.teacher_forcing
    if teacher.decay_type is not None:
        model.teacher_forcing = TeacherForcing(
            teacher.decay_type, teacher.decay_steps, teacher.min_probability
        )
    embedding = hparams.embedding
    if embedding.freeze:
        model.source_embedding.trainable = embedding.source_file is None
        if not embedding.share:
            model.target_embedding.trainable = embedding.target_file is None
    return model


def _cell_arguments(cell: RnnCellOptions) -> dict:
    return {
        "num_units": cell.num_units,
        "cell_type": cell.type,
        "num_layers": cell.num_layers,
        "input_dropout": 1.0 - cell.dropout_input_keep_prob,
        "output_dropout": 1.0 - cell.dropout_output_keep_prob,
        "residual_connections": cell.residual_connections,
        "variational_dropout": cell.variational_dropout,
        "layer_normalization": cell.layer_normalization,
    }
