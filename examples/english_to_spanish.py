"""Translates English to Spanish: the task and data of Keras's tutorial, with this package.

https://keras.io/examples/nlp/neural_machine_translation_with_transformer/

Extract spa.txt from http://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip. Any
other file works too if each of its lines has an English sentence, a tab and the translation.

python examples/english_to_spanish.py spa-eng/spa.txt
"""

import argparse
import re
from pathlib import Path

import keras

from keras_seq2seq import (
    AttentionSeq2Seq,
    BeamSearch,
    FusedAdam,
    MaskedCrossEntropy,
    Translator,
    WhitespaceTokenizer,
    make_dataset,
    split_pairs,
)
from keras_seq2seq.evaluation import evaluate


def standardize(text: str) -> str:
    """Converts to lowercase, and separates punctuation from words."""
    return re.sub(r"([^\w\s'])", r" \1 ", text.lower())


def main(file: Path, num_units: int, epochs: int):
    lines = standardize(file.read_text(encoding="utf-8")).splitlines()
    english, spanish = zip(*(line.split("\t")[:2] for line in lines), strict=True)
    train, dev = split_pairs(english, spanish, dev_size=0.1, seed=1)

    source = WhitespaceTokenizer.build(train.sources, size=15_000)
    target = WhitespaceTokenizer.build(train.targets, size=15_000)
    train_data = make_dataset(*train, source, target, batch_size=64, buckets="auto", shuffle=True)
    dev_data = make_dataset(*dev, source, target, batch_size=64)

    keras.utils.set_random_seed(1)
    sizes = source.vocabulary_size(), target.vocabulary_size()
    model = AttentionSeq2Seq(*sizes, num_units=num_units, cell="GRUCell", dropout=0.2)
    model.compile(FusedAdam(2e-3, global_clipnorm=5.0), loss=MaskedCrossEntropy())
    model.fit(train_data, validation_data=dev_data, epochs=epochs)

    translator = Translator(model, source, target, search=BeamSearch(width=5, max_length=40))
    translations = translator(dev.sources[:1_000])
    for pair in zip(dev.sources[:10], translations, strict=False):
        print(" -> ".join(pair))
    print(f"BLEU {evaluate(translations, dev.targets[:1_000], 'bleu')['bleu'].value:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="English and Spanish sentences, separated by tabs")
    parser.add_argument("--num_units", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=10)
    main(**vars(parser.parse_args()))
