from types import SimpleNamespace

import pytest

from keras_seq2seq import training
from keras_seq2seq.cli.data_report import describe_plan
from keras_seq2seq.config import Config
from keras_seq2seq.data import Batching, ParallelTextSummary, TextSummary, scan_parallel_text
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.text import TextEncoder, Vocabulary

# As google/seq2seq's documentation has it.
ORIGINAL_ARGS = [
    "--train_source=data/train.sources.txt",
    "--train_target=data/train.targets.txt",
    "--dev_source=data/dev.sources.txt",
    "--dev_target=data/dev.targets.txt",
    "--vocab_source=data/vocab_source",
    "--vocab_target=data/vocab_target",
    "--model",
    "AttentionSeq2Seq",
    "--batch_size=16",
    "--hparams=rnn_cell.num_layers=2,\n"
    "  rnn_cell.type=GRUCell,\n"
    "  rnn_cell.num_units=128,\n"
    "  source.max_seq_len=40,\n"
    "  target.max_seq_len=40",
    "--output_dir=/path/to/model/dir",
    "--buckets=10,15,20,25,30,35",
]


PAIRS, ENCODER = as_pairs([("a", "a")], None), TextEncoder(Vocabulary(["a"]))
TEXT = {"train": PAIRS, "dev": PAIRS, "source": ENCODER, "target": ENCODER}


def fake_summary():
    side = TextSummary("file", tokens=4, unknown_tokens=1, truncated=0, longest=5, sha256="")
    lengths = {(2, 3): 1, (4, 3): 1}
    return ParallelTextSummary(lines=3, empty_pairs=1, source=side, target=side, lengths=lengths)


@pytest.fixture
def calls(monkeypatch):
    """Stands for the training: the configuration, the directory and the trained plans."""
    calls = SimpleNamespace(config=None, output_dir=None, resume=None, trained=[])

    def plan_training(config, output_dir, resume):
        calls.config, calls.output_dir, calls.resume = config, output_dir, resume
        return SimpleNamespace(
            config=config,
            steps=1500,
            initial_weights=None,
            notes=(),
            **TEXT,
            batching=Batching(((3, 4),), (32, 32)),
            train_summary=fake_summary(),
            dev_summary=fake_summary(),
            model=SimpleNamespace(summary=lambda: print("the model's summary")),
        )

    monkeypatch.setattr(training, "plan_training", plan_training)
    monkeypatch.setattr(training, "train", calls.trained.append)
    return calls


def test_the_original_command_line(run, calls):
    result = run("train", *ORIGINAL_ARGS)
    assert result.status == 0
    assert calls.output_dir == "/path/to/model/dir"
    assert calls.config == Config(
        model="AttentionSeq2Seq",
        train_source="data/train.sources.txt",
        train_target="data/train.targets.txt",
        dev_source="data/dev.sources.txt",
        dev_target="data/dev.targets.txt",
        vocab_source="data/vocab_source",
        vocab_target="data/vocab_target",
        batch_size=16,
        buckets=(10, 15, 20, 25, 30, 35),
        hparams={
            "rnn_cell": {"num_layers": 2, "type": "GRUCell", "num_units": 128},
            "source": {"max_seq_len": 40},
            "target": {"max_seq_len": 40},
        },
    )
    assert [plan.config for plan in calls.trained] == [calls.config]
    assert "keras-seq2seq translate --model_dir /path/to/model/dir" in result.errors


def test_the_data_and_the_length_are_shown(run, calls):
    errors = run("train", "--output_dir=dir").errors
    assert errors.startswith(
        "train: 2 pairs (skipped 1 pair with an empty side)\n  source: 4 tokens, 25.0% unknown\n"
    )
    assert "1,500 steps of 32 pairs\n" in errors
    assert "2 buckets: about 0.0% of the source and 0.0% of the target is padding\n" in errors


def test_counts_of_one_are_in_the_singular(run, calls, monkeypatch):
    side = TextSummary("file", tokens=1, unknown_tokens=0, truncated=1, longest=1, sha256="")
    summary = ParallelTextSummary(
        lines=2, empty_pairs=1, source=side, target=side, lengths={(2, 3): 1}
    )
    plan = SimpleNamespace(
        config=Config(),
        steps=1,
        initial_weights=None,
        notes=(),
        **TEXT,
        batching=Batching((), (1,)),
        train_summary=summary,
        dev_summary=summary,
    )
    text = describe_plan(plan)
    assert text.startswith(
        "train: 1 pair (skipped 1 pair with an empty side)\n"
        "  source: 1 token, 0.0% unknown, 1 sequence truncated to source.max_seq_len=40\n"
    )
    assert "\n1 step of 1 pair\n1 bucket: " in text
    assert max(map(len, text.splitlines())) <= 80


def test_much_truncation_and_many_unknown_tokens_are_warnings(tmp_path):
    (tmp_path / "source").write_text("a b c d e f\n" * 80 + "a b\n" * 20)
    (tmp_path / "target").write_text("x y\n" * 99 + "x y z z z z\n")
    source, target = TextEncoder(Vocabulary("abcde"), 5), TextEncoder(Vocabulary("xy"), 5)
    summary = scan_parallel_text(tmp_path / "source", tmp_path / "target", source, target)
    config = Config(
        vocab_source="vocab", hparams={"source": {"max_seq_len": 5}, "target": {"max_seq_len": 5}}
    )
    plan = SimpleNamespace(
        config=config,
        steps=1,
        initial_weights=None,
        notes=(),
        **TEXT,
        batching=Batching((), (1,)),
        train_summary=summary,
        dev_summary=summary,
    )
    warnings = [line for line in describe_plan(plan).splitlines() if line.startswith("warning")]
    # 80 of 100 sources have six tokens and the end token; 80 of 520 tokens are the unknown f.
    # Only one of 100 targets is too long, and 4 of 204 tokens are unknown.
    assert warnings == 2 * [
        f"warning: source.max_seq_len=5 truncates 80.0% of the sequences of {tmp_path}/source; "
        "source.max_seq_len=7 would fit 99% of them",
        f"warning: 15.4% of the tokens of {tmp_path}/source are not in the vocabulary; build a "
        "larger one for --vocab_source, or correct source.tokenizer (whitespace)",
    ]


def test_flags_may_be_spelled_with_dashes(run, calls):
    run("train", "--output-dir", "dir", "--eval-every-n-steps=7", "--tf-random-seed=3")
    assert (calls.output_dir, calls.config.eval_every_n_steps, calls.config.seed) == ("dir", 7, 3)


def test_flags_beat_files_and_later_files_earlier_ones(run, calls, tmp_path):
    first, second = tmp_path / "1.yaml", tmp_path / "2.yaml"
    first.write_text("batch_size: 1\ntrain_steps: 1\nseed: 1\n")
    second.write_text("batch_size: 2\ntrain_steps: 2\n")
    run("train", f"--config={first}", f"--config={second}", "--batch_size=3", "--output_dir=dir")
    config = calls.config
    assert (config.batch_size, config.train_steps, config.seed) == (3, 2, 1)


def test_the_originals_flags_for_checkpoints(run, calls):
    run(
        "train",
        "--output_dir=dir",
        "--save_checkpoints_secs=90",
        "--keep_checkpoint_max=3",
        "--keep_checkpoint_every_n_hours=2",
        "--resume=must",
    )
    assert calls.config == Config(
        save_checkpoints_secs=90, keep_checkpoint_max=3, keep_checkpoint_every_n_hours=2
    )
    assert calls.resume == "must"


def test_going_on_is_automatic(run, calls):
    run("train", "--output_dir=dir")
    assert calls.resume == "auto"


def test_starting_over_keeps_the_files_that_are_read(run, calls, tmp_path):
    file = tmp_path / "model" / "logs" / "file.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("batch_size: 16\n")
    args = ["--config", file, "--output_dir", tmp_path / "model", "--resume", "never"]
    result = run("train", *args)
    assert (result.status, calls.trained) == (2, [])
    assert "logs/file.yaml: would be deleted by --resume never" in result.errors


def test_hparams_may_be_given_in_parts(run, calls):
    parts = ["--hparams=rnn_cell.num_units=8,", "--hparams", "attention.dim=4"]
    run("train", *parts, "--output_dir=dir")
    hparams = calls.config.hparams
    assert (hparams.rnn_cell.num_units, hparams.attention.dim) == (8, 4)


def test_steps_may_be_written_as_a_power(run, calls):
    run("train", "--train_steps=1e6", "--output_dir=dir")
    assert calls.config.train_steps == 1_000_000


@pytest.mark.parametrize(
    ("arg", "message"),
    [
        ("--batch_size=0", "--batch_size: expected a whole number of at least 1, got 0"),
        ("--batch_size=abc", '--batch_size: expected a whole number of at least 1, got "abc"'),
        ("--batch_size=", '--batch_size: expected a whole number of at least 1, got ""'),
        ("--batch_size=[", '--batch_size: expected a whole number of at least 1, got "["'),
        ("--batch_size=true", '--batch_size: expected a whole number of at least 1, got "true"'),
        ("--model=Transformer", "--model: expected AttentionSeq2Seq or BasicSeq2Seq"),
        ("--buckets=20,10", "--buckets: expected increasing whole numbers"),
        ("--save_checkpoints_steps=0", "--save_checkpoints_steps: expected a whole number of at"),
        ("--keep_checkpoint_max=-1", "--keep_checkpoint_max: expected a whole number of at least"),
        ("--hparams=rnn_cell.units=3", '--hparams: unknown option "rnn_cell.units"'),
    ],
)
def test_wrong_values_are_refused_in_one_line(run, calls, arg, message):
    result = run("train", arg, "--output_dir=dir")
    assert result.status == 2
    assert result.errors.startswith(f"keras-seq2seq: error: {message}")
    assert result.errors.count("\n") == 1
    assert calls.config is None


def test_a_dry_run_shows_everything_and_trains_nothing(run, calls, tmp_path):
    result = run("train", *ORIGINAL_ARGS, "--dry_run")
    yaml, summary = result.output.split("\n\n")
    assert summary == "the model's summary\n"
    assert calls.trained == []
    (tmp_path / "config.yaml").write_text(yaml)
    assert Config.load(tmp_path / "config.yaml") == calls.config


def test_what_is_shown_can_be_chosen(run, calls):
    flags = "--tensorboard_embeddings=false", "--sample-translations=0", "--profile_steps=5,7"
    assert run("train", *ORIGINAL_ARGS, *flags).status == 0
    config = calls.config
    assert config.tensorboard_embeddings is False
    assert (config.sample_translations, config.profile_steps) == (0, (5, 7))


def test_an_interrupted_training_has_the_status_of_an_interrupt(run, calls, monkeypatch):
    def interrupted(plan):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    assert run("train", "--output_dir=dir").status == 130


@pytest.mark.parametrize(
    "name", ["batch_size", "eval_every_n_steps", "best_metric", "keep_checkpoint_max", "seed"]
)
def test_the_help_page_has_the_defaults_of_the_configuration(run, name):
    option = run("train", "--help").output.split(f"--{name}")[1].split("\n  -")[0]
    assert " ".join(option.split()).endswith(f"[default: {getattr(Config(), name)}]")


def test_every_option_of_the_configuration_is_a_flag(run):
    page = run("train", "--help").output
    assert [name for name in Config.model_fields if f"--{name}" not in page] == []
