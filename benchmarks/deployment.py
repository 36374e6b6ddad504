"""Latency, start-up and throughput of exported models, compared with `Translator` and CTranslate2.

All systems have random weights, a vocabulary of the same size, and translations of the same forced
length, so that only speed is compared. CTranslate2 runs Transformers of 256 units in int8.

    pip install ctranslate2==4.8.0
    python benchmarks/deployment.py
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

VOCABULARY = 8_000
UNITS = 256
LENGTH = 10  # Tokens of each sentence and of each translation, without the end token.
TOKENS = [f"w{number}" for number in range(VOCABULARY)]
SENTENCES = [
    " ".join(np.random.default_rng(seed).choice(TOKENS, LENGTH).tolist()) for seed in range(400)
]


def write_our_models(directory: Path):
    """Writes a model directory, and its exports for greedy search and beam search."""
    import keras

    from keras_seq2seq import AttentionSeq2Seq, BeamSearch, GreedySearch, Translator, Vocabulary

    keras.utils.set_random_seed(1)
    vocabulary = Vocabulary(TOKENS)
    model = AttentionSeq2Seq(
        len(vocabulary), len(vocabulary), num_units=UNITS, cell="GRUCell", tie_output=True
    )
    lengths = {"max_length": LENGTH + 1, "min_length": LENGTH + 1}
    for name, search in (
        ("greedy", GreedySearch(**lengths)),
        ("beam", BeamSearch(width=5, **lengths)),
    ):
        translator = Translator(model, vocabulary, vocabulary, search=search, frozen_weights=True)
        translator.save(directory / f"{name}-model")
        translator.export(directory / f"{name}-int8", quantize="int8")


def write_transformer(directory: Path, encoder_layers: int, decoder_layers: int):
    """Writes a CTranslate2 model with random weights in int8."""
    from ctranslate2.specs import TransformerSpec

    spec = TransformerSpec.from_config((encoder_layers, decoder_layers), num_heads=8)
    random = np.random.default_rng(1)

    def normal(*shape):
        return random.normal(0, shape[-1] ** -0.5, shape).astype("float32")

    def fill_linear(linear, outputs, inputs):
        linear.weight, linear.bias = normal(outputs, inputs), normal(outputs)

    def fill_norm(norm):
        norm.gamma, norm.beta = np.ones(UNITS, "float32"), np.zeros(UNITS, "float32")

    def fill_attention(attention, sizes):
        fill_norm(attention.layer_norm)
        for linear, outputs in zip(attention.linear, sizes, strict=True):
            fill_linear(linear, outputs, UNITS)

    for side, layers in ((spec.encoder, spec.encoder.layer), (spec.decoder, spec.decoder.layer)):
        embeddings = side.embeddings
        embeddings = embeddings[0] if isinstance(embeddings, list) else embeddings
        embeddings.weight = normal(VOCABULARY + 3, UNITS)
        fill_norm(side.layer_norm)
        for layer in layers:
            fill_attention(layer.self_attention, (3 * UNITS, UNITS))
            if side is spec.decoder:
                fill_attention(layer.attention, (UNITS, 2 * UNITS, UNITS))
            fill_norm(layer.ffn.layer_norm)
            fill_linear(layer.ffn.linear_0, 4 * UNITS, UNITS)
            fill_linear(layer.ffn.linear_1, UNITS, 4 * UNITS)
    fill_linear(spec.decoder.projection, VOCABULARY + 3, UNITS)
    spec.register_source_vocabulary(["<unk>", "<s>", "</s>", *TOKENS])
    spec.register_target_vocabulary(["<unk>", "<s>", "</s>", *TOKENS])
    spec.validate()
    spec.optimize(quantization="int8")
    directory.mkdir()
    spec.save(str(directory))


def load(system: str, path: Path, beam: int, threads: int):
    """Returns a function that translates a list of sentences."""
    if system == "Translator":
        from keras_seq2seq import Translator

        return Translator.load(path)
    if system == "export":
        from keras_seq2seq.runtime import Translator as ExportedTranslator

        return ExportedTranslator(path, num_workers=threads)
    import ctranslate2

    translator = ctranslate2.Translator(
        str(path), compute_type="int8", inter_threads=threads, intra_threads=1
    )

    def translate(sentences):
        results = translator.translate_batch(
            [sentence.split() for sentence in sentences],
            beam_size=beam,
            max_batch_size=32,
            min_decoding_length=LENGTH,
            max_decoding_length=LENGTH,
        )
        return [" ".join(result.hypotheses[0]) for result in results]

    return translate


def measure(system: str, path: Path, beam: int, threads: int):
    """Prints start-up, latency and throughput of one system, in a separate process."""
    started = time.perf_counter()
    translate = load(system, path, beam, threads)
    translate(SENTENCES[:1])
    startup = time.perf_counter() - started
    for sentence in SENTENCES[:50]:
        translate([sentence])
    times = []
    for sentence in SENTENCES:
        begin = time.perf_counter()
        (text,) = translate([sentence])
        times.append(time.perf_counter() - begin)
        if len(text.split()) != LENGTH:
            sys.exit(f"{system}: {text}")
    translate(SENTENCES)
    begin = time.perf_counter()
    for _ in range(5):
        translate(SENTENCES)
    throughput = 5 * len(SENTENCES) / (time.perf_counter() - begin)
    p50, p99 = np.percentile(times, (50, 99)) * 1e3
    print(f"{startup:.3f} {p50:.3f} {p99:.3f} {throughput:.0f}")


def run(system: str, path: Path, beam: int, threads: int) -> list[float]:
    # Python may cache compiled modules, as it does those of installed packages.
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.run(
        [sys.executable, __file__, "--measure", system, str(path), str(beam), str(threads)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        sys.exit(process.stderr)
    return list(map(float, process.stdout.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        system, path, beam, threads = options.measure
        measure(system, Path(path), int(beam), int(threads))
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_our_models(directory)
        for decoder_layers in (3, 1):
            write_transformer(directory / f"ct2-3+{decoder_layers}", 3, decoder_layers)
        for beam, search in ((1, "greedy"), (5, "beam")):
            systems = {
                "exported, int8": ("export", directory / f"{search}-int8"),
                "Translator": ("Translator", directory / f"{search}-model"),
                "CTranslate2 3+3": ("CTranslate2", directory / "ct2-3+3"),
                "CTranslate2 3+1": ("CTranslate2", directory / "ct2-3+1"),
            }
            # All systems take turns, so that a busy machine slows them all down.
            rounds = [
                {label: run(*system, beam, 2) for label, system in systems.items()}
                for _ in range(options.rounds)
            ]
            print(f"\n{search}: start-up s, p50 ms, p99 ms, sentences/s on 2 threads")
            best = {
                label: [
                    (max if column == 3 else min)(found[label][column] for found in rounds)
                    for column in range(4)
                ]
                for label in systems
            }
            ours = best["exported, int8"]
            for label, values in best.items():
                ratios = [value / own for value, own in zip(values, ours, strict=True)]
                ratios[3] = 1 / ratios[3]
                print(
                    f"{label:16} {values[0]:7.2f} {values[1]:7.2f} {values[2]:7.2f} "
                    f"{values[3]:7.0f}   ours is faster by "
                    + " ".join(f"{ratio:.2f}" for ratio in ratios)
                )


if __name__ == "__main__":
    main()
