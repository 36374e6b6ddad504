"""Writing down what each step of a loop gives."""

import numpy as np
from harness import numbers_of
from keras import ops


def test_entries_come_to_their_places(functions):
    def entry(rows, seed):
        numbers = np.random.default_rng(seed).integers(1, 9, size=(rows, 2))
        return {
            "ids": ops.convert_to_tensor(numbers[:, 0].astype("int32")),
            "scores": (ops.convert_to_tensor(numbers.astype("float32")), ()),
            "ends": ops.convert_to_tensor(numbers[:, 1] > 4),
        }

    def integers(*values):
        return ops.convert_to_tensor(np.array(values, "int32"))

    first, second, third = entry(3, 0), entry(2, 1), entry(1, 2)
    record = functions.make_step_log(first, 5)
    written = record.write(record.empty(), first, integers(0, 0, 0), integers(0, 1, 2))
    written = record.write(written, second, integers(1, 1), integers(2, 0))
    # The first one is done, and goes on writing beyond what is read.
    written = record.write(written, entry(2, 3), integers(3, 2), integers(0, 0))
    written = record.write(written, third, integers(2), integers(2))
    found = record.read(written, 3)

    expected = np.zeros((3, 3, 2), "float32")
    expected[0] = numbers_of(first["scores"][0])
    expected[1, [2, 0]] = numbers_of(second["scores"][0])
    expected[2, 2] = numbers_of(third["scores"][0])[0]
    assert found["scores"][1] == ()
    is_other = np.arange(9).reshape(3, 3) == 6  # written by the one that is done
    scores = np.where(is_other[:, :, None], 0, numbers_of(found["scores"][0]))
    np.testing.assert_array_equal(scores, expected)
    np.testing.assert_array_equal(np.where(is_other, 0, numbers_of(found["ids"])), expected[..., 0])
    ends = np.where(is_other, False, numbers_of(found["ends"]))
    np.testing.assert_array_equal(ends, expected[..., 1] > 4)
