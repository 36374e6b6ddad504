"""Kills a training run repeatedly and compares the result with an uninterrupted run.

    python benchmarks/kill_test.py --kills 16

Each kill sends SIGKILL to `keras-seq2seq train`, which is then restarted with the same command. A
third of the kills happen at random times, a third while a checkpoint is written, and a third while
model.keras is written, which is detected by temporary files. Kills that leave no temporary files
count as random.

Exits with status 1 if the weights, the optimizer state, the log or the TensorBoard curves differ.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_seq2seq.data import write_corpus
from keras_seq2seq.model_directory import ModelDirectory

# Temporary files of writes in progress.
UNFINISHED = {"checkpoint": "checkpoints/ckpt-*_temp", "model.keras": ".model-*"}
AT_RANDOM = "random"

# Large enough for writes to take long enough to be interrupted.
HPARAMS = (
    "rnn_cell.type=GRUCell, rnn_cell.num_units=256, embedding.dim=256, attention.dim=256,"
    "rnn_cell.dropout_input_keep_prob=0.8, optimizer.learning_rate=0.002"
)


def train_command(corpus: Path, output_dir: Path, steps: int) -> list[str]:
    """Returns a training command with evaluations every 10 and checkpoints every 4 steps."""
    sides = "source", "target"
    files = {
        f"{part}_{side}": corpus / part / f"{side}s.txt"
        for part in ("train", "dev")
        for side in sides
    }
    files |= {f"vocab_{side}": corpus / f"vocab.{side}s.txt" for side in sides}
    return [
        *(sys.executable, "-m", "keras_seq2seq", "train", f"--output_dir={output_dir}"),
        *(f"--{name}={path}" for name, path in files.items()),
        *("--batch_size=32", "--buckets=5,7", f"--train_steps={steps}", f"--hparams={HPARAMS}"),
        *("--eval_every_n_steps=10", "--save_checkpoints_steps=4"),
    ]


def start(command: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen):
    """Waits for a run to finish without kills."""
    _, errors = process.communicate()
    if process.returncode:
        sys.exit(f"training failed with status {process.returncode}: {errors}")


def unfinished(directory: Path, kind: str) -> bool:
    return any(directory.glob(UNFINISHED[kind]))


def wait_for_moment(
    process: subprocess.Popen, directory: Path, kind: str, seconds: float, rng: random.Random
):
    """Waits for a random time up to `seconds`, or for a write of the given kind to start."""
    end = time.monotonic() + rng.uniform(0, seconds)
    # The number of writes to skip.
    left, was_writing = rng.randrange(3), False
    while process.poll() is None and (kind in UNFINISHED or time.monotonic() < end):
        is_writing = kind in UNFINISHED and unfinished(directory, kind)
        if is_writing and not was_writing:
            if not left:
                time.sleep(rng.uniform(0, 0.002))
                return
            left -= 1
        was_writing = is_writing
        time.sleep(0.0002)


def run_with_kills(
    command: list[str], directory: Path, kills: int, seconds: float, rng: random.Random
) -> Counter:
    """Trains to the end with kills, and returns the number of kills of each kind."""
    kinds = [AT_RANDOM, *UNFINISHED]
    done = Counter()
    while sum(done.values()) < kills:
        kind = kinds[sum(done.values()) % len(kinds)]
        process = start(command)
        wait_for_moment(process, directory, kind, seconds, rng)
        if process.poll() is not None:
            finish(process)
            print("training ended before the next kill; increase --train_steps")
            break
        process.kill()
        process.communicate()
        hit = [other for other in UNFINISHED if unfinished(directory, other)] or [AT_RANDOM]
        done[hit[0]] += 1
        print(f"kill {sum(done.values())}: {hit[0]}, {describe(directory)}", flush=True)
    finish(start(command))
    return done


def describe(directory: Path) -> str:
    steps = [int(file.stem[5:]) for file in directory.glob("checkpoints/ckpt-*.index")]
    return f"latest checkpoint at step {max(steps)}" if steps else "no checkpoint yet"


def differences(one: Path, other: Path) -> Iterator[str]:
    """Yields the differences between two model directories."""
    weights = [ModelDirectory(path).load_model().get_weights() for path in (one, other)]
    if not all(map(np.array_equal, *weights)):
        yield "the weights of model.keras"
    states = [
        tf.train.load_checkpoint(tf.train.latest_checkpoint(path / "checkpoints"))
        for path in (one, other)
    ]
    for name in states[0].get_variable_to_shape_map():
        # Other entries include the duration of evaluations.
        if name.startswith("variables/") and not np.array_equal(
            *(state.get_tensor(name) for state in states)
        ):
            yield f"{name} in the last checkpoint"
    if records(one) != records(other):
        yield "metrics.jsonl"
    if curves(one) != curves(other):
        yield "the TensorBoard curves"


def records(directory: Path) -> list[dict]:
    """Returns the evaluations without their durations."""
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    return [{**json.loads(line), "seconds": None} for line in lines]


def curves(directory: Path) -> dict[tuple[str, str], list[tuple[int, bytes]]]:
    """Returns the steps and values of each curve, except for speeds."""
    found = {}
    for file in sorted(directory.glob("logs/**/*tfevents*")):
        for event in tf.compat.v1.train.summary_iterator(os.fspath(file)):
            for value in event.summary.value:
                if "second" not in value.tag:
                    point = event.step, value.tensor.SerializeToString()
                    found.setdefault((file.parent.name, value.tag), []).append(point)
    return found


def main():
    tf.get_logger().setLevel("ERROR")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=16)
    parser.add_argument("--train_steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0, help="random seed of the kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        corpus = directory / "corpus"
        write_corpus("copy", corpus, train=1000, dev=50, test=1, vocabulary_size=50, max_length=8)
        began = time.monotonic()
        finish(start(train_command(corpus, directory / "straight", options.train_steps)))
        seconds = time.monotonic() - began
        print(f"uninterrupted: {options.train_steps} steps in {seconds:.0f} s", flush=True)
        done = run_with_kills(
            train_command(corpus, directory / "killed", options.train_steps),
            directory / "killed",
            options.kills,
            # Short intervals, so that the run does not end before the last kill.
            0.3 * seconds,
            random.Random(options.seed),
        )
        print(f"{sum(done.values())} kills: {', '.join(f'{n} {kind}' for kind, n in done.items())}")
        different = list(differences(directory / "straight", directory / "killed"))
        points = sum(map(len, curves(directory / "killed").values()))
        print(
            f"compared: weights, last checkpoint, {len(records(directory / 'killed'))} evaluations "
            f"and {points} curve points"
        )
        print("different: " + ", ".join(different) if different else "bit-identical")
        sys.exit(bool(different))


if __name__ == "__main__":
    main()
