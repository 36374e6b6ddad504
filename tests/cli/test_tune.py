import pytest

DATA = [
    f"--{name}=nothing.txt"
    for name in (
        "train_source", "train_target", "dev_source", "dev_target", "vocab_source", "vocab_target"
    )
]  # fmt: skip


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("batch_size: {choice: [16, 32]}\n")
    return path


@pytest.fixture
def tune(run, space, tmp_path):
    def tune_with(*options):
        return run("tune", "--space", space, "--output_dir", tmp_path / "search", *DATA, *options)

    return tune_with


def test_takes_the_data_flags_of_train(run):
    page = run("tune", "--help").output
    for name in ("--train_source", "--dev_target", "--hparams", "--buckets", "--config", "--seed"):
        assert name in page
    assert "--best_metric" not in page and "--dry_run" not in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tuner=hyperbant"], 'unknown tuner "hyperbant"; did you mean hyperband?'),
        (["--objective=dev_blue"], 'unknown objective "dev_blue"; did you mean dev_bleu?'),
        (["--objective="], 'unknown objective ""; '),
        (["--tuner=random"], "set --max_trials or --budget_minutes"),
        (
            ["--max_epochs=3", "--train_steps=10"],
            "cannot be combined with train_steps",
        ),
        (
            ["--config=epochs.yaml", "--train_steps=10"],
            "--tuner hyperband needs one length of the longest trial, but both train_steps and",
        ),
        (["--max_trials=0"], "expected a whole number of at least 1"),
        (["--budget_minutes=nan"], 'expected a number from 0.01 to 1000000, got "nan"'),
        (["--budget_minutes=inf"], 'expected a number from 0.01 to 1000000, got "inf"'),
        (["--batch_size=none"], "--batch_size: expected a whole number"),
        (["--resume=must"], "contains no search to resume"),
        ([], "nothing.txt"),
    ],
)
def test_mistakes_are_told_before_the_first_trial(tune, tmp_path, monkeypatch, options, message):
    (tmp_path / "epochs.yaml").write_text("train_epochs: 3\n")
    monkeypatch.chdir(tmp_path)
    result = tune(*options)
    assert result.status == 2
    assert message in result.errors
    assert not (tmp_path / "search").exists()


def test_a_space_that_the_configuration_refuses(tune, space, tmp_path):
    space.write_text("optimizer.learning_rate: {choice: [-1]}\n")
    result = tune()
    assert result.status == 2
    assert "space.yaml: optimizer.learning_rate: expected a number above 0, got -1" in result.errors


@pytest.mark.parametrize("missing", ["--space", "--output_dir"])
def test_needs_a_space_and_a_directory(run, tmp_path, missing):
    options = {"--space": "space.yaml", "--output_dir": "search"}
    del options[missing]
    result = run("tune", *(f"{name}={value}" for name, value in options.items()))
    assert result.status == 2
    assert f"Missing option '{missing}'" in result.errors


def test_a_report_needs_a_search(run, tmp_path):
    result = run("tune", "--report", tmp_path)
    assert result.status == 2
    assert "contains no search" in result.errors


def test_nothing_stands_beside_a_report(run, tmp_path):
    result = run("tune", "--report", tmp_path, "--max_trials", 3)
    assert result.status == 2
    assert "--max_trials has no effect with --report" in result.errors
    result = run("tune", "--report", tmp_path, "--config", "x.yaml")
    assert "--config has no effect with --report" in result.errors


def test_a_space_in_place_of_the_search_is_not_a_damaged_search(tune, tmp_path):
    space = tmp_path / "search" / "search.yaml"
    space.parent.mkdir()
    space.write_text("batch_size: {choice: [8, 16]}\n")
    result = tune("--space", space)
    assert result.status == 2
    assert f"{space}: not written by a search; move it, or choose another" in result.errors


@pytest.mark.parametrize("option", ["--space", "--config"])
def test_starting_over_keeps_the_files_that_are_read(tune, tmp_path, option):
    file = tmp_path / "search" / "best" / "file.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("batch_size: 16\n")
    result = tune(option, file, "--resume", "never")
    assert result.status == 2
    assert "best/file.yaml: would be deleted by --resume never" in result.errors
    assert file.exists()
