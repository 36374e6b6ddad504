"""Training and decoding speed of this package compared with other systems.

    python benchmarks/peers.py \\
        --train_source train.en.gz --train_target train.de.gz \\
        --dev_source val.en.gz --dev_target val.de.gz \\
        --test_source test_2016_flickr.en.gz --test_target test_2016_flickr.de.gz \\
        --work_dir peers

This takes hours, mostly to train a model of each system for decoding. Environments and models are
kept in the work directory for the next run. `--only training` takes about three minutes per system
and round, `--only decoding` measures only decoding, and `--systems keras_seq2seq,otf` measures only
the given systems.

Each system runs its own command in a pseudo-terminal, so that it prints progress as for a user, and
is timed from the outside. Systems take turns, and the order is reversed every other round. Ratios
are computed within a round, and the median over the rounds is reported. On a shared machine, also
compare the CPU times.

Training: steps of 64 sentences after the warm-up, without start-up, tracing and saving. The number
of target tokens, including end tokens, is computed from the mean length of the training text.

Decoding: the test file is translated once alone and once with `--decode_copies` copies of it
appended. The difference of the two times is the time for the copies, without loading. For the file
alone, the fastest of all rounds is used. Tokens are those of the system's own translations. In
bfloat16, this package translates with the model trained in float32.

Requires Linux to read the CPU time of a running command. OpenNMT-tf requires Python 3.10.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click
import sacrebleu
from measuring import CommandError, median, print_json, print_table, steady, text_options, use_cores
from systems import SYSTEMS, Corpus, System, count_tokens, read_lines, write_lines


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@text_options
@click.option("--test_source", required=True, type=click.Path(exists=True))
@click.option("--test_target", required=True, type=click.Path(exists=True))
@click.option("--work_dir", required=True, help="Directory of environments, models and logs.")
@click.option("--systems", default=",".join(SYSTEMS), show_default=True)
@click.option("--only", type=click.Choice(["training", "decoding"]))
@click.option("--rounds", default=3, show_default=True)
@click.option("--steps", default=300, show_default=True, help="Training steps per round.")
@click.option(
    "--warm_up", default=100, show_default=True, help="Training steps that are not timed."
)
@click.option(
    "--train_updates",
    default=4530,
    show_default=True,
    help="Training steps of the models for decoding.",
)
@click.option("--decode_copies", default=5, show_default=True, help="Copies of the test file.")
@click.option("--decode_batch", default=64, show_default=True, help="Batch size of decoding.")
@click.option("--beam_widths", default="1,5", show_default=True, help="1 for greedy search.")
@click.option("--threads", default=2, show_default=True)
@click.option("--python310", default=shutil.which("python3.10"), help="Interpreter for OpenNMT-tf.")
def main(systems, only, rounds, threads, python310, **options):
    use_cores(threads)
    work_dir = Path(options["work_dir"]).resolve()
    train, dev, test = (
        (options[f"{name}_source"], options[f"{name}_target"]) for name in ("train", "dev", "test")
    )
    corpus = Corpus.prepare(train, dev, work_dir / "corpus")
    chosen = [
        SYSTEMS[name](corpus, work_dir, threads, python310 if name == "otf" else sys.executable)
        for name in with_references(systems.split(","))
    ]
    installed = [system for system in chosen if works(system, system.install)]
    figures = {}
    if only != "decoding":
        figures["training"] = measure_training(
            installed, rounds, options["steps"], options["warm_up"], work_dir / "runs"
        )
        report_training(installed, figures["training"], corpus)
    if only != "training":
        trained = [
            system
            for system in installed
            if works(system, train_for_decoding, system, options["train_updates"])
        ]
        for beam in map(int, options["beam_widths"].split(",")):
            name = "greedy" if beam == 1 else f"beam {beam}"
            figures[name] = measure_decoding(
                trained, rounds, beam, options, test, work_dir / "translations"
            )
            report_decoding(trained, name, figures[name])
    print_json("peers", rounds=rounds, **figures)


def with_references(names: list[str]) -> list[str]:
    """Prepends this package with the same model size as each system."""
    unknown = set(names) - set(SYSTEMS)
    if unknown:
        raise click.UsageError(
            f"unknown system {', '.join(unknown)}; choose from {', '.join(SYSTEMS)}"
        )
    references = [reference_of(SYSTEMS[name]).environment for name in names]
    return list(dict.fromkeys([*references, *names]))


def reference_of(system: System | type[System]) -> type[System]:
    """Returns this package with the same model size as a system."""
    ours = (SYSTEMS["keras_seq2seq"], SYSTEMS["keras_seq2seq_narrow"])
    return next(reference for reference in ours if reference.shape == system.shape)


def works(system: System, function: Callable, *arguments) -> bool:
    """Calls a function for a system. If it fails, prints the error and returns `False`."""
    try:
        function(*arguments)
    except CommandError as error:
        click.echo(f"{system.name} is skipped: {error}", err=True)
        return False
    return True


def in_turns(systems: list[System], rounds: int, measure: Callable[[System], dict]) -> dict:
    """Measures all systems in each round, in alternating order.

    A system that fails is skipped in later rounds.

    Returns:
        A dictionary from systems to lists of the results of `measure`, one for each round.
    """
    figures = {system.environment: [] for system in systems}
    remaining = list(systems)
    for _ in range(rounds):
        for system in list(remaining):
            try:
                figure = {**measure(system), "load": os.getloadavg()[0]}
            except CommandError as error:
                click.echo(f"{system.name} is skipped: {error}", err=True)
                remaining.remove(system)
            else:
                figures[system.environment].append(figure)
                click.echo(f"{system.name}: {figure}", err=True)
        remaining.reverse()
    return figures


def measure_training(systems, rounds, steps, warm_up, folder) -> dict:
    """Returns the wall-clock and CPU time per step, for each system and round."""

    def measure(system):
        run_dir = folder / system.environment
        shutil.rmtree(run_dir, ignore_errors=True)
        readings = system.train(run_dir, steps, report_every=10)
        shutil.rmtree(run_dir)
        first, last = steady(readings, warm_up)
        count = last.count - first.count
        return {
            "step_ms": 1e3 * (last.seconds - first.seconds) / count,
            "cpu_step_ms": 1e3 * (last.cpu_seconds - first.cpu_seconds) / count,
            "start_seconds": readings[1].seconds - readings[0].seconds,
        }

    return in_turns(systems, rounds, measure)


def report_training(systems, figures, corpus):
    rows = []
    for system in systems:
        if not figures[system.environment]:
            continue
        step_ms, cpu_step_ms, start = medians(
            figures, system, "step_ms", "cpu_step_ms", "start_seconds"
        )
        sentences = 1e3 * system.shape.batch_size / step_ms
        rows.append(
            (
                system.name,
                sentences,
                sentences * corpus.target_tokens,
                cpu_step_ms,
                start,
                ratio(system, figures, lambda theirs, ours: theirs["step_ms"] / ours["step_ms"]),
                ratio(
                    system,
                    figures,
                    lambda theirs, ours: theirs["cpu_step_ms"] / ours["cpu_step_ms"],
                ),
                system.deviation,
            )
        )
    speed = ("sentences/s", "target tokens/s", "CPU ms/step", "s to first report")
    ratios = ("speed-up of this package", "speed-up by CPU time")
    print_table("Training", ("system", *speed, *ratios, "deviation"), rows)


def train_for_decoding(system: System, updates: int):
    """Trains the model of a system, unless it exists."""
    ready = system.model_dir / f"trained-{updates}"
    if not ready.exists():
        shutil.rmtree(system.model_dir, ignore_errors=True)
        click.echo(f"{system.name}: training for {updates} updates", err=True)
        system.train(system.model_dir, updates, report_every=100)
        ready.touch()


def measure_decoding(systems, rounds, beam, options, test, folder) -> dict:
    """Returns the quality and speed of decoding, for each system and round."""
    copies = options["decode_copies"]
    sources, references = map(read_lines, test)
    folder.mkdir(parents=True, exist_ok=True)
    once = write_lines(folder / "once", sources)
    longer = write_lines(folder / "longer", sources * (1 + copies))

    def measure(system):
        output = folder / f"{system.environment}.{beam}"
        arguments = (output, beam, options["decode_batch"])
        seconds, cpu_seconds = system.translate(system.model_dir, longer, *arguments)
        tokens = count_tokens(read_lines(output))
        once_seconds, once_cpu_seconds = system.translate(system.model_dir, once, *arguments)
        translations = read_lines(output)
        return {
            "bleu": sacrebleu.corpus_bleu(translations, [references], tokenize="none").score,
            "tokens_per_sentence": count_tokens(translations) / len(translations),
            "copied_tokens": tokens - count_tokens(translations),
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "once_seconds": once_seconds,
            "once_cpu_seconds": once_cpu_seconds,
        }

    figures = in_turns(systems, rounds, measure)
    return {name: [with_speed(row, rows, copies) for row in rows] for name, rows in figures.items()}


def with_speed(row, rows, copies) -> dict:
    """Adds the decoding speed of the copies, and the load time, to the results of a round.

    The time for the file alone only varies with the load of the machine, so the fastest of all
    rounds is subtracted.
    """
    once, once_cpu = (min(r[name] for r in rows) for name in ("once_seconds", "once_cpu_seconds"))
    return {
        **row,
        "tokens_per_second": row["copied_tokens"] / (row["seconds"] - once),
        "tokens_per_cpu_second": row["copied_tokens"] / (row["cpu_seconds"] - once_cpu),
        "load_seconds": once - (row["seconds"] - once) / copies,
    }


def report_decoding(systems, name, figures):
    speeds = ("tokens_per_second", "tokens_per_cpu_second")
    rows = [
        (
            system.name,
            *medians(figures, system, "bleu", "tokens_per_sentence", *speeds, "load_seconds"),
            *(
                ratio(
                    system, figures, lambda theirs, ours, speed=speed: ours[speed] / theirs[speed]
                )
                for speed in speeds
            ),
        )
        for system in systems
        if figures[system.environment]
    ]
    header = ("system", "BLEU", "tokens/sentence", "target tokens/s", "tokens/CPU s", "load s")
    print_table(
        f"Decoding, {name}", (*header, "speed-up of this package", "speed-up by CPU time"), rows
    )


def medians(figures, system, *names):
    """Returns the medians over the rounds of a system's results."""
    rounds = figures[system.environment]
    return [median(figure[name] for figure in rounds) for name in names]


def ratio(system, figures, compare) -> float | str:
    """Returns the median over the rounds of a ratio between this package and a system."""
    reference = reference_of(system).environment
    rounds = zip(figures[system.environment], figures.get(reference, []), strict=False)
    if system.environment == reference or not (pairs := list(rounds)):
        return ""
    return median(compare(theirs, ours) for theirs, ours in pairs)


if __name__ == "__main__":
    main()
