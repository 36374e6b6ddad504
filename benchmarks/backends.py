"""Training speed of the models on Keras's backends.

    python benchmarks/backends.py --source train.en.gz --target train.de.gz

This takes about five minutes on two cores. All backends train the model of `peers.py` on the same
batches, one backend at a time and each in its own process. The first round, which compiles a graph
for each batch shape, is reported separately. Tokens are target tokens, including end tokens.

The input pipeline requires TensorFlow. To run on a machine without it, save the batches to a file
on another machine:

    python benchmarks/backends.py --source ... --target ... --batches batches.npz --backends ''
    python benchmarks/backends.py --batches batches.npz --backends jax

A GPU is used if the backend finds one.
"""

import json
import os
import tempfile
from itertools import islice
from pathlib import Path
from time import perf_counter

import click
from measuring import in_own_process, median, print_json, print_table, use_cores

# Few buckets, as JAX compiles a graph for each batch shape.
BUCKETS = (10, 13, 16, 20, 27, 41)


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--source", type=click.Path(exists=True), help="Source text, plain or .gz.")
@click.option("--target", type=click.Path(exists=True), help="Target text, line-aligned.")
@click.option(
    "--batches", type=click.Path(dir_okay=False), help="File of the batches, created if missing."
)
@click.option("--backends", default="tensorflow,jax", show_default=True)
@click.option("--dtypes", default="float32", show_default=True)
@click.option("--batch_size", default=64, show_default=True)
@click.option("--units", default=256, show_default=True)
@click.option("--encoder_units", type=int, help="Units per encoder direction.  [default: --units]")
@click.option("--steps", default=50, show_default=True, help="Batches per round.")
@click.option("--rounds", default=3, show_default=True, help="Timed rounds.")
@click.option("--threads", default=2, show_default=True, help="CPU cores to use; 0 for all.")
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
                raise click.UsageError("--source and --target are required without --batches")
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
    speed = ("ms/step", "sentences/s", "target tokens/s")
    first = ("first round s", "first round loss")
    print_table("Training", (*what, *speed, *first), rows)


def write_batches(source, target, path, batch_size, steps) -> dict:
    """Writes the first batches of a shuffled text and the vocabulary sizes."""
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
    """Trains on the batches for several rounds, with the backend of this process."""
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow()
    import keras
    import numpy as np

    from keras_seq2seq import (
        AttentionDecoder,
        AttentionSeq2Seq,
        BidirectionalEncoder,
        FusedAdam,
        MaskedCrossEntropy,
    )

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
    model.compile(FusedAdam(1e-3, global_clipnorm=1.0), loss=MaskedCrossEntropy())
    seconds, losses = [], []
    for _ in range(1 + rounds):
        started = perf_counter()
        history = model.fit((batch for batch in batches), verbose=0)
        # Reading the loss waits for all steps.
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
    """Returns the version of the backend and the device."""
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
