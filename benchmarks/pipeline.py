"""Speed, padding and memory of the input pipeline.

    python benchmarks/pipeline.py --source train.en.gz --target train.de.gz

This takes about ten minutes, most of it for 10,000,000 lines, which repeat the given files and
take 1.3 GB in a temporary directory; `--memory_lines 10000,1000000` is faster. It uses two
threads like `peers.py`, so that its speed can be compared with the speed of training.
"""

import json
import tempfile
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time

import click
from measuring import in_own_process, median, own_peak_mb, print_json, print_table, use_cores

BATCH_SIZE = 64
MAX_LENGTH = 40


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--source", type=click.Path(exists=True), help="Source text, plain or .gz.")
@click.option("--target", type=click.Path(exists=True), help="Target text, line-aligned.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--epochs", default=5, show_default=True, help="Timed epochs.")
@click.option("--memory_lines", default="10000,100000,1000000,10000000", show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--child", hidden=True)
def main(source, target, rounds, epochs, memory_lines, threads, child):
    if child:
        print(json.dumps(measure(**json.loads(child))))
        return
    if not source or not target:
        raise click.UsageError("--source and --target are required")
    use_cores(threads)
    files = {"source": source, "target": target, "vocabularies_of": (source, target)}
    buckets = propose(source, target)
    variants = {"without buckets": (), f"{len(buckets) + 1} proposed buckets": buckets}
    figures = {
        "speed": measure_speed(files, variants, rounds, epochs),
        "padding": measure_padding(files, variants),
        "memory": measure_memory(files, buckets, [int(size) for size in memory_lines.split(",")]),
    }
    print_json("pipeline", **figures)


def propose(source, target):
    """Returns the buckets that `--buckets=auto` proposes for the files."""
    from keras_seq2seq.data import propose_buckets, scan_parallel_text

    summary = scan_parallel_text(source, target, *build_encoders((source, target)))
    return propose_buckets(summary.lengths, BATCH_SIZE)


def build_encoders(paths):
    """Returns a text encoder for each file, with the words that occur at least twice."""
    from keras_seq2seq import TextEncoder, Vocabulary
    from keras_seq2seq.files import read_lines

    vocabularies = [
        Vocabulary.build((line.split() for line in read_lines(path)), min_frequency=2)
        for path in paths
    ]
    return [TextEncoder(vocabulary, MAX_LENGTH) for vocabulary in vocabularies]


def measure_speed(files, variants, rounds, epochs):
    figures = {name: [] for name in variants}
    for _ in range(rounds):
        for name, buckets in variants.items():
            arguments = {**files, "buckets": buckets, "epochs": epochs}
            figures[name].append(in_own_process(__file__, arguments))
    rows = [
        (
            name,
            median(row["pairs"] / row["seconds"] for row in rows),
            median(row["pairs"] / row["cpu_seconds"] for row in rows),
        )
        for name, rows in figures.items()
    ]
    print_table("Speed", ("batches of 64", "line pairs/s", "line pairs/CPU s"), rows)
    return figures


def measure_padding(files, variants):
    figures = {
        name: in_own_process(__file__, {**files, "buckets": buckets, "count_padding": True})
        for name, buckets in variants.items()
    }
    rows = [
        (name, *(f"{100 * row['padding'][side]:.1f} %" for side in ("source", "target", "both")))
        for name, row in figures.items()
    ]
    print_table("Padding", ("batches of 64", "source", "target", "both"), rows)
    return figures


def measure_memory(files, buckets, sizes):
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            longer = {
                side: repeat_lines(files[side], size, Path(folder)) for side in ("source", "target")
            }
            arguments = {**files, **longer, "buckets": buckets}
            figures[size] = in_own_process(__file__, arguments)
    rows = [
        (f"{size:,}", row["peak_mb"] - row["start_mb"], row["peak_mb"], row["seconds"])
        for size, row in figures.items()
    ]
    header = ("lines", "pipeline MB", "process peak MB", "seconds")
    print_table("Memory, one epoch, shuffled", header, rows)
    return figures


def repeat_lines(path: str, size: int, folder: Path) -> str:
    """Writes a file with a given number of lines by repeating the lines of another file."""
    from keras_seq2seq.files import read_lines

    repeated = folder / Path(path).name.removesuffix(".gz")
    with open(repeated, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in islice(cycle(list(read_lines(path))), size))
    return str(repeated)


def measure(source, target, vocabularies_of, buckets, epochs=1, count_padding=False) -> dict:
    """Reads all shuffled batches and returns the time and memory used."""
    import numpy as np
    import tensorflow as tf

    from keras_seq2seq import make_dataset

    encoders = build_encoders(vocabularies_of)
    start_mb = own_peak_mb()
    dataset = make_dataset(
        source,
        target,
        *encoders,
        batch_size=BATCH_SIZE,
        buckets=[tuple(boundary) for boundary in buckets],
        shuffle=True,
        epochs=epochs,
    )

    def count(pairs, batch):
        return pairs + tf.shape(batch[1], out_type=tf.int64)[0]

    started, cpu_started = perf_counter(), process_time()
    pairs = dataset.reduce(np.int64(0), count)
    return {
        "pairs": int(pairs),
        "seconds": perf_counter() - started,
        "cpu_seconds": process_time() - cpu_started,
        "start_mb": start_mb,
        "peak_mb": own_peak_mb(),
        "padding": padding_of(dataset) if count_padding else None,
    }


def padding_of(dataset) -> dict[str, float]:
    """Returns the share of padding on each side and on both."""
    positions = {"source": 0, "target": 0}
    tokens = dict(positions)
    for features, _ in dataset.as_numpy_iterator():
        for side in positions:
            ids = features[f"{side}_ids"]
            positions[side] += ids.size
            tokens[side] += int((ids != 0).sum())
    positions["both"], tokens["both"] = sum(positions.values()), sum(tokens.values())
    return {side: 1 - tokens[side] / positions[side] for side in positions}


if __name__ == "__main__":
    main()
