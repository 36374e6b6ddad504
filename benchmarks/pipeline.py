"""Speed, padding and memory of the input pipeline, from text and from prepared records.

    python benchmarks/pipeline.py --source train.en.gz --target train.de.gz

This takes about an hour, most of it for 10,000,000 lines, which repeat the given files and take
2 GB in a temporary directory; `--memory_lines 10000,1000000` is faster. It uses two threads like
`peers.py`, so that its speed can be compared with the speed of training.

Tables: pairs per second and per CPU second with each tokenizer, from text and from prepared
records, compared with what training consumes (a GRU of 256 units, batches of 64); padding; memory
of one shuffled epoch; and, for prepared records, the time until the first batch of a run that is
resumed at the end of the epoch. Rates per CPU second hardly depend on other load.

The script exits with status 1 if the pipeline delivers less than 10 times what training consumes,
if records are less than 5 times as fast as text, if the memory of the pipeline grows by more than
50 MB after 1,000,000 lines, or if resuming takes more than 10 s.
"""

import json
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time

import click
from measuring import in_own_process, median, own_peak_mb, print_json, print_table, use_cores

BATCH_SIZE = 64
MAX_LENGTH = 40
TOKENIZERS = ("whitespace", "words", "sentencepiece", "characters", "bytes")
TRAINING_STEPS = 20
UNITS = 256

# What the script checks.
TIMES_TRAINING = 10
TIMES_TEXT = 5
GROWTH_MB = 50
RESUME_SECONDS = 10


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
        arguments = json.loads(child)
        print(json.dumps(JOBS[arguments.pop("job")](**arguments)))
        return
    if not source or not target:
        raise click.UsageError("--source and --target are required")
    use_cores(threads)
    sizes = [int(size) for size in memory_lines.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        tokenizers = {name: str(Path(folder) / name) for name in TOKENIZERS}
        for name, path in tokenizers.items():
            arguments = {"source": source, "target": target, "tokenizer": name, "folder": path}
            in_own_process(__file__, {"job": "prepare", **arguments})
        files = {"source": source, "target": target, "tokenizers": tokenizers["whitespace"]}
        buckets = propose(source, target, tokenizers["whitespace"])
        variants = {"without buckets": (), f"{len(buckets) + 1} proposed buckets": buckets}
        figures = {
            "speed": measure_speed(files, variants, rounds, epochs),
            "tokenizers": measure_tokenizers(files, tokenizers, rounds, epochs),
            "padding": measure_padding(files, variants),
            **measure_sizes(files, buckets, sizes, Path(folder)),
        }
    print_json("pipeline", **figures)
    problems = find_problems(figures)
    print("\n".join(problems), file=sys.stderr)
    sys.exit(bool(problems))


def find_problems(figures) -> list[str]:
    problems = []
    for name, (rates, _) in figures["tokenizers"].items():
        for data in ("text", "records"):
            if rates[data] < TIMES_TRAINING * rates["training"]:
                problems.append(f"{name}, {data}: {rates[data] / rates['training']:.1f} x training")
        if rates["records"] < TIMES_TEXT * rates["text"]:
            problems.append(f"{name}: records {rates['records'] / rates['text']:.1f} x text")
    for data, by_size in figures["memory"].items():
        growth = {size: row["peak_mb"] - row["start_mb"] for size, row in by_size.items()}
        large = [mb for size, mb in growth.items() if size >= 1_000_000]
        if len(large) > 1 and large[-1] - large[0] > GROWTH_MB:
            problems.append(f"memory, {data}: {large[-1] - large[0]:.0f} MB more")
    for size, row in figures["resume"].items():
        if row["seconds"] > RESUME_SECONDS:
            problems.append(f"resuming after {size:,} lines: {row['seconds']:.1f} s")
    return problems


def propose(source, target, tokenizers):
    """Returns the buckets that `--buckets=auto` proposes for the files."""
    from keras_seq2seq.data import propose_buckets, scan_parallel_text

    summary = scan_parallel_text(source, target, *load_encoders(tokenizers))
    return propose_buckets(summary.lengths, BATCH_SIZE)


def load_encoders(folder):
    """Returns the text encoders of both sides, with the tokenizers in a folder."""
    from keras_seq2seq import TextEncoder, Tokenizer

    tokenizers = [Tokenizer.load(Path(folder) / side) for side in ("source", "target")]
    return [TextEncoder(tokenizer, MAX_LENGTH) for tokenizer in tokenizers]


def prepare(source, target, tokenizer, folder, workers=1, tokenizers=None) -> dict:
    """Prepares records, with the tokenizers of a folder or with new ones."""
    from keras_seq2seq import prepare_records
    from keras_seq2seq.files import read_lines
    from keras_seq2seq.text import get_tokenizer_class

    def build(path):
        kind = get_tokenizer_class(tokenizer)
        if kind.vocabulary_suffix is None:
            return kind()
        options = {"size": 8000} if tokenizer == "sentencepiece" else {"min_frequency": 2}
        return kind.build(read_lines(path), **options)

    sides = load_encoders(tokenizers) if tokenizers else [build(source), build(target)]
    started = perf_counter()
    summary = prepare_records(source, target, *sides, folder, workers=workers)
    return {"pairs": summary.pairs, "bytes": summary.bytes, "seconds": perf_counter() - started}


def measure_tokenizers(files, tokenizers, rounds, epochs):
    """Returns the rates of each tokenizer, per second and per CPU second."""
    text = {name: files[name] for name in ("source", "target")}
    results = {}
    for name, folder in tokenizers.items():
        common = {"tokenizers": folder, "buckets": "auto"}
        jobs = {
            "training": {"job": "train", "source": folder, **common},
            "text": {"job": "read", **text, **common, "epochs": epochs},
            "records": {"job": "read", "source": folder, **common, "epochs": 5 * epochs},
        }
        results[name] = {data: [] for data in jobs}
        for _ in range(rounds):
            for data, arguments in jobs.items():
                results[name][data].append(in_own_process(__file__, arguments))
    tables = []
    for unit, time in (("s", "seconds"), ("CPU s", "cpu_seconds")):
        rates = {
            name: {
                data: median(row["pairs"] / row[time] for row in rows)
                for data, rows in by_data.items()
            }
            for name, by_data in results.items()
        }
        header = (
            "tokenizer",
            *(f"{data} pairs/{unit}" for data in jobs),
            *("text : training", "records : training", "records : text"),
        )
        rows = [
            (
                name,
                *rate.values(),
                rate["text"] / rate["training"],
                rate["records"] / rate["training"],
                rate["records"] / rate["text"],
            )
            for name, rate in rates.items()
        ]
        print_table("Delivery and consumption, batches of 64, buckets=auto", header, rows)
        tables.append(rates)
    return {name: tuple(rates[name] for rates in tables) for name in results}


def measure_speed(files, variants, rounds, epochs):
    figures = {name: [] for name in variants}
    for _ in range(rounds):
        for name, buckets in variants.items():
            arguments = {"job": "read", **files, "buckets": buckets, "epochs": epochs}
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
        name: in_own_process(
            __file__, {"job": "read", **files, "buckets": buckets, "count_padding": True}
        )
        for name, buckets in variants.items()
    }
    rows = [
        (name, *(f"{100 * row['padding'][side]:.1f} %" for side in ("source", "target", "both")))
        for name, row in figures.items()
    ]
    print_table("Padding", ("batches of 64", "source", "target", "both"), rows)
    return figures


def measure_sizes(files, buckets, sizes, folder):
    """Measures memory and resuming with texts of different numbers of lines."""
    memory, resume = {"text": {}, "records": {}}, {}
    common = {"tokenizers": files["tokenizers"], "buckets": buckets}
    for size in sizes:
        longer = {side: repeat_lines(files[side], size, folder) for side in ("source", "target")}
        records = str(folder / f"records-{size}")
        arguments = {**longer, "tokenizer": "whitespace", "folder": records, "workers": 2}
        prepared = in_own_process(
            __file__, {"job": "prepare", "tokenizers": files["tokenizers"], **arguments}
        )
        memory["text"][size] = in_own_process(__file__, {"job": "read", **longer, **common})
        on_records = {"source": records, **common}
        memory["records"][size] = in_own_process(__file__, {"job": "read", **on_records})
        resume[size] = in_own_process(__file__, {"job": "resume", **on_records})
        resume[size]["prepare_seconds"] = prepared["seconds"]
    for data, by_size in memory.items():
        rows = [
            (f"{size:,}", row["peak_mb"] - row["start_mb"], row["peak_mb"], row["seconds"])
            for size, row in by_size.items()
        ]
        header = ("lines", "pipeline MB", "process peak MB", "seconds")
        print_table(f"Memory, one epoch of {data}, shuffled", header, rows)
    rows = [(f"{size:,}", row["prepare_seconds"], row["seconds"]) for size, row in resume.items()]
    header = ("lines", "s to prepare", "s to the first batch at the end")
    print_table("Resuming prepared records", header, rows)
    return {"memory": memory, "resume": resume}


def repeat_lines(path: str, size: int, folder: Path) -> str:
    """Writes a file with a given number of lines by repeating the lines of another file."""
    from keras_seq2seq.files import read_lines

    repeated = folder / Path(path).name.removesuffix(".gz")
    with open(repeated, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in islice(cycle(list(read_lines(path))), size))
    return str(repeated)


def make_batches(source, target, tokenizers, buckets, **options):
    """Returns the shuffled batches of two files, or of records if there is no target."""
    from keras_seq2seq import make_dataset

    if not isinstance(buckets, str):
        buckets = [tuple(boundary) for boundary in buckets]
    encoders = load_encoders(tokenizers)
    options = {"batch_size": BATCH_SIZE, "buckets": buckets, "shuffle": True, **options}
    return make_dataset(source, target, *encoders, **options)


def read(source, tokenizers, buckets, target=None, epochs=1, count_padding=False) -> dict:
    """Reads all shuffled batches and returns the time and memory used."""
    import numpy as np
    import tensorflow as tf

    load_encoders(tokenizers)
    start_mb = own_peak_mb()
    dataset = make_batches(source, target, tokenizers, buckets, epochs=epochs)

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


def train(source, tokenizers, buckets) -> dict:
    """Trains on some batches in memory, and returns the time of all but the first pass."""
    from keras_seq2seq import AttentionSeq2Seq, configure_tensorflow

    configure_tensorflow()
    sizes = [encoder.tokenizer.vocabulary_size() for encoder in load_encoders(tokenizers)]
    model = AttentionSeq2Seq(*sizes, num_units=UNITS)
    model.compile()
    batches = make_batches(source, None, tokenizers, buckets, epochs=None)
    batches = batches.take(TRAINING_STEPS).cache()
    model.fit(batches, verbose=0)
    started, cpu_started = perf_counter(), process_time()
    model.fit(batches, verbose=0)
    return {
        "pairs": TRAINING_STEPS * BATCH_SIZE,
        "seconds": perf_counter() - started,
        "cpu_seconds": process_time() - cpu_started,
    }


def resume(source, tokenizers, buckets) -> dict:
    """Returns the time until the first batch of an endless stream at the end of the first epoch."""
    import tensorflow as tf  # noqa: F401

    from keras_seq2seq.data import RecordPairs

    skipped = int(RecordPairs([source]).pairs_of_blocks.sum()) // BATCH_SIZE - 1
    started = perf_counter()
    dataset = make_batches(source, None, tokenizers, buckets, epochs=None, skip_batches=skipped)
    next(iter(dataset))
    return {"seconds": perf_counter() - started, "skipped": skipped}


JOBS = {"prepare": prepare, "read": read, "train": train, "resume": resume}


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
