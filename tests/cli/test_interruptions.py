"""Every command that writes something, interrupted at random moments.

After each interruption, nothing is incomplete, and the same command completes the work as if
nothing had happened. The environment variables INTERRUPTIONS and INTERRUPTIONS_SEED change the
number of interruptions and their moments.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from harness.interruptions import SIGNALS, Command, Process, Runner, check_interrupted, read_content

INTERRUPTIONS = int(os.environ.get("INTERRUPTIONS") or 100)
SEED = os.environ.get("INTERRUPTIONS_SEED") or "0"

pytestmark = pytest.mark.slow

PROGRAM = sys.executable, "-m", "keras_seq2seq"
TEXT = (
    "--train_source={data}/corpus/train/sources.txt",
    "--train_target={data}/corpus/train/targets.txt",
    "--dev_source={data}/corpus/dev/sources.txt",
    "--dev_target={data}/corpus/dev/targets.txt",
    "--vocab_source={data}/corpus/vocab.sources.txt",
    "--vocab_target={data}/corpus/vocab.targets.txt",
)
TEST = (
    "--source={data}/corpus/test/sources.txt",
    "--target={data}/corpus/test/targets.txt",
)
TRAINING = (*TEXT, "--batch_size=16", "--hparams=rnn_cell.num_units=64,embedding.dim=32")
SEARCH = (
    *TRAINING,
    "--space={files}/space.yaml",
    "--tuner=grid",
    # Without attention, which takes longer to trace.
    "--model=BasicSeq2Seq",
    "--train_steps=20",
    "--eval_every_n_steps=10",
    "--save_checkpoints_steps=4",
    "--output_dir={out}/search",
)
SPACE = "optimizer.learning_rate: {choice: [0.01, 0.02]}\n"

# The demo takes minutes.
SHORT_DEMO = """
from keras_seq2seq import __main__
from keras_seq2seq.cli import tensorflow_import

def import_tensorflow(before=tensorflow_import.import_tensorflow):
    before()
    from keras_seq2seq import demo
    demo.TRAINING_PAIRS = 300
    demo.FLAGS |= {"train_steps": 20, "eval_every_n_steps": 10, "save_checkpoints_steps": 4}

tensorflow_import.import_tensorflow = import_tensorflow
__main__.main()
"""


def command(*arguments: str, **options) -> Command:
    return Command([*PROGRAM, *arguments], **options)


def export(*flags: str, **options) -> Command:
    directories = "--model_dir={train}/model", "--output_dir={out}/exported"
    return command("export", *directories, *flags, **options)


COMMANDS = {
    "data": command(
        *("data", "reverse", "{out}/corpus", "--train=4000", "--dev=40", "--test=12"),
        *("--vocabulary_size=8", "--max_length=6"),
        outputs="corpus/**/*.txt",
    ),
    "vocab": command("vocab", "{data}/corpus/train/sources.txt", "--output={out}/tokens.vocab"),
    "sentencepiece": command(
        *("vocab", "{data}/corpus/train/sources.txt", "--output={out}/pieces"),
        *("--tokenizer=sentencepiece", "--size=20", "--no_byte_fallback"),
    ),
    "inspect": command("inspect", *TEXT[:2], "--output={out}/page.html"),
    "prepare": command(
        *("prepare", *TEXT, "--output_dir={out}/prepared", "--workers=2", "--shards=2"),
        handles_signals=True,
    ),
    "train": command(
        *("train", *TRAINING, "--output_dir={out}/model"),
        *("--train_steps=60", "--eval_every_n_steps=15", "--save_checkpoints_steps=4"),
        outputs=None,
        handles_signals=True,
    ),
    "average": command(
        *("average", "--model_dir={train}/model", "--last=3", "--output_dir={out}/average")
    ),
    "tune": command("tune", *SEARCH, outputs=None, handles_signals=True),
    "tune with workers": command(
        "tune", *SEARCH, "--workers=2", outputs=None, handles_signals=True
    ),
    "tune --report": command(
        "tune", "--report={out}/search", outputs="search/report.html", copy_of="tune"
    ),
    "export": export(),
    "export int8": export("--quantize=int8"),
    # A new version in the directory of all versions.
    "export saved_model": export("--format=saved_model", outputs="exported/*"),
    "translate": command(
        *("translate", "--model_dir={train}/model", TEST[0], "--beam_width=3"),
        *("--format=jsonl", "--output={out}/translations.jsonl"),
        *("--attention_dir={out}/attention", "--beam_dir={out}/beams"),
    ),
    "translate exported": command(
        *("translate", "--model_dir={export}/exported"),
        *("--source={data}/corpus/train/sources.txt", "--output={out}/translations.txt"),
    ),
    "evaluate": command(
        "evaluate", "--model_dir={train}/model", *TEST, "--json", writes_stdout=True
    ),
    "evaluate files": command(
        *("evaluate", "--hypotheses={data}/corpus/dev/sources.txt"),
        *("--target={data}/corpus/dev/targets.txt", "--json"),
        writes_stdout=True,
    ),
    "score": command("score", "--model_dir={train}/model", *TEST, "--output={out}/scores.txt"),
    "demo": Command(
        [sys.executable, "{files}/demo.py", "demo", "{out}/demo"],
        outputs=None,
        handles_signals=True,
    ),
}

# Where a run writes temporary files.
WRITING = {"checkpoint": "model/checkpoints/ckpt-*_temp", "model": "model/.model-*"}


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> Runner:
    files = tmp_path_factory.mktemp("files")
    (files / "space.yaml").write_text(SPACE)
    (files / "demo.py").write_text(SHORT_DEMO)
    return Runner(COMMANDS, tmp_path_factory.mktemp("runs"), files)


def interrupt(runner: Runner, name: str, path: Path, number: int, rng: random.Random) -> Process:
    """Starts a command, sends a signal at a random moment, and waits for its end."""
    latest = runner.undisturbed(name).seconds
    while True:
        moment = rng.uniform(0, latest)
        process = runner.start(name, path)
        if not process.wait(moment):
            break
        # The machine is faster than before.
        process.end()
        latest *= 0.9
        path = runner.new_directory(name)
    to_group = rng.random() < 0.5
    process.send(number, to_group)
    status = process.end()
    print(
        f"{name}: {signal.Signals(number).name} to the {'group' if to_group else 'process'} after "
        f"{moment:.2f} of {latest:.2f} s, status {status}"
    )
    return process


def complete(runner: Runner, name: str, process: Process):
    """Runs an interrupted command again, if it is not complete, and compares its output."""
    expected = runner.undisturbed(name).content
    is_resumed = COMMANDS[name].outputs is None
    if process.status and (is_resumed or read_content(process.out) != expected):
        process = runner.start(name, process.path)
        assert process.end() == 0, process.errors
    assert_equal_content(read_content(process.out), expected)
    assert process.temporary_files() == []


def assert_equal_content(content: dict, expected: dict):
    assert sorted(content) == sorted(expected)
    assert [name for name in expected if content[name] != expected[name]] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupted_command_can_be_repeated(runner, name):
    place = list(COMMANDS).index(name)
    for repetition, _ in enumerate(range(place, INTERRUPTIONS, len(COMMANDS))):
        number = SIGNALS[(place + repetition) % len(SIGNALS)]
        rng = random.Random(f"{SEED} {name} {repetition}")
        process = interrupt(runner, name, runner.new_directory(name), number, rng)
        check_interrupted(COMMANDS[name], process, number, runner.undisturbed(name).content)
        complete(runner, name, process)


def test_training_killed_repeatedly_while_it_writes(runner):
    path = runner.new_directory("train")
    rng = random.Random(SEED)
    hits = set()
    for kind in [*WRITING] * 2:
        process = runner.start("train", path)
        wait_for_write(process, WRITING[kind], skipped=rng.randrange(2))
        assert process.status is None, f"the run ended before a {kind} was written"
        process.send(signal.SIGKILL)
        process.end()
        hits |= {other for other in WRITING if any(process.out.glob(WRITING[other]))}
        check_interrupted(COMMANDS["train"], process, signal.SIGKILL, {})
    assert hits == set(WRITING)
    complete(runner, "train", process)


def wait_for_write(process: Process, pattern: str, skipped: int):
    """Waits until temporary files appear, for the first time after some that are skipped."""
    was_writing = False
    while process.status is None:
        is_writing = any(process.out.glob(pattern))
        if is_writing and not was_writing:
            if not skipped:
                return
            skipped -= 1
        was_writing = is_writing
        time.sleep(0.0002)
