"""Growth of time and memory per step with the size of the model and the batch.

    python benchmarks/growth.py --output docs/images/growth.png

This takes about half an hour; `--axes length,units` only measures the given quantities. Starting
from a base model and batch, one quantity is varied at a time. Each point is measured in its own
process, on random ids, with the code that users run for training or decoding. Each process also
measures the current speed of matrix products. The floor is the time that the matrix products of
the step take at this speed. Their floating-point operations are counted by hand; a training step
counts as three forward passes. On a busy machine, compare CPU times, which also have a floor.
"""

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time

import click
from measuring import in_own_process, median, own_peak_mb, print_json, print_table, use_cores


@dataclass(frozen=True)
class Point:
    """A model and a batch to measure.

    Attributes:
        length: The number of tokens per sentence on both sides.
        units: The number of units of encoder, decoder, attention and embeddings.
        layers: The number of layers of encoder and decoder.
        vocabulary: The size of both vocabularies, including special tokens.
        batch: The batch size.
        beam: 0 to measure a training step; otherwise the beam width, to measure one time step of
            decoding.
        lines: 0 to train on a single batch; otherwise the number of lines in the training files.
        steps: The number of timed steps.
    """

    length: int = 15
    units: int = 256
    layers: int = 1
    vocabulary: int = 8000
    batch: int = 64
    beam: int = 0
    lines: int = 0
    steps: int = 20


AXES = {
    "length": (5, 10, 20, 40, 80),
    "units": (64, 128, 256, 512, 1024),
    "layers": (1, 2, 3, 4),
    "vocabulary": (1000, 4000, 16000, 64000),
    "batch": (8, 16, 32, 64, 128, 256),
    "beam": (1, 2, 5, 10, 20),
    "lines": (1000, 10_000, 100_000, 1_000_000),
}
UNITS = {"length": "tokens", "beam": "hypotheses", "lines": "lines of text"}

# Steps that are not timed, for tracing and for the memory allocator to settle.
_WARM_UP = 5


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--output", type=click.Path(dir_okay=False), help="PNG file of the plot.")
@click.option("--axes", default=",".join(AXES), show_default=True)
@click.option("--steps", default=Point.steps, show_default=True, help="Timed steps.")
@click.option("--threads", default=2, show_default=True)
@click.option("--child", hidden=True)
def main(output, axes, steps, threads, child):
    if child:
        print(json.dumps(measure(Point(**json.loads(child)))))
        return
    use_cores(threads)
    axes = axes.split(",")
    if unknown := set(axes) - set(AXES):
        raise click.UsageError(f"unknown axis {', '.join(unknown)}; choose from {', '.join(AXES)}")
    figures = {axis: [measure_point(axis, value, steps) for value in AXES[axis]] for axis in axes}
    for axis in axes:
        report(axis, figures[axis])
    if output:
        draw(output, figures)
    print_json("growth", base=asdict(Point()), **figures)


def measure_point(axis: str, value: int, steps: int) -> dict:
    point = replace(Point(steps=steps), **{axis: value})
    figure = in_own_process(__file__, asdict(point))
    floor_ms = 1e3 * matrix_gflop(point) / figure["gflop_per_second"]
    cpu_floor_ms = 1e3 * matrix_gflop(point) / figure["gflop_per_cpu_second"]
    figure = {"value": value, **figure, "floor_ms": floor_ms, "cpu_floor_ms": cpu_floor_ms}
    click.echo(f"{axis}: {figure}", err=True)
    return figure


def report(axis, rows):
    columns = ("step_ms", "floor_ms", "cpu_step_ms", "cpu_floor_ms", "gflop_per_second", "peak_mb")
    header = ("step ms", "floor ms", "CPU ms", "CPU floor ms", "machine GFLOP/s", "peak MB")
    print_table(
        f"Growth with {axis}",
        (axis, *header, "step/floor", "CPU step/floor"),
        (
            (
                f"{row['value']:,}",
                *(row[column] for column in columns),
                row["step_ms"] / row["floor_ms"],
                row["cpu_step_ms"] / row["cpu_floor_ms"],
            )
            for row in rows
        ),
    )


def draw(path, figures):
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    figure = Figure(figsize=(2.6 * len(figures), 5.2), layout="constrained")
    panels = figure.subplots(2, len(figures), squeeze=False)
    for column, (axis, rows) in enumerate(figures.items()):
        time, memory = panels[:, column]
        values = [row["value"] for row in rows]
        labels = [f"{value:,}".replace(",000,000", "M").replace(",000", "k") for value in values]
        time.plot(values, [row["step_ms"] for row in rows], "o-", label="measured")
        time.plot(values, [row["floor_ms"] for row in rows], "--", label="matrix products")
        times = [row[name] for row in rows for name in ("step_ms", "floor_ms")]
        time.set(title=axis, yscale="log", ylim=(min(times) / 2, max(times) * 1.5))
        time.yaxis.set(
            major_locator=LogLocator(subs=(1, 2, 5)),
            major_formatter="{x:g}",
            minor_locator=NullLocator(),
        )
        memory.plot(values, [row["peak_mb"] for row in rows], "o-")
        highest = max(row["peak_mb"] for row in rows)
        memory.set(xlabel=UNITS.get(axis, axis), ylim=(0, 1.1 * highest))
        for panel in (time, memory):
            panel.set_xscale("log")
            panel.set_xticks(values, labels)
            panel.minorticks_off()
    panels[0, 0].set_ylabel("ms per step")
    panels[0, 0].legend(loc="lower right")
    panels[1, 0].set_ylabel("peak memory, MB")
    figure.savefig(path, dpi=100)


def matrix_gflop(point: Point) -> float:
    """Returns the floating-point operations of the matrix products of a step, in billions."""
    units, length, batch = point.units, point.length, point.batch
    gates, context = 3 * units, 2 * units
    tokens = length * batch

    def product(rows, inner, columns):
        return 2 * rows * inner * columns

    encoder = product(tokens, context, units)  # keys
    for layer in range(point.layers):
        inputs = units if layer == 0 else context
        encoder += 2 * product(tokens, inputs + units, gates)
    cells = product(1, units + context + units, gates)
    cells += (point.layers - 1) * product(1, 2 * units, gates)
    attention = product(1, units, units) + product(length, units, 1) + product(length, context, 1)
    output = product(1, units + context, units) + product(1, units, point.vocabulary)
    decoder = cells + attention + output  # per token
    if point.beam:
        return batch * point.beam * decoder / 1e9
    return 3 * (encoder + tokens * decoder) / 1e9


def measure(point: Point) -> dict:
    """Measures a point in this process, with TensorFlow configured like in the commands."""
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    before, cpu_before = gflop_per_second()
    seconds, cpu_seconds = (decode if point.beam else train)(point)
    after, cpu_after = gflop_per_second()
    return {
        "step_ms": 1e3 * seconds,
        "cpu_step_ms": 1e3 * cpu_seconds,
        "gflop_per_second": (before + after) / 2,
        "gflop_per_cpu_second": (cpu_before + cpu_after) / 2,
        "peak_mb": own_peak_mb(),
    }


def gflop_per_second(size: int = 1024, repeats: int = 20) -> tuple[float, float]:
    """Returns the speed of float32 matrix products in wall-clock and in CPU time."""
    import tensorflow as tf

    left, right = tf.random.normal((2, size, size))
    matmul = tf.function(tf.matmul)
    matmul(left, right).numpy()
    clock = [(perf_counter(), process_time())]
    for _ in range(repeats):
        matmul(left, right).numpy()
        clock.append((perf_counter(), process_time()))
    seconds, cpu_seconds = typical(clock)
    return 2 * size**3 / seconds / 1e9, 2 * size**3 / cpu_seconds / 1e9


def typical(clock: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns the median wall-clock and the mean CPU seconds between readings."""
    seconds = [later - earlier for (earlier, _), (later, _) in pairwise(clock)]
    return median(seconds), (clock[-1][1] - clock[0][1]) / len(seconds)


def train(point: Point) -> tuple[float, float]:
    """Returns the wall-clock and CPU seconds of a training step."""
    import keras

    from keras_seq2seq import FusedAdam, MaskedCrossEntropy

    model = build(point)
    model.compile(FusedAdam(1e-3, global_clipnorm=1.0), loss=MaskedCrossEntropy())
    clock = []

    def tick(batch, logs):
        clock.append((perf_counter(), process_time()))

    with tempfile.TemporaryDirectory() as folder:
        model.fit(
            batches_from_files(point, Path(folder)) if point.lines else one_batch(point),
            steps_per_epoch=_WARM_UP + point.steps,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=tick)],
            verbose=0,
        )
    return typical(clock[_WARM_UP - 1 :])


def decode(point: Point) -> tuple[float, float]:
    """Returns the wall-clock and CPU seconds of a time step of decoding a batch."""
    import tensorflow as tf

    from keras_seq2seq.decoding import BeamSearch, GreedySearch

    # A fixed length, so that no hypothesis ends early.
    search = (
        GreedySearch(max_length=point.length, min_length=point.length)
        if point.beam == 1
        else BeamSearch(point.beam, max_length=point.length, min_length=point.length)
    )
    model = build(point)
    source_ids = random_ids(point)

    @tf.function
    def run():
        memory, states = model.encode(source_ids)
        return search(model.decode_step, states, memory)

    run()
    clock = [(perf_counter(), process_time())]
    for _ in range(max(1, point.steps // 4)):
        run().ids.numpy()
        clock.append((perf_counter(), process_time()))
    seconds, cpu_seconds = typical(clock)
    return seconds / point.length, cpu_seconds / point.length


def build(point: Point):
    from keras_seq2seq import AttentionSeq2Seq

    return AttentionSeq2Seq(
        point.vocabulary,
        point.vocabulary,
        num_units=point.units,
        num_layers=point.layers,
        cell="GRUCell",
        dropout=0.2,
    )


def random_ids(point: Point):
    import numpy as np

    ids = np.random.default_rng(0).integers(4, point.vocabulary, (point.batch, point.length))
    return ids.astype("int32")


def one_batch(point: Point):
    import tensorflow as tf

    ids = random_ids(point)
    element = ({"source_ids": ids, "target_ids": ids}, ids)
    return tf.data.Dataset.from_tensors(element).repeat()


def batches_from_files(point: Point, folder: Path):
    """Returns batches of random text with lines of constant length, including the end token."""
    import numpy as np

    from keras_seq2seq import Vocabulary, make_dataset

    words = np.array([f"word{number}" for number in range(point.vocabulary - 4)])
    vocabulary = Vocabulary.build([words.tolist()])
    random = np.random.default_rng(0)
    path = folder / "text"
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(point.lines):
            file.write(" ".join(random.choice(words, point.length - 1)) + "\n")
    return make_dataset(
        path, path, vocabulary, vocabulary, batch_size=point.batch, shuffle=True, epochs=None
    )


if __name__ == "__main__":
    main()
