import pytest
import yaml

from keras_seq2seq.config import resolve_config
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import parse_space, prepare_search, run_search
from keras_seq2seq.tuning.search_plan import SearchPlan

HPARAMS = "rnn_cell.num_units=8,embedding.dim=8,attention.dim=8"


@pytest.fixture
def config(tmp_path):
    lines = [f"A {color} {thing}." for color in "red blue".split() for thing in map(str, range(30))]
    (tmp_path / "a").write_text("".join(f"{line}\n" for line in lines))
    files = {"train_source": tmp_path / "a", "train_target": tmp_path / "a"}
    steps = {"train_steps": 2, "eval_every_n_steps": 2, "sample_translations": 0}
    return resolve_config(flags={**files, **steps}, hparams=HPARAMS)


def test_tokenizers_and_dev_data_are_those_of_all_trials(config, tmp_path, monkeypatch):
    space = parse_space({"batch_size": {"choice": [8, 16]}}, "space.yaml")
    plan = prepare_search(config, space, tmp_path / "search", tuner="grid")
    assert not (tmp_path / "search").exists()
    assert plan.text.notes[0].startswith("dev: drew 3 pairs")
    for name in ("build_tokenizer", "draw_dev"):
        monkeypatch.setattr(
            f"keras_seq2seq.training.text.{name}", lambda *args: pytest.fail("not only once")
        )
    result = run_search(plan)
    assert len(result.records) == 2
    expected = (tmp_path / "search" / "text" / "dev.source").read_bytes()
    assert expected
    for record in result.records:
        path = plan.directory.trial_path(record.trial)
        assert (path / "dev.source").read_bytes() == expected
        for side in ("source", "target"):
            names = [file.name for file in path.glob(f"{side}.*")]
            assert names
            for name in names:
                stored = tmp_path / "search" / "text" / name
                assert (path / name).read_bytes() == stored.read_bytes()
    # Repeating the command uses them too.
    prepare_search(config, space, tmp_path / "search", tuner="grid")
    assert SearchPlan.load(tmp_path / "search").text is None


def test_other_data_are_an_error(config, tmp_path):
    space = parse_space({"batch_size": {"choice": [8, 16]}}, "space.yaml")
    prepare_search(config, space, tmp_path / "search", tuner="grid").save()
    prepare_search(config, space, tmp_path / "search", tuner="grid")
    lines = (tmp_path / "a").read_text().splitlines()
    (tmp_path / "a").write_text("".join(f"{line}\n" for line in lines[::-1]))
    for resume in ("auto", "must"):
        with pytest.raises(UserError, match="--train_source: not the text that this search star"):
            prepare_search(config, space, tmp_path / "search", tuner="grid", resume=resume)
    prepare_search(config, space, tmp_path / "search", tuner="grid", resume="never")
    # A search of an earlier version, which did not record them.
    path = tmp_path / "search" / "search.yaml"
    options = yaml.safe_load(path.read_text())
    assert set(options.pop("data")) >= {"train_source", "vocab_target"}
    path.write_text(yaml.safe_dump(options))
    prepare_search(config, space, tmp_path / "search", tuner="grid")


def test_starting_over_deletes_no_input(config, tmp_path):
    space = parse_space({"batch_size": {"choice": [8, 16]}}, "space.yaml")
    directory = prepare_search(config, space, tmp_path / "search", tuner="grid").directory
    directory.best_path.mkdir(parents=True)
    directory.search_path.touch()
    config = config.model_copy(update={"init_from": str(directory.best_path)})
    with pytest.raises(UserError, match="best/model.keras: would be deleted by --resume never"):
        prepare_search(config, space, directory.path, tuner="grid", resume="never")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("optimizer.lr_decay_type=cosine, optimizer.lr_warmup_steps=6", "optimizer.lr_decay_type"),
        ("", "--profile_steps ends with step 8"),
    ],
)
def test_the_shortest_trials_are_checked_too(make_plan, options, message):
    # 6 steps per epoch
    flags = {"batch_size": 8} | ({} if options else {"profile_steps": (5, 8)})
    space = {"rnn_cell.num_units": {"choice": [8, 16]}}
    make_plan(space, options, flags, max_epochs=9, tuner="grid")
    with pytest.raises(UserError, match=f"hyperband's shortest trials have 6 steps: {message}"):
        make_plan(space, options, flags, max_epochs=9)


def test_a_search_of_a_version_that_stored_its_own_checkpoint_options_is_resumed(config, tmp_path):
    space = parse_space({"batch_size": {"choice": [8, 16]}}, "space.yaml")
    prepare_search(config, space, tmp_path / "search", tuner="grid").save()
    path = tmp_path / "search" / "search.yaml"
    options = yaml.safe_load(path.read_text())
    options["config"] |= {"keep_checkpoint_max": 1, "keep_checkpoint_every_n_hours": 0.0}
    path.write_text(yaml.safe_dump(options))
    prepare_search(config, space, tmp_path / "search", tuner="grid")
