import pytest

from keras_seq2seq.config import resolve_config
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
