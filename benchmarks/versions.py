"""Speed of two versions of this package, side by side: training, decoding and start-up.

    git worktree add ../before REVISION
    python benchmarks/versions.py ../before . \\
        --train_source train.en.gz --train_target train.de.gz \\
        --dev_source val.en.gz --dev_target val.de.gz

The two versions take turns, so that the ratios hold even if the speed of the machine drifts. With
the default options this takes about 15 minutes. Both versions decode with the model that the first
one trained, and must return the same translations.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from measuring import median, print_json, print_table, run, steady, text_options, watch

# Everything whose default differs between versions is given.
_TRAIN = (
    "rnn_cell.type=GRUCell,rnn_cell.num_units=256,embedding.dim=256,attention.dim=256,"
    "rnn_cell.dropout_input_keep_prob=0.7,rnn_cell.dropout_output_keep_prob=0.7,"
    "embedding.tie_output=true,optimizer.label_smoothing=0.1,optimizer.lr_decay_type=cosine"
)
_FIRST_STEPS = 40

# Python would otherwise look in the current directory first, which may contain one of the versions.
_USE_CHECKOUT = "import sys; sys.path.insert(0, sys.argv.pop(1))\n"

_COMMAND = "import runpy; runpy.run_module('keras_seq2seq', run_name='__main__')"

# Times three rounds of greedy and beam search in one process, after tracing both.
_DECODE = """
from time import process_time
from keras_seq2seq.cli.tensorflow_import import import_tensorflow
import_tensorflow(batches_at_once=True)
from keras_seq2seq import Translator
model_dir, source, output = sys.argv[1:]
lines = open(source, encoding="utf-8").read().splitlines()
with open(output, "w", encoding="utf-8") as file:
    for width in (1, 5):
        translator = Translator.load(model_dir, beam_width=width)
        file.writelines(line + "\\n" for line in translator(lines))
        seconds = []
        for _ in range(3):
            start = process_time()
            translator(lines)
            seconds.append(process_time() - start)
        print(width, min(seconds))
"""


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@click.argument("before", type=click.Path(exists=True))
@click.argument("after", type=click.Path(exists=True))
@text_options
@click.option("--train_steps", default=200, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(before, after, train_steps, rounds, **files):
    versions = {"before": os.path.abspath(before), "after": os.path.abspath(after)}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for side in ("source", "target"):
            path = folder / f"{side}.vocab"
            command = ["vocab", files[f"train_{side}"], "--min_frequency", "2", "--output", path]
            subprocess.run(_command(versions["before"], *command), check=True)
            files[f"vocab_{side}"] = path
        lines = folder / "lines.txt"
        lines.write_text("\n".join(_read(files["dev_source"])[:500]) + "\n", encoding="utf-8")
        figures = {}
        for number in range(rounds):
            for name, checkout in versions.items():
                measured = {
                    "training, wall s/step": _train(folder, checkout, files, train_steps),
                    **_decode(folder, checkout, lines, folder / f"{name}.txt"),
                    "start-up, CPU s": _start(folder, checkout, lines),
                }
                for figure, value in measured.items():
                    figures.setdefault(figure, {}).setdefault(name, []).append(value)
            click.echo(f"round {number + 1} of {rounds} done", err=True)
        if (folder / "before.txt").read_bytes() != (folder / "after.txt").read_bytes():
            click.echo("The translations of the two versions differ.", err=True)
    rows = [
        [
            figure,
            median(values["before"]),
            median(values["after"]),
            median(b / a for a, b in zip(values["before"], values["after"], strict=True)),
            min(values["after"]) / min(values["before"]),
        ]
        for figure, values in figures.items()
    ]
    print_table(
        "Before and after", ["", "before", "after", "median ratio", "ratio of fastest"], rows
    )
    print_json("versions", figures=figures)


def _command(checkout, *arguments, code=_COMMAND):
    """Returns a command that runs the program, or other code, with one of the versions."""
    return [sys.executable, "-c", _USE_CHECKOUT + code, checkout, *map(os.fspath, arguments)]


def _read(path):
    from keras_seq2seq.files import read_lines

    return list(read_lines(path))


def _train(folder, checkout, files, steps):
    """Returns the seconds per step after the first ones, and keeps the first model."""
    output = folder / ("model" if not (folder / "model").exists() else "again")
    flags = {**files, "batch_size": 64, "buckets": "auto", "train_steps": steps}
    flags |= {"eval_every_n_steps": steps, "sample_translations": 0, "resume": "never"}
    command = ["train", *(f"--{name}={value}" for name, value in flags.items())]
    readings = watch(
        _command(checkout, *command, f"--hparams={_TRAIN}", f"--output_dir={output}"),
        folder / "train.log",
        _steps_taken,
    )
    first, last = steady(readings, _FIRST_STEPS)
    return (last.seconds - first.seconds) / (last.count - first.count)


def _steps_taken(text):
    found = re.findall(r"step ([\d,]+)/", text)
    return int(found[-1].replace(",", "")) if found else None


def _decode(folder, checkout, lines, output):
    command = _command(checkout, folder / "model", lines, output, code=_DECODE)
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    greedy, beam = (float(line.split()[1]) for line in result.stdout.splitlines())
    return {"greedy, CPU s": greedy, "beam 5, CPU s": beam}


def _start(folder, checkout, lines):
    """Returns the CPU seconds of a command that translates one line."""
    one = folder / "one.txt"
    one.write_text(lines.read_text(encoding="utf-8").partition("\n")[0] + "\n", encoding="utf-8")
    command = _command(checkout, "translate", "--model_dir", folder / "model", "--source", one)
    return min(run(command, folder / "start.log")[1] for _ in range(2))


if __name__ == "__main__":
    main()
