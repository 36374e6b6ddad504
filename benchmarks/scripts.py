"""Speed of Python scripts compared with the command line: training with `fit`, and decoding.

    python benchmarks/scripts.py --train_source train.en.gz --train_target train.de.gz \\
        --dev_source val.en.gz --dev_target val.de.gz

Both train the same model on the same batches and decode the same lines. The scripts call
`configure_tensorflow` and set nothing else. Starting is not timed: the command imports less, since
it knows what it needs. They take turns, so that the ratios hold even if the speed of the machine
drifts. On a shared machine, compare the CPU times. With the default options this takes about ten
minutes.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import click
from measuring import REPOSITORY, median, print_json, print_table, steady, text_options, watch

_FIRST_STEPS = 40

_TRAIN = """
import sys
from keras_seq2seq import configure_tensorflow
configure_tensorflow()
import keras
from keras_seq2seq import (
    AttentionSeq2Seq, FusedAdam, MaskedCrossEntropy, Vocabulary, make_dataset
)

class PrintSteps(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if (batch + 1) % 10 == 0:
            print(f"step {batch + 1}/", flush=True)

train_source, train_target, vocab_source, vocab_target, steps = sys.argv[1:]
source, target = Vocabulary.load(vocab_source), Vocabulary.load(vocab_target)
dataset = make_dataset(
    train_source, train_target, source, target,
    batch_size=64, buckets="auto", shuffle=True, seed=1, epochs=None,
)
model = AttentionSeq2Seq(
    len(source), len(target), num_units=256, cell="GRUCell", dropout=0.3, tie_output=True
)
model.compile(FusedAdam(1e-3, global_clipnorm=5.0), loss=MaskedCrossEntropy(0.1))
model.fit(
    dataset, steps_per_epoch=int(steps), epochs=1, shuffle=False, verbose=0,
    callbacks=[PrintSteps()],
)
"""

_DECODE = """
import sys
from keras_seq2seq import configure_tensorflow
configure_tensorflow(batches_at_once=True)
from keras_seq2seq import Translator

model_dir, source, width = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    lines = file.read().splitlines()
print("\\n".join(Translator.load(model_dir, beam_width=int(width))(lines)))
"""


@click.command(help=__doc__.partition("\n")[0], epilog="See the file's docstring.")
@text_options
@click.option("--train_steps", default=200, show_default=True)
@click.option("--lines", default=5000, show_default=True, help="Number of lines to decode.")
@click.option("--rounds", default=3, show_default=True)
def main(train_steps, lines, rounds, **files):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for side in ("source", "target"):
            path = folder / f"{side}.vocab"
            _run("vocab", files[f"train_{side}"], "--min_frequency", "2", "--output", path)
            files[f"vocab_{side}"] = path
        text = folder / "lines.txt"
        found = _read(files["dev_source"])
        text.write_text("\n".join((found * (lines // len(found) + 1))[:lines]) + "\n", "utf-8")
        figures = {}
        for number in range(rounds):
            measured = {
                "training, {}s/step": (
                    _time_steps(folder, _training_command(folder, files, train_steps)),
                    _time_steps(folder, _training_script(files, train_steps)),
                )
            }
            for width in (1, 5):
                name = "greedy, {}s" if width == 1 else f"beam {width}, {{}}s"
                measured[name] = _time_decoding(folder, folder / "model", text, width)
            for name, times in measured.items():
                for kind, values in zip(("", "CPU "), zip(*times, strict=True), strict=True):
                    figures.setdefault(name.format(kind), []).append(values)
            click.echo(f"round {number + 1} of {rounds} done", err=True)
    rows = [
        [
            name,
            median(command for command, _ in values),
            median(script for _, script in values),
            median(script / command for command, script in values),
        ]
        for name, values in figures.items()
    ]
    print_table("Scripts", ["", "command line", "script", "median ratio"], rows)
    print_json("scripts", figures=figures)


def _run(*arguments):
    subprocess.run(_command(*arguments), env=_environment(), check=True)


def _command(*arguments):
    return [sys.executable, "-m", "keras_seq2seq", *map(os.fspath, arguments)]


def _environment():
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def _read(path):
    from keras_seq2seq.files import read_lines

    return list(read_lines(path))


def _training_command(folder, files, steps):
    flags = {**files, "batch_size": 64, "buckets": "auto", "train_steps": steps}
    flags |= {"eval_every_n_steps": steps, "sample_translations": 0, "resume": "never"}
    hparams = {"rnn_cell.type": "GRUCell"}
    return _command(
        "train",
        *(f"--{name}={value}" for name, value in flags.items()),
        f"--hparams={','.join(f'{name}={value}' for name, value in hparams.items())}",
        f"--output_dir={folder / 'model'}",
    )


def _training_script(files, steps):
    names = "train_source", "train_target", "vocab_source", "vocab_target"
    return [sys.executable, "-c", _TRAIN, *(str(files[name]) for name in names), str(steps)]


def _time_steps(folder, command):
    """Returns the wall-clock and the CPU seconds per training step after the first ones."""
    readings = watch(command, folder / "train.log", _steps_taken, PYTHONPATH=str(REPOSITORY))
    first, last = steady(readings, _FIRST_STEPS)
    steps = last.count - first.count
    return (last.seconds - first.seconds) / steps, (last.cpu_seconds - first.cpu_seconds) / steps


def _steps_taken(text):
    found = re.findall(r"step ([\d,]+)/", text)
    return int(found[-1].replace(",", "")) if found else None


def _time_decoding(folder, model, text, width):
    """Returns the wall-clock and CPU seconds of the command and the script, without their start."""
    one = folder / "one.txt"
    one.write_text(text.read_text("utf-8").partition("\n")[0] + "\n", "utf-8")
    times, outputs = [], []
    for command in (_decoding_command, _decoding_script):
        start, _ = _time(command(model, one, width))
        total, output = _time(command(model, text, width))
        times.append([long - short for long, short in zip(total, start, strict=True)])
        outputs.append(output)
    if outputs[0] != outputs[1]:
        raise SystemExit("the translations of the command and the script differ")
    return times


def _decoding_command(model, text, width):
    return _command("translate", "--model_dir", model, "--source", text, "--beam_width", str(width))


def _decoding_script(model, text, width):
    return [sys.executable, "-c", _DECODE, str(model), str(text), str(width)]


def _time(command):
    """Returns the wall-clock and the CPU seconds of a command, and its output."""
    start, cpu_start = perf_counter(), _cpu_seconds_of_children()
    result = subprocess.run(command, env=_environment(), check=True, capture_output=True)
    times = perf_counter() - start, _cpu_seconds_of_children() - cpu_start
    return times, result.stdout


def _cpu_seconds_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
