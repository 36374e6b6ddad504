"""Which options have no effect, because of what others say."""

from __future__ import annotations

from keras_seq2seq.config.hyper_parameters import Attention
from keras_seq2seq.config.inference import BeamSearch, Inference, Sampling
from keras_seq2seq.config.optimizer import ORIGINAL_DECAYS
from keras_seq2seq.config.option_types import join_choices
from keras_seq2seq.config.section import Section, get_path

# The types of decay that use an option; empty for all types.
_DECAY_OPTIONS = {
    "lr_decay_steps": ORIGINAL_DECAYS,
    "lr_decay_rate": ORIGINAL_DECAYS,
    "lr_start_decay_at": (),
    "lr_stop_decay_at": (),
    "lr_min_learning_rate": (),
    "lr_staircase": ORIGINAL_DECAYS,
    "lr_plateau_factor": ("plateau",),
    "lr_plateau_patience": ("plateau",),
}


def options_without_effect(config: Section) -> dict[tuple[str, ...], str]:
    """Returns the options that do nothing in `config`.

    Returns:
        The path of each option, such as `("hparams", "attention", "dim")`, with the reason in
        words and how to mend it.
    """
    reasons = {}
    if config.model == "BasicSeq2Seq":
        for name in Attention.model_fields:
            reasons["hparams", "attention", name] = (
                "BasicSeq2Seq has no attention; leave it out or use the model AttentionSeq2Seq"
            )
    if config.hparams.decoder.teacher_forcing.decay_type is None:
        for name in ("decay_steps", "min_probability"):
            reasons["hparams", "decoder", "teacher_forcing", name] = (
                "the decoder is always told; leave it out or set decoder.teacher_forcing.decay_type"
            )
    embedding = config.hparams.embedding
    if embedding.share:
        reasons["hparams", "embedding", "target_file"] = (
            "embedding.share has one table for both sides; set embedding.source_file"
        )
    if embedding.source_file is None and embedding.target_file is None:
        reasons["hparams", "embedding", "freeze"] = (
            "there are no vectors to keep; leave it out or set embedding.source_file"
        )
    if config.init_from is None:
        reasons["init_pattern",] = "there is no model to begin with; leave it out or set init_from"
    if config.bucket_batch_sizes:
        for name in ("batch_size", "batch_type"):
            reasons[name,] = "bucket_batch_sizes says it all; leave out one of the two"
    decay_type = config.hparams.optimizer.lr_decay_type
    for name, types in _DECAY_OPTIONS.items():
        if decay_type is None:
            reasons["hparams", "optimizer", name] = (
                "the learning rate is constant; leave it out or set optimizer.lr_decay_type"
            )
        elif types and decay_type not in types:
            reasons["hparams", "optimizer", name] = (
                f"it is not used by {decay_type}; leave it out or set optimizer.lr_decay_type to "
                f"{join_choices(types)}"
            )
    inference = config.hparams.inference
    for path, reason in inference_options_without_effect(inference, config.model).items():
        # What an option of decoding says by default does no harm where it is said again, as
        # files of google/seq2seq do.
        if get_path(inference, path) != get_path(Inference(), path):
            reasons[("hparams", "inference", *path)] = reason
    if config.keep_checkpoint_max == 0:
        reasons[("keep_checkpoint_every_n_hours",)] = (
            "all checkpoints are kept; leave it out or set keep_checkpoint_max"
        )
    return reasons


def inference_options_without_effect(
    inference: Inference, model: str
) -> dict[tuple[str, ...], str]:
    """Returns the options of decoding that do nothing, whatever their values.

    Args:
        inference: All options of decoding.
        model: The name of the model.

    Returns:
        The path of each option, such as `("sampling", "top_k")`, with the reason in words.
    """
    reasons = {}
    width = inference.beam_search.beam_width
    if inference.sample:
        for name in BeamSearch.model_fields:
            reasons["beam_search", name] = "sample draws at random, without a beam"
    else:
        for name in Sampling.model_fields:
            reasons["sampling", name] = "it needs sample"
        if width <= 1:
            for name in set(BeamSearch.model_fields) - {"beam_width"}:
                reasons["beam_search", name] = "it needs a beam_width of at least 2"
        if inference.n_best > max(width, 1):
            reasons["n_best",] = f"it needs sample, or a beam_width of at least {inference.n_best}"
    if inference.min_length > inference.max_decode_length:
        reasons["min_length",] = f"the greatest length is {inference.max_decode_length}"
    if inference.ban_unk:
        reasons["unk_replace",] = "ban_unk lets no unknown word be written"
    if model == "BasicSeq2Seq":
        for path in (("beam_search", "coverage_penalty_weight"), ("unk_replace",)):
            reasons[path] = "BasicSeq2Seq has no attention"
    return reasons
