"""From a configuration to an untrained model, its optimizer and a search."""

import inspect

import keras
from keras.optimizers.schedules import LearningRateSchedule

from keras_seq2seq.backend import FusedAdam
from keras_seq2seq.config import Config, InferenceOptions, RnnCellOptions
from keras_seq2seq.config.optimizer import NEVER, ORIGINAL_DECAYS, OptimizerOptions
from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch, Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import LOWER_IS_BETTER
from keras_seq2seq.layers import CELLS, DECODERS, ENCODERS
from keras_seq2seq.models import (
    AttentionSeq2Seq,
    BasicSeq2Seq,
    MinimumRisk,
    Seq2Seq,
    TeacherForcing,
)
from keras_seq2seq.schedules import CosineDecay, DelayedDecay, InverseSquareRoot, Plateau, WarmUp
from keras_seq2seq.special_tokens import UNKNOWN_ID
from keras_seq2seq.text import Vocabulary

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
            "context_skip": hparams.decoder.context_skip,
        }
    encoder = ENCODERS[hparams.encoder.type or model_class.default_encoder](
        **_stack_options(hparams.encoder_cell),
        concat_inputs=hparams.encoder.concat_inputs,
        dtype=config.dtype,
        name="encoder",
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
    model.r_drop = hparams.optimizer.r_drop
    risk = hparams.minimum_risk
    if risk.num_samples:
        model.minimum_risk = MinimumRisk(risk.num_samples, risk.weight, risk.metric)
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


def make_learning_rate(config: Config, steps: int) -> float | LearningRateSchedule:
    """Returns the learning rate of `optimizer.learning_rate` and `optimizer.lr_*`.

    Args:
        config: The configuration.
        steps: The number of training steps of the run.

    Returns:
        A number if it is constant, otherwise a schedule. A `Plateau` is always the outermost
        schedule.

    Raises:
        UserError: If the decay would start after the end of the run.
    """
    options = config.hparams.optimizer
    schedule = _decay(config, steps)
    if options.lr_warmup_steps:
        schedule = WarmUp(schedule, options.lr_warmup_steps)
    if options.lr_decay_type == "plateau":
        metric = config.best_metric
        schedule = Plateau(
            schedule,
            factor=options.lr_plateau_factor,
            patience=options.lr_plateau_patience,
            metric=f"dev_{metric}",
            lower_is_better=metric in LOWER_IS_BETTER,
            start_at=_start(config),
            stop_at=options.lr_stop_decay_at,
            min_learning_rate=options.lr_min_learning_rate,
        )
    return schedule


def learning_rate_at(learning_rate: float | LearningRateSchedule, step: int) -> float:
    """Returns the learning rate at a step, for a result of `make_learning_rate`."""
    return float(learning_rate(step)) if callable(learning_rate) else learning_rate


def _decay(config: Config, steps: int) -> float | LearningRateSchedule:
    options = config.hparams.optimizer
    limits = {
        "start_decay_at": _start(config),
        "stop_decay_at": options.lr_stop_decay_at,
        "min_learning_rate": options.lr_min_learning_rate,
    }
    if options.lr_decay_type in ORIGINAL_DECAYS:
        return DelayedDecay(
            options.learning_rate,
            options.lr_decay_type,
            decay_steps=options.lr_decay_steps,
            decay_rate=options.lr_decay_rate,
            staircase=options.lr_staircase,
            **limits,
        )
    if options.lr_decay_type == "inverse_square_root":
        limits["start_decay_at"] = max(limits["start_decay_at"], 1)
        return InverseSquareRoot(options.learning_rate, **limits)
    if options.lr_decay_type == "cosine":
        if options.lr_stop_decay_at == NEVER:
            limits["stop_decay_at"] = steps
        if limits["start_decay_at"] >= limits["stop_decay_at"]:
            raise UserError(
                f"optimizer.lr_decay_type=cosine would start at step {limits['start_decay_at']:,}, "
                f"but the run ends at step {steps:,}; warm up for fewer steps or train longer"
            )
        return CosineDecay(options.learning_rate, **limits)
    return options.learning_rate


def _start(config: Config) -> int:
    """Returns the first step of the decay, which is not before the end of the warm-up."""
    options = config.hparams.optimizer
    return max(options.lr_start_decay_at, options.lr_warmup_steps)


# Arguments of all Keras optimizers, and the options that set them.
_OPTIONS = {
    "learning_rate": "optimizer.learning_rate",
    "global_clipnorm": "optimizer.clip_gradients",
    "clipnorm": "optimizer.clip_gradients",
    "clipvalue": "optimizer.clip_gradients",
    "gradient_accumulation_steps": "optimizer.gradient_accumulation_steps",
    "use_ema": "optimizer.ema_momentum",
    "ema_momentum": "optimizer.ema_momentum",
    "ema_overwrite_frequency": "optimizer.ema_momentum",
    "name": "optimizer.name",
}


def make_optimizer(
    options: OptimizerOptions, learning_rate: float | LearningRateSchedule
) -> keras.optimizers.Optimizer:
    """Returns the optimizer, including gradient clipping.

    Args:
        options: The options `optimizer.*`.
        learning_rate: The result of `make_learning_rate`.

    Raises:
        UserError: If Keras has no such optimizer, or if the optimizer does not accept its
            arguments.
    """
    fused = {"Adam": FusedAdam}
    optimizer_class = fused.get(options.name) or getattr(keras.optimizers, options.name, None)
    if optimizer_class is None:
        raise UserError(
            f"optimizer.name: Keras {keras.__version__} has no {options.name}; upgrade Keras"
        )
    _check_arguments(options, optimizer_class)
    accumulated = options.gradient_accumulation_steps
    try:
        optimizer = optimizer_class(
            learning_rate=learning_rate,
            global_clipnorm=options.clip_gradients or None,
            gradient_accumulation_steps=accumulated if accumulated > 1 else None,
            use_ema=options.ema_momentum > 0,
            ema_momentum=options.ema_momentum,
            **options.arguments,
        )
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"optimizer.arguments: rejected by {options.name}: {reason}") from error
    if isinstance(learning_rate, Plateau):
        # As an attribute, it is one of the variables of the optimizer. Checkpoints of earlier
        # versions contain it as such.
        optimizer.plateau_state = learning_rate.state
    return optimizer


def _check_arguments(options: OptimizerOptions, optimizer_class: type):
    parameters = inspect.signature(optimizer_class).parameters
    known = [name for name in parameters if name != "kwargs" and name not in _OPTIONS]
    for name, value in options.arguments.items():
        if name in _OPTIONS:
            raise UserError(f"optimizer.arguments.{name}: set {_OPTIONS[name]} instead")
        if name not in known:
            raise UserError(
                f"optimizer.arguments.{name}: {options.name} has no such argument; expected "
                f"one of {', '.join(known)}"
            )
        # Optimizers have no string arguments.
        if isinstance(value, str):
            raise UserError(f"optimizer.arguments.{name}: expected a number, got {value!r}")


def make_search(
    options: InferenceOptions, target_vocabulary: Vocabulary, return_tree: bool = False
) -> Search:
    """Returns the search of the options `inference.*`.

    Args:
        options: The options.
        target_vocabulary: The target vocabulary, which must contain the banned tokens.
        return_tree: Whether to return the hypotheses of all steps too, see `BeamSearch`.

    Raises:
        UserError: If a banned token is not in the vocabulary, or if `return_tree` is requested
            without beam search.
    """
    beam, sampling = options.beam_search, options.sampling
    has_beam = beam.beam_width > 1 and not options.sample
    if return_tree and not has_beam:
        raise UserError("the beam search tree needs a beam_width of at least 2 and no sample")
    constraints = {
        "max_length": options.max_decode_length,
        "max_length_ratio": options.max_length_ratio,
        "min_length": options.min_length,
        "min_length_ratio": options.min_length_ratio,
        "banned_ids": _banned_ids(options, target_vocabulary),
        "no_repeat_ngram_size": options.no_repeat_ngram_size,
    }
    if options.sample:
        return SamplingSearch(
            n_best=options.n_best,
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            # Draws differ between batches, but not between runs.
            seed=keras.random.SeedGenerator(sampling.seed),
            **constraints,
        )
    if has_beam:
        return BeamSearch(
            width=beam.beam_width,
            length_penalty=beam.length_penalty_weight,
            coverage_penalty=beam.coverage_penalty_weight,
            n_best=min(options.n_best, beam.beam_width),
            return_tree=return_tree,
            **constraints,
        )
    return GreedySearch(**constraints)


def _banned_ids(options: InferenceOptions, target_vocabulary: Vocabulary) -> list[int]:
    for token in options.ban:
        if token not in target_vocabulary:
            raise UserError(
                f'ban: "{token}" is not in the target vocabulary, so it is never generated'
                + ("; use ban_unk for unknown words" if token == "<unk>" else "")
            )
    unknown = [UNKNOWN_ID] if options.ban_unk else []
    return [*unknown, *target_vocabulary.to_ids(options.ban)]
