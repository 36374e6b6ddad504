"""Trains an AttentionSeq2Seq model with the Keras API.

keras-seq2seq data reverse data
python examples/train_in_python.py data
"""

import argparse
from pathlib import Path

from keras_seq2seq import (
    AttentionSeq2Seq,
    FusedAdam,
    MaskedCrossEntropy,
    Translator,
    Vocabulary,
    make_dataset,
)


def main(directory: Path, epochs: int, steps_per_epoch: int):
    source = Vocabulary.load(directory / "vocab.sources.txt")
    target = Vocabulary.load(directory / "vocab.targets.txt")
    train = make_dataset(
        directory / "train" / "sources.txt",
        directory / "train" / "targets.txt",
        source,
        target,
        batch_size=32,
        buckets=(5, 10, 15),
        shuffle=True,
        epochs=None,
    )

    model = AttentionSeq2Seq(len(source), len(target), num_units=128, cell="GRUCell")
    model.compile(FusedAdam(1e-3, global_clipnorm=5.0), loss=MaskedCrossEntropy())
    model.fit(train, steps_per_epoch=steps_per_epoch, epochs=epochs, shuffle=False)

    translator = Translator(model, source, target)
    print(translator(["1 2 3 4 5"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="created by `keras-seq2seq data reverse`")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--steps_per_epoch", type=int, default=300)
    main(**vars(parser.parse_args()))
