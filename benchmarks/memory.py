"""Memory of a long training run at each evaluation.

    python benchmarks/memory.py --pairs 1000000 --epochs 3

Trains a tiny model with `keras-seq2seq train`, which translates the dev data at each evaluation,
and reads the peak of its resident memory from /proc. Exits with status 1 if the peak grows by more
than 5 % after the first evaluation.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH_SIZE = 500
HPARAMS = "rnn_cell.num_units=8, embedding.dim=8, attention.dim=8, inference.max_decode_length=12"
ALLOWED_GROWTH = 0.05


def write_corpus(directory: Path, pairs: int):
    command = [sys.executable, "-m", "keras_seq2seq", "data", "copy", directory]
    sizes = ["--train", pairs, "--dev", 1000, "--test", 1, "--max_length", 10]
    subprocess.run(list(map(str, command + sizes)), check=True, stdout=subprocess.DEVNULL)


def start(corpus: Path, output_dir: Path, epochs: int, eval_every: int) -> subprocess.Popen:
    sides = "source", "target"
    command = [
        *(sys.executable, "-m", "keras_seq2seq", "train", f"--output_dir={output_dir}"),
        *(f"--train_{side}={corpus}/train/{side}s.txt" for side in sides),
        *(f"--dev_{side}={corpus}/dev/{side}s.txt" for side in sides),
        *(f"--vocab_{side}={corpus}/vocab.{side}s.txt" for side in sides),
        *(f"--batch_size={BATCH_SIZE}", "--buckets=4,7", f"--train_epochs={epochs}"),
        *(f"--eval_every_n_steps={eval_every}", "--best_metric=bleu", f"--hparams={HPARAMS}"),
    ]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def peak_mb(pid: int) -> float:
    """Returns the peak resident memory of a running process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1000


def finished_evaluations(directory: Path) -> int:
    """Returns the number of evaluations whose checkpoints have been written."""
    log = directory / "metrics.jsonl"
    if not log.exists():
        return 0
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    saved = (directory / "checkpoints" / f"ckpt-{steps[-1]}.index").exists()
    return len(steps) if saved else len(steps) - 1


def watch(process: subprocess.Popen, directory: Path) -> list[float]:
    """Prints and returns the peak memory after each evaluation."""
    peaks, last = [], 0.0
    while process.poll() is None:
        try:
            last = peak_mb(process.pid)
        except (AttributeError, FileNotFoundError):  # The process has just ended.
            break
        done = finished_evaluations(directory)
        if done > len(peaks):
            peaks += [last] * (done - len(peaks))
            print(f"evaluation {done}: peak {last:,.0f} MB", flush=True)
        time.sleep(0.2)
    if process.wait():
        sys.exit(f"training failed with status {process.returncode}")
    return [*peaks, last]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--evaluations", type=int, default=12)
    options = parser.parse_args()
    steps = options.pairs * options.epochs // BATCH_SIZE
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        write_corpus(directory / "corpus", options.pairs)
        eval_every = max(steps // options.evaluations, 1)
        process = start(directory / "corpus", directory / "model", options.epochs, eval_every)
        peaks = watch(process, directory / "model")
    growth = peaks[-1] / peaks[0] - 1
    print(
        f"{options.pairs:,} pairs, {options.epochs} epochs: peak {peaks[0]:,.0f} MB at the first "
        f"evaluation, {peaks[-1]:,.0f} MB at the end, {growth:+.1%}"
    )
    sys.exit(growth > ALLOWED_GROWTH)


if __name__ == "__main__":
    main()
