"""Prints docs/hyperparameters.md."""

from keras_seq2seq.config import describe_hparams

INTRODUCTION = """\
# Hyper-parameters

What `keras-seq2seq train --hparams="name=value, name=value"` takes, and what stands under
`hparams:` in a `--config` file. The names are those of google/seq2seq. A name that is not here, a
value of another type and an option that the others leave without effect are errors.

`rnn_cell.*` holds for both sides; `encoder.rnn_cell.*` and `decoder.rnn_cell.*` override it for
one. (This page is made by docs/make_hyperparameters.py.)

Where the defaults differ from the original's: `optimizer.learning_rate` is 1e-3 instead of 1e-4,
with which its tutorials ended far from the figures that they promised; `bridge.type` of
AttentionSeq2Seq is `dense` instead of `zero`; and embeddings start with unit variance
(`ScaledEmbedding`), which makes attention lock in within a few hundred steps rather than after
several epochs.

| name | takes | default | |
|---|---|---|---|"""


def main():
    print(INTRODUCTION)
    for option in describe_hparams():
        default = "not set" if option.default is None else str(option.default).lower()
        if isinstance(option.default, str):
            default = option.default
        print(f"| `{option.name}` | {option.type} | {default} | {option.description} |")


if __name__ == "__main__":
    main()
