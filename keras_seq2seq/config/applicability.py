"""Which options have no effect, because of what others say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_seq2seq.config.hyper_parameters import Attention
from keras_seq2seq.config.optimizer import Optimizer

if TYPE_CHECKING:
    from keras_seq2seq.config.config import Config

_DECAY_OPTIONS = [
    name for name in Optimizer.model_fields if name.startswith("lr_") and name != "lr_decay_type"
]


def options_without_effect(config: Config) -> dict[tuple[str, ...], str]:
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
    if config.hparams.optimizer.lr_decay_type is None:
        for name in _DECAY_OPTIONS:
            reasons["hparams", "optimizer", name] = (
                "the learning rate is constant; leave it out or set optimizer.lr_decay_type"
            )
    return reasons
