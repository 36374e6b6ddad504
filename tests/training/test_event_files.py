import os

import pytest
import tensorflow as tf

from keras_seq2seq.training import forget_events_after


def write(path, points):
    with tf.summary.create_file_writer(os.fspath(path)).as_default():
        for step, value in points:
            tf.summary.scalar("loss", value, step)


def read(path):
    points = []
    for file in sorted(path.rglob("*tfevents*")):
        for event in tf.compat.v1.train.summary_iterator(os.fspath(file)):
            for value in event.summary.value:
                points.append((event.step, float(tf.make_ndarray(value.tensor))))
    return points


@pytest.mark.parametrize("step", [-1, 0, 15, 20, 21, 30, 99])
def test_keeps_the_events_up_to_a_step(tmp_path, step):
    points = [(0, 9.0), (10, 8.0), (20, 7.0), (20, 6.5), (30, 6.0)]
    write(tmp_path / "train", points)
    write(tmp_path / "dev", points[2:])
    kept = [point for point in points if point[0] <= step]
    kept_of_dev = [point for point in points[2:] if point[0] <= step]
    for _ in range(2):
        forget_events_after(tmp_path, step)
        assert read(tmp_path / "train") == kept
        assert read(tmp_path / "dev") == kept_of_dev


@pytest.mark.parametrize("cut", [1, 5, 13, 30])
def test_what_is_half_written_goes(tmp_path, cut):
    write(tmp_path, [(10, 8.0), (20, 7.0)])
    (file,) = tmp_path.iterdir()
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size - cut)
    forget_events_after(tmp_path, 30)
    assert read(tmp_path) == [(10, 8.0)]


def test_there_may_be_nothing(tmp_path):
    forget_events_after(tmp_path / "logs", 10)
