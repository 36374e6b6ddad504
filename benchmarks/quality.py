"""Quality of this package and of small Transformers as a function of CPU time.

    python benchmarks/quality.py \\
        --train_source train.en.gz --train_target train.de.gz \\
        --dev_source val.en.gz --dev_target val.de.gz --work_dir quality

Each system trains on the same text with the same joint BPE vocabulary, and translates the dev text
greedily every few hundred steps. Its CPU time, user and system time of all its processes and
evaluations included, is read whenever it reports an evaluation. BLEU is that of sacrebleu, without
tokenization. This package trains one model for `--steps` steps, with
`examples/multi30k_teacher.yaml`. The other systems (see `systems/transformers.py`) have no last
step, and stop after `--minutes`. This takes hours.
Curves are kept in the work directory, so that systems can be measured one by one; `--systems none`
only prints the table and draws the plot.
"""

import json
import math
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from measuring import CommandError, print_json, print_table, text_options, use_cores, watch
from systems.corpus import SubwordCorpus
from systems.this_package import ThisPackage
from systems.transformers import JoeyTransformer, OpenNMTPyTransformer

SYSTEMS = {
    system.environment: system for system in (ThisPackage, JoeyTransformer, OpenNMTPyTransformer)
}


@dataclass(frozen=True)
class Point:
    """An evaluation during training.

    Attributes:
        step: The number of training steps.
        minutes: The CPU time so far, in minutes.
        bleu: BLEU of the greedy translations of the dev text.
    """

    step: int
    minutes: float
    bleu: float


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@text_options
@click.option("--work_dir", required=True, help="Directory of environments, curves and logs.")
@click.option("--systems", default=",".join(SYSTEMS), show_default=True)
@click.option("--steps", default=6000, show_default=True, help="Training steps of this package.")
@click.option(
    "--minutes",
    default=240,
    show_default=True,
    help="Processor minutes after which other systems stop.",
)
@click.option("--evaluate_every", default=500, show_default=True, help="Steps per evaluation.")
@click.option("--vocab_size", default=8000, show_default=True, help="Joint BPE vocabulary.")
@click.option("--targets", default="35,37", show_default=True, help="BLEU scores in the table.")
@click.option("--threads", default=2, show_default=True)
@click.option("--plot", default="quality.png", show_default=True, help="PNG file of the curves.")
def main(work_dir, systems, steps, minutes, threads, plot, **options):
    use_cores(threads)
    work_dir = Path(work_dir).resolve()
    train, dev = (
        (options[f"{name}_source"], options[f"{name}_target"]) for name in ("train", "dev")
    )
    corpus = SubwordCorpus.prepare(train, dev, work_dir / "corpus", options["vocab_size"])
    for name in [] if systems == "none" else systems.split(","):
        system = SYSTEMS[name](corpus, work_dir, threads)
        system.install()
        limit, last = (math.inf, steps) if name == ThisPackage.environment else (minutes, 1_000_000)
        folder = work_dir / "runs" / name
        points = measure(system, folder, last, options["evaluate_every"], limit)
        path = work_dir / f"{name}.json"
        path.write_text(json.dumps([asdict(point) for point in points]))
    curves = {
        name: [Point(**point) for point in json.loads((work_dir / f"{name}.json").read_text())]
        for name in SYSTEMS
        if (work_dir / f"{name}.json").exists()
    }
    report(curves, [float(target) for target in options["targets"].split(",")])
    draw(curves, plot)
    print_json(
        "quality", **{name: [asdict(point) for point in curve] for name, curve in curves.items()}
    )


def measure(system, folder: Path, steps: int, evaluate_every: int, minutes: float):
    """Trains a system and returns the points of its curve."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reports, rest = [], ""

    def count_evaluations(text):
        nonlocal rest
        *lines, rest = re.split(r"[\r\n]", rest + text)
        found = (re.search(system.evaluation_pattern, line) for line in lines)
        reports.extend(filter(None, found))
        return len(reports)

    command = system.quality_command(folder, steps, evaluate_every)
    readings = watch(command, system.log, count_evaluations, 60 * minutes, **system.variables())
    points = []
    for reading in readings[1:-1]:
        step = min(reading.count * evaluate_every, steps)
        bleu = system.dev_bleu(folder, step, reports[reading.count - 1])
        points.append(Point(step, reading.cpu_seconds / 60, bleu))
    if not points:
        raise CommandError(f"{system.name} reported no evaluation; see {system.log}")
    return points


def report(curves: dict[str, list[Point]], targets: list[float]):
    """Prints the minutes to each target, and the best evaluation."""

    def minutes_to(curve, target):
        reached = [point.minutes for point in curve if point.bleu >= target]
        return f"{reached[0]:.1f}" if reached else f"not within {curve[-1].minutes:.0f}"

    rows = []
    for name, curve in curves.items():
        best = max(curve, key=lambda point: point.bleu)
        rows.append(
            (
                SYSTEMS[name].name,
                *(minutes_to(curve, target) for target in targets),
                f"{best.bleu:.1f}",
                f"{best.minutes:.1f}",
                f"{curve[-1].minutes:.1f}",
            )
        )
    header = ["system", *(f"minutes to {target:g} BLEU" for target in targets)]
    print_table("Quality", [*header, "best BLEU", "after minutes", "minutes in all"], rows)


def draw(curves: dict[str, list[Point]], path: str):
    """Draws BLEU against CPU time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(
        xlabel="CPU minutes", ylabel="dev BLEU, greedy", title="Multi30k, English to German"
    )
    for name, curve in curves.items():
        minutes, bleu = [p.minutes for p in curve], [p.bleu for p in curve]
        axes.plot(minutes, bleu, marker=".", label=SYSTEMS[name].name)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
