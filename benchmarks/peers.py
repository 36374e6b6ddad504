"""Speed of this package beside its peers: training, and decoding with trained models.

    python benchmarks/peers.py \\
        --train_source train.en.gz --train_target train.de.gz \\
        --dev_source val.en.gz --dev_target val.de.gz \\
        --test_source test_2016_flickr.en.gz --test_target test_2016_flickr.de.gz \\
        --work_dir peers

takes hours, most of them to train each peer's model for decoding, once: environments and models
stay in the work directory. `--only training` takes about three minutes a system and round,
`--only decoding` measures decoding only, and `--systems keras_seq2seq,otf` those systems only.

Every system is run by its own command, under a terminal of ours, so that progress is printed as
a user sees it, and is timed by our clock from the outside. Systems take turns, in an order that
is reversed every other round; ratios are taken within a round, and the median of those is what
counts. On a shared machine compare the processor's milliseconds as well.

Training: steps from the warm-up to the last one, 64 sentences each; start, tracing and saving are
left out. Tokens are real target tokens, the end token included, as many a sentence as the
training text has in the mean.

Decoding: the test file is translated once, and once more with `--decode_copies` copies of it
appended; the difference of the times is what the copies took, so that load time is left out.
Tokens are those of the system's own translations.

Linux only, which tells the processor time of a running command. OpenNMT-tf needs Python 3.10.
"""

import gzip
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import click
import sacrebleu
from measuring import CommandError, median, print_json, print_table, steady
from systems import SYSTEMS, Corpus, System

BEAMS = {1: "greedy", 5: "beam 5"}


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.option("--train_source", required=True, type=click.Path(exists=True))
@click.option("--train_target", required=True, type=click.Path(exists=True))
@click.option("--dev_source", required=True, type=click.Path(exists=True))
@click.option("--dev_target", required=True, type=click.Path(exists=True))
@click.option("--test_source", required=True, type=click.Path(exists=True))
@click.option("--test_target", required=True, type=click.Path(exists=True))
@click.option("--work_dir", required=True, help="Environments, models and logs.")
@click.option("--systems", default=",".join(SYSTEMS), show_default=True)
@click.option("--only", type=click.Choice(["training", "decoding"]))
@click.option("--rounds", default=3, show_default=True)
@click.option("--steps", default=300, show_default=True, help="Training steps a round.")
@click.option("--warm_up", default=100, show_default=True, help="Steps that are not timed.")
@click.option("--train_updates", default=4530, show_default=True, help="Of models that decode.")
@click.option("--decode_copies", default=5, show_default=True)
@click.option("--decode_batch", default=64, show_default=True, help="Sentences in a batch.")
@click.option("--threads", default=2, show_default=True)
@click.option("--python310", default=shutil.which("python3.10"), help="For OpenNMT-tf.")
def main(systems, only, rounds, train_updates, threads, python310, **options):
    work_dir = Path(options["work_dir"]).resolve()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    corpus = prepare_corpus(work_dir / "corpus", options)
    running = []
    for name in with_references(systems.split(",")):
        python = python310 if name == "otf" else sys.executable
        system = SYSTEMS[name](corpus, work_dir, threads, python)
        running += [system] if try_to(system, "install", system.install) is not None else []
    figures = {}
    if only != "decoding":
        figures["training"] = measure_training(
            running, rounds, options["steps"], options["warm_up"], work_dir / "runs"
        )
        report_training(running, figures["training"], corpus)
    if only != "training":
        test = read(options["test_source"]), read(options["test_target"])
        trained = [system for system in running if train_for_decoding(system, train_updates)]
        copies, batch_size = options["decode_copies"], options["decode_batch"]
        for beam, name in BEAMS.items():
            figures[name] = measure_decoding(
                trained, rounds, beam, batch_size, copies, test, work_dir / "translations"
            )
            report_decoding(trained, name, figures[name])
    print_json("peers", rounds=rounds, **figures)


def with_references(names: list[str]) -> list[str]:
    """Adds this package in the shape of each system, in front."""
    unknown = set(names) - set(SYSTEMS)
    if unknown:
        raise click.UsageError(f"no system {', '.join(unknown)}; known: {', '.join(SYSTEMS)}")
    references = [reference_of(SYSTEMS[name]).environment for name in names]
    return list(dict.fromkeys([*references, *names]))


def reference_of(system: System | type[System]) -> type[System]:
    """Returns this package in the shape of a system."""
    ours = (SYSTEMS["keras_seq2seq"], SYSTEMS["keras_seq2seq_narrow"])
    return next(reference for reference in ours if reference.shape == system.shape)


def prepare_corpus(folder: Path, options: dict) -> Corpus:
    """Writes the texts as plain files, the dev text cut to 64 lines, which only have to be there."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in ("train", "dev"):
        for side in ("source", "target"):
            lines = read(options[f"{name}_{side}"])
            files[name, side] = folder / f"{name}.{side}"
            write(files[name, side], lines if name == "train" else lines[:64])
    return Corpus(
        train=(files["train", "source"], files["train", "target"]),
        dev=(files["dev", "source"], files["dev", "target"]),
        vocabularies=tuple(
            frequent_words(files["train", side]) for side in ("source", "target")
        ),
        folder=folder,
    )


def frequent_words(path: Path) -> list[str]:
    """Returns the words that occur at least twice, the most frequent first."""
    counts = Counter(token for line in read(path) for token in line.split())
    return [token for token, count in counts.most_common() if count >= 2]


def measure_training(running, rounds, steps, warm_up, folder) -> dict:
    """Returns for each system what each round took a step, by our clock and of the processor."""
    figures = {system.environment: [] for system in running}
    for system in in_turns(running, rounds):
        run_dir = folder / system.environment
        shutil.rmtree(run_dir, ignore_errors=True)
        readings = try_to(system, "train", lambda: system.train(run_dir, steps, 10))
        shutil.rmtree(run_dir, ignore_errors=True)
        if readings is None:
            continue
        first, last = steady(readings, warm_up)
        count = last.count - first.count
        figure = {
            "step_ms": 1e3 * (last.seconds - first.seconds) / count,
            "cpu_step_ms": 1e3 * (last.cpu_seconds - first.cpu_seconds) / count,
            "start_seconds": readings[1].seconds - readings[0].seconds,
            "load": os.getloadavg()[0],
        }
        figures[system.environment].append(figure)
        click.echo(f"{system.name}: {figure}", err=True)
    return figures


def report_training(running, figures, corpus):
    lines = read(corpus.train[1])
    tokens = sum(len(line.split()) + 1 for line in lines) / len(lines)
    rows = []
    for system in running:
        rows_of = figures[system.environment]
        if not rows_of:
            continue
        sentences = system.shape.batch_size / (median(row["step_ms"] for row in rows_of) / 1e3)
        rows.append(
            (
                system.name,
                sentences,
                sentences * tokens,
                median(row["cpu_step_ms"] for row in rows_of),
                median(row["start_seconds"] for row in rows_of),
                ratio(system, figures, lambda theirs, ours: theirs["step_ms"] / ours["step_ms"]),
                ratio(
                    system,
                    figures,
                    lambda theirs, ours: theirs["cpu_step_ms"] / ours["cpu_step_ms"],
                ),
                system.deviation,
            )
        )
    header = ("system", "sentences/s", "target tokens/s", "CPU ms/step", "first step printed after s")
    ratios = ("this package is faster by", "by CPU time", "deviation")
    print_table("Training", (*header, *ratios), rows)


def train_for_decoding(system: System, updates: int) -> bool:
    """Trains the system's model, unless it is there, and tells whether it is now."""
    ready = system.model_dir / f"trained-{updates}"
    if ready.exists():
        return True
    shutil.rmtree(system.model_dir, ignore_errors=True)
    click.echo(f"{system.name}: training {updates} updates", err=True)
    train = lambda: system.train(system.model_dir, updates, 100)  # noqa: E731
    if try_to(system, "train", train) is None:
        return False
    ready.touch()
    return True


def measure_decoding(trained, rounds, beam, batch_size, copies, test, folder) -> dict:
    """Returns for each system the BLEU of its translations and what each round took."""
    folder.mkdir(parents=True, exist_ok=True)
    sources, references = test
    once, longer = folder / "once", folder / "longer"
    write(once, sources)
    write(longer, sources * (1 + copies))
    figures = {system.environment: [] for system in trained}
    for system in in_turns(trained, rounds):
        output = folder / f"{system.environment}.{beam}"

        def translate(source, system=system, output=output):
            seconds, cpu_seconds = system.translate(
                system.model_dir, source, output, beam, batch_size
            )
            return seconds, cpu_seconds, read(output)

        measured = try_to(system, "translate", lambda: (translate(longer), translate(once)))
        if measured is None:
            continue
        (seconds, cpu_seconds, all_lines), (once_seconds, once_cpu_seconds, lines) = measured
        tokens = count_tokens(all_lines) - count_tokens(lines)
        figure = {
            "bleu": sacrebleu.corpus_bleu(lines, [references], tokenize="none").score,
            "tokens_per_sentence": count_tokens(lines) / len(lines),
            "tokens_per_second": tokens / (seconds - once_seconds),
            "tokens_per_cpu_second": tokens / (cpu_seconds - once_cpu_seconds),
            "load_seconds": once_seconds - (seconds - once_seconds) / copies,
            "load": os.getloadavg()[0],
        }
        figures[system.environment].append(figure)
        click.echo(f"{system.name}, beam {beam}: {figure}", err=True)
    return figures


def report_decoding(trained, name, figures):
    rows = []
    for system in trained:
        rows_of = figures[system.environment]
        if not rows_of:
            continue
        columns = ("bleu", "tokens_per_second", "tokens_per_cpu_second", "load_seconds")
        rows.append(
            (
                system.name,
                *(median(row[column] for row in rows_of) for column in columns),
                *(
                    ratio(system, figures, lambda theirs, ours, c=column: ours[c] / theirs[c])
                    for column in ("tokens_per_second", "tokens_per_cpu_second")
                ),
            )
        )
    header = ("system", "BLEU", "target tokens/s", "tokens/CPU s", "load s")
    print_table(
        f"Decoding, {name}", (*header, "this package is faster by", "by CPU time"), rows
    )


def in_turns(systems, rounds):
    """Yields all systems each round, to and fro."""
    for number in range(rounds):
        yield from systems if number % 2 == 0 else reversed(systems)


def ratio(system, figures, compare) -> float | str:
    """Returns the median over the rounds of this package's figure by the system's."""
    reference = reference_of(system).environment
    if system.environment == reference:
        return ""
    pairs = list(zip(figures[system.environment], figures.get(reference, [])))
    return median(compare(theirs, ours) for theirs, ours in pairs) if pairs else ""


def try_to(system: System, do: str, function):
    """Calls the function; a failure is told, and leaves the others to be measured."""
    try:
        result = function()
    except CommandError as error:
        click.echo(f"{system.name} did not {do}: {error}", err=True)
        return None
    return True if result is None else result


def count_tokens(lines: list[str]) -> int:
    """Returns the number of tokens, an end token a line included."""
    return sum(len(line.split()) + 1 for line in lines)


def read(path: str | os.PathLike) -> list[str]:
    opened = gzip.open if os.fspath(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def write(path: Path, lines: list[str]):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
