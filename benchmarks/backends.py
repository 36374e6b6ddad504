"""Training speed of the layers and models on each of Keras' backends.

    python benchmarks/backends.py --source train.en.gz --target train.de.gz

takes about five minutes on two cores. All backends are given the same batches, of the model and
the text of `peers.py`, one after the other and each in a process of its own: once to compile, once
for each shape of a batch, and then again by `model.fit`, which is timed. Tokens are real target
tokens, end token included.

The input pipeline needs TensorFlow; where that is missing, `--batches` is a file of batches that
the same flag has written where it is not:

    python benchmarks/backends.py --source ... --target ... --batches batches.npz --backends ''
    python benchmarks/backends.py --batches batches.npz --backends jax

It runs on a GPU if the backend finds one.
"""

import json
import os
import tempfile
from itertools import islice
from pathlib import Path
from time import perf_counter

import click
from measuring import in_own_process, median, print_json, print_table, use_cores

# Few, since JAX compiles each shape.
BUCKETS = (10, 13, 16, 20, 27, 41)


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--source", type=click.Path(exists=True), help="Text, plain or .gz.")
@click.option("--target", type=click.Path(exists=True), help="What belongs to it.")
@click.option("--batches", type=click.Path(dir_okay=False), help="File to keep the batches in.")
@click.option("--backends", default="tensorflow,jax", show_default=True)
@click.option("--dtypes", default="float32", show_default=True)
@click.option("--batch_size", default=64, show_default=True)
@click.option("--units", default=256, show_default=True)
@click.option("--encoder_units", type=int, help="Of a direction; the same unless given.")
@click.option("--steps", default=50, show_default=True, help="Batches in a round.")
@click.option("--rounds", default=3, show_default=True, help="How often these are timed.")
@click.option("--threads", default=2, show_default=True, help="0 for all.")
@click.option("--child", hidden=True)
def main(source, target, batches, backends, dtypes, rounds, threads, child, **options):
    if child:
        arguments = json.loads(child)
        print(json.dumps(globals()[arguments.pop("function")](**arguments)))
        return
    if threads:
        use_cores(threads)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(batches or Path(folder) / "batches.npz")
        if not path.exists():
            if not source or not target:
                raise click.UsageError("--source and --target are missing")
            write = {"function": "write_batches", "source": source, "target": target}
            sizes = {name: options[name] for name in ("batch_size", "steps")}
            in_own_process(__file__, {**write, "path": str(path), **sizes})
        figures = [
            in_own_process(
                __file__,
                {
                    "function": "train",
                    "path": str(path),
                    "dtype": dtype,
                    "units": options["units"],
                    "encoder_units": options["encoder_units"] or options["units"],
                    "rounds": rounds,
                },
                KERAS_BACKEND=backend,
            )
            for backend in filter(None, backends.split(","))
            for dtype in dtypes.split(",")
        ]
    if figures:
        report(figures)
    print_json("backends", figures=figures)


def report(figures):
    rows = [
        (
            f"{row['backend']} {row['version']}",
            row["device"],
            row["dtype"],
            row["batch_size"],
            1e3 * median(row["seconds"]) / row["steps"],
            row["sentences"] / median(row["seconds"]),
            row["tokens"] / median(row["seconds"]),
            row["compile_seconds"],
            row["loss"],
        )
        for row in figures
    ]
    what = ("backend", "device", "dtype", "batch")
    speed = ("ms a step", "sentences/s", "target tokens/s")
    first = ("s of the first round", "its loss")
    print_table("Training", (*what, *speed, *first), rows)


def write_batches(source, target, path, batch_size, steps) -> dict:
    """Writes the first batches of a shuffled text, and the sizes of the vocabularies."""
    import numpy as np

    from keras_seq2seq import Vocabulary, make_dataset
    from keras_seq2seq.files import read_lines

    vocabularies = [
        Vocabulary.build((line.split() for line in read_lines(file)), min_frequency=2)
        for file in (source, target)
    ]
    shape = {"batch_size": batch_size, "buckets": BUCKETS}
    dataset = make_dataset(source, target, *vocabularies, **shape, shuffle=True, epochs=None)
    arrays = {"vocabulary_sizes": np.array([len(vocabulary) for vocabulary in vocabularies])}
    for number, (inputs, labels) in enumerate(islice(dataset.as_numpy_iterator(), steps)):
        arrays |= {f"{name}_{number}": ids for name, ids in {**inputs, "labels": labels}.items()}
    np.savez_compressed(path, **arrays)
    return {}


def train(path, dtype, units, encoder_units, rounds) -> dict:
    """Trains on the batches, round by round, with the backend of this process."""
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow()
    import keras
    import numpy as np

    from keras_seq2seq import (
        AttentionDecoder,
        AttentionSeq2Seq,
        BidirectionalEncoder,
        MaskedCrossEntropy,
    )
    from keras_seq2seq.backend import Adam

    with np.load(path) as file:
        arrays = dict(file)
    source_size, target_size = map(int, arrays.pop("vocabulary_sizes"))
    batches = [
        (
            {name: arrays[f"{name}_{number}"] for name in ("source_ids", "target_ids")},
            arrays[f"labels_{number}"],
        )
        for number in range(len(arrays) // 3)
    ]
    keras.utils.set_random_seed(0)
    shape = {"cell": "GRUCell", "input_dropout": 0.2, "output_dropout": 0.2, "dtype": dtype}
    model = AttentionSeq2Seq(
        source_size,
        target_size,
        embedding_dim=units,
        encoder=BidirectionalEncoder(encoder_units, **shape),
        decoder=AttentionDecoder(units, **shape),
        dtype=dtype,
    )
    model.compile(Adam(1e-3, global_clipnorm=1.0), loss=MaskedCrossEntropy())
    seconds, losses = [], []
    for _ in range(1 + rounds):
        started = perf_counter()
        history = model.fit((batch for batch in batches), verbose=0)
        # The loss is a number by now, so that all steps have been taken.
        losses += history.history["loss"]
        seconds.append(perf_counter() - started)
    compile_seconds, *seconds = seconds
    return {
        "backend": keras.backend.backend(),
        **describe_device(),
        "dtype": dtype,
        "units": units,
        "encoder_units": encoder_units,
        "batch_size": len(batches[0][1]),
        "steps": len(batches),
        "sentences": sum(len(labels) for _, labels in batches),
        "tokens": int(sum(np.count_nonzero(labels) for _, labels in batches)),
        "compile_seconds": compile_seconds,
        "seconds": seconds,
        "loss": losses[0],
    }


def describe_device() -> dict:
    """Returns the backend's version and what it runs on."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return {"version": jax.__version__, "device": jax.devices()[0].device_kind}
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]
    return {"version": tf.__version__, "device": names[0] if names else "cpu"}


if __name__ == "__main__":
    main()
