"""From a configuration to an untrained model."""

from keras_seq2seq.config import Config, RnnCellOptions
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import CELLS, DECODERS, ENCODERS
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, Seq2Seq, TeacherForcing

_MODELS = {"AttentionSeq2Seq": AttentionSeq2Seq, "BasicSeq2Seq": BasicSeq2Seq}


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
    hparams, model_class = config.hparams, _MODELS[config.model]
    attention = {}
    if config.model == "AttentionSeq2Seq":
        attention = {
            "attention": hparams.attention.score_type,
            "attention_units": hparams.attention.dim,
        }
    encoder = ENCODERS[hparams.encoder.type or model_class.default_encoder](
        **_stack_options(hparams.encoder_cell), dtype=config.dtype, name="encoder"
    )
    decoder = DECODERS[model_class.default_decoder](
        **_stack_options(hparams.decoder_cell), **attention, dtype=config.dtype, name="decoder"
    )
    try:
        model = model_class(
            source_vocabulary_size,
            target_vocabulary_size,
            embedding_dim=hparams.embedding.dim,
            share_embeddings=hparams.embedding.share,
            encoder=encoder,
            decoder=decoder,
            bridge=hparams.bridge.type,
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


def _stack_options(options: RnnCellOptions) -> dict:
    """Returns the arguments of an encoder or a decoder that `rnn_cell.*` describes."""
    cell = CELLS[options.type](options.num_units, layer_normalization=options.layer_normalization)
    return {
        "cell": cell,
        "num_layers": options.num_layers,
        "input_dropout": 1.0 - options.dropout_input_keep_prob,
        "output_dropout": 1.0 - options.dropout_output_keep_prob,
        "residual_connections": options.residual_connections,
        "variational_dropout": options.variational_dropout,
    }
