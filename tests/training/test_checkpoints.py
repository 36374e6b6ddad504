import os

import keras
import numpy as np
import pytest

from keras_seq2seq.errors import RunError
from keras_seq2seq.schedules import Plateau, WarmUp
from keras_seq2seq.training import Checkpoints


def make_model(units=2):
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(units)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def save(path, steps, **options):
    """Saves models whose weights are their steps."""
    model = make_model()
    checkpoints = Checkpoints(path, model, **options)
    for step in steps:
        model.set_weights([np.full(weights.shape, step) for weights in model.get_weights()])
        checkpoints.save({"step": step, "note": f"ä{step}"})
    return checkpoints


def restored_step(path, warn=pytest.fail):
    model = make_model()
    notes = Checkpoints(path, model).restore(warn)
    for weights in model.get_weights():
        assert np.all(weights == notes["step"])
    return notes["step"]


def steps_in(path):
    return sorted(int(file.stem.removeprefix("ckpt-")) for file in path.glob("*.index"))


def cut_off(path, keep=0.5):
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * keep))


def data_of(path, step):
    return path / f"ckpt-{step}.data-00000-of-00001"


def test_the_newest_comes_back_with_its_notes(tmp_path):
    save(tmp_path, [1, 2, 3])
    assert restored_step(tmp_path) == 3
    assert Checkpoints(tmp_path, make_model()).restore() == {"step": 3, "note": "ä3"}


def test_the_state_of_the_optimizer_and_of_the_metrics_comes_back(tmp_path):
    model = make_model()
    x, y = np.array([[1.0], [2.0]]), np.array([[1.0, 3.0], [0.0, 1.0]])
    model.fit(x, y, epochs=3, verbose=0)
    Checkpoints(tmp_path, model).save({"step": 3})
    other = make_model()
    checkpoints = Checkpoints(tmp_path, other)
    checkpoints.restore()
    assert int(other.optimizer.iterations) == 3
    assert float(other.metrics[0].result()) == float(model.metrics[0].result())
    other.reset_metrics()
    checkpoints.restore_metrics()
    assert float(other.metrics[0].result()) == float(model.metrics[0].result())
    for one in (model, other):
        one.fit(x, y, verbose=0)
    for weights, others in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, others)


def test_a_model_with_metrics_comes_back_before_its_first_batch(tmp_path):
    def make_compiled():
        model = make_model()
        model.compile("adam", "mse", metrics=["mae"])
        return model

    def fit(model, **options):
        model.fit(np.array([[1.0]]), np.array([[1.0, 3.0]]), verbose=0, **options)

    model = make_compiled()
    checkpoints = Checkpoints(tmp_path, model)
    fit(model, epochs=3)
    checkpoints.save({"step": 3})
    other = make_compiled()
    assert Checkpoints(tmp_path, other).restore() == {"step": 3}
    for one in (model, other):
        fit(one)
    for weights, others in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, others)


def test_an_optimizer_that_was_never_used_is_saved_too(tmp_path):
    def make_compiled():
        model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        return model

    model = make_compiled()
    checkpoints = Checkpoints(tmp_path, model)
    model.fit(np.array([[1.0]]), np.array([[1.0, 3.0]]), epochs=2, verbose=0)
    checkpoints.save({"step": 2})
    other = make_compiled()
    Checkpoints(tmp_path, other).restore()
    assert int(other.optimizer.iterations) == 2
    for one, two in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("wrap", [lambda plateau: plateau, lambda plateau: WarmUp(plateau, 2)])
@pytest.mark.parametrize("is_attribute", [False, True])
def test_the_state_of_a_plateau_comes_back(tmp_path, wrap, is_attribute):
    def make():
        model, plateau = make_model(), Plateau(1.0, patience=2)
        optimizer = keras.optimizers.SGD(wrap(plateau))
        if is_attribute:
            optimizer.plateau_state = plateau.state
        model.compile(keras.optimizers.LossScaleOptimizer(optimizer), "mse")
        model.optimizer.build(model.trainable_variables)
        return Checkpoints(tmp_path, model), plateau

    checkpoints, plateau = make()
    for step in range(4):
        plateau.observe({"step": step, "dev_loss": 1.0})
    checkpoints.save({"step": 3})
    checkpoints, other = make()
    assert checkpoints.restore() == {"step": 3}
    np.testing.assert_array_equal(other.state, plateau.state)
    assert other.state.numpy().tolist() == [0.5, 1.0, 1.0]


def test_nothing_to_restore(tmp_path):
    checkpoints = Checkpoints(tmp_path, make_model())
    assert not checkpoints
    assert checkpoints.restore() is None
    checkpoints.restore_metrics()


def test_the_oldest_go(tmp_path):
    save(tmp_path, range(1, 8), max_to_keep=3)
    assert steps_in(tmp_path) == [5, 6, 7]


def test_all_may_be_kept(tmp_path):
    save(tmp_path, range(1, 8), max_to_keep=0)
    assert steps_in(tmp_path) == list(range(1, 8))


def test_some_are_kept_for_good(tmp_path):
    # 36 microseconds: what is swept away is always old enough to stay.
    save(tmp_path, range(1, 6), max_to_keep=2, keep_every_n_hours=1e-8)
    assert steps_in(tmp_path) == [1, 2, 3, 4, 5]


def flip_a_bit(path):
    content = bytearray(data_of(path, 3).read_bytes())
    content[len(content) // 2] ^= 1
    data_of(path, 3).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: cut_off(data_of(path, 3)),
        lambda path: cut_off(data_of(path, 3), keep=0),
        lambda path: cut_off(path / "ckpt-3.index"),
        lambda path: data_of(path, 3).unlink(),
        lambda path: (path / "ckpt-3.index").unlink(),
        flip_a_bit,
    ],
    ids=["half", "empty", "half_index", "no_data", "no_index", "flipped_bit"],
)
def test_a_damaged_one_falls_back_to_the_one_before(tmp_path, damage):
    save(tmp_path, [1, 2, 3])
    damage(tmp_path)
    warnings = []
    assert restored_step(tmp_path, warnings.append) == 2
    assert len(warnings) == 1
    assert "ckpt-3: damaged checkpoint (" in warnings[0]
    assert warnings[0].endswith("; trying the previous one")
    assert "\n" not in warnings[0]


def test_a_warning_is_the_default(tmp_path):
    save(tmp_path, [1, 2])
    cut_off(data_of(tmp_path, 2))
    with pytest.warns(UserWarning, match="ckpt-2: damaged checkpoint"):
        Checkpoints(tmp_path, make_model()).restore()


def test_goes_on_where_the_newest_was_damaged(tmp_path):
    save(tmp_path, [1, 2, 3])
    cut_off(data_of(tmp_path, 3))
    model = make_model()
    checkpoints = Checkpoints(tmp_path, model)
    checkpoints.restore([].append)
    model.set_weights([np.full(weights.shape, 3) for weights in model.get_weights()])
    checkpoints.save({"step": 3})
    assert restored_step(tmp_path) == 3


def test_the_managers_own_file_may_be_damaged(tmp_path):
    save(tmp_path, [1, 2, 3])
    cut_off(tmp_path / "checkpoint")
    assert restored_step(tmp_path) == 3


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\xff\x00garbage",
        b"[1]",
        b'model_checkpoint_path: "ckpt-1"\nall_model_checkpoint_paths: "ckpt-1"\n',
        b'model_checkpoint_path: "/x/ckpt-9"\nall_model_checkpoint_paths: "/x/ckpt-9"\n',
    ],
    ids=["missing", "empty", "garbage", "json", "old", "elsewhere"],
)
def test_checkpoints_are_found_without_their_list(tmp_path, content):
    save(tmp_path, [1, 2, 3])
    (tmp_path / "checkpoint").unlink()
    if content is not None:
        (tmp_path / "checkpoint").write_bytes(content)
    assert restored_step(tmp_path) == 3
    # The manager knows them again, and deletes the oldest ones.
    save(tmp_path, [4], max_to_keep=2)
    assert steps_in(tmp_path) == [3, 4]


def test_files_with_other_names_are_ignored(tmp_path):
    save(tmp_path, [1, 2])
    for name in ("ckpt-best.index", "ckpt-007.index", "ckpt-3x.index", "ckpt-.index"):
        (tmp_path / name).touch()
    assert restored_step(tmp_path) == 2
    assert (tmp_path / "ckpt-best.index").exists()


def test_never_begins_anew_where_all_are_damaged(tmp_path):
    save(tmp_path, [1, 2])
    for step in (1, 2):
        cut_off(data_of(tmp_path, step))
    with pytest.raises(RunError, match="none of the 2 checkpoints can be read"):
        Checkpoints(tmp_path, make_model()).restore([].append)


def test_what_a_kill_within_a_write_leaves_is_removed(tmp_path):
    save(tmp_path, [1, 2])
    (tmp_path / "ckpt-3_temp").mkdir()
    (tmp_path / "ckpt-3_temp" / "part-00000-of-00001.data-00000-of-00001.tempstate1").touch()
    (tmp_path / "checkpoint.tmp0123").touch()
    data_of(tmp_path, 3).touch()
    (tmp_path / "mine.txt").touch()
    assert restored_step(tmp_path) == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "checkpoint",
        "ckpt-1.data-00000-of-00001",
        "ckpt-1.index",
        "ckpt-2.data-00000-of-00001",
        "ckpt-2.index",
        "mine.txt",
    ]


def test_refuses_those_of_another_model(tmp_path):
    save(tmp_path, [1])
    with pytest.raises(RunError, match="ckpt-1: checkpoint of another model"):
        Checkpoints(tmp_path, make_model(units=3)).restore()


def test_saves_no_weights_that_are_no_numbers(tmp_path):
    with pytest.raises(FloatingPointError, match="dense.*kernel is not finite"):
        save(tmp_path, [1, np.nan])
    assert restored_step(tmp_path) == 1


def test_a_full_disk_leaves_the_earlier_ones_whole(small_disk):
    checkpoints = save(small_disk, [1, 2])
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
    (small_disk / "others").write_bytes(bytes(free))
    with pytest.raises(RunError, match="step 3 cannot be written .*No space left on device"):
        checkpoints.save({"step": 3})
    assert restored_step(small_disk) == 2
    (small_disk / "others").unlink()
    checkpoints.save({"step": 2})
    assert restored_step(small_disk) == 2


@pytest.mark.parametrize("name", ["run[lr=0.1]", "a*b?", os.fsdecode(b"\xff")])
def test_the_path_is_no_pattern(tmp_path, name):
    path = tmp_path / name / "checkpoints"
    save(path, [1, 2, 3], max_to_keep=2)
    assert restored_step(path) == 3
    assert steps_in(path) == [2, 3]
    assert not list(path.glob("ckpt-1.*"))
    cut_off(data_of(path, 3))
    warnings = []
    assert restored_step(path, warnings.append) == 2
    assert len(warnings) == 1 and str(path) in warnings[0]
