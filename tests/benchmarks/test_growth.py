import pytest
from growth import Point, build, matrix_gflop


def products_of_weights(point):
    """Returns two operations per weight of a product, for one source and one target token."""
    weights = build(point).trainable_weights
    matrices = [
        weight
        for weight in weights
        if len(weight.shape) == 2 and not any(part in weight.path for part in ("embed", "bridge"))
    ]
    return 2 * sum(rows * columns for rows, columns in (weight.shape for weight in matrices))


@pytest.mark.parametrize("layers", [1, 3])
def test_operations_include_all_weights_and_the_context(layers):
    point = Point(length=1, units=8, layers=layers, vocabulary=50, batch=1)
    context = 2 * 2 * point.units  # weighted sum of the encoder outputs
    assert matrix_gflop(point) == pytest.approx(3e-9 * (products_of_weights(point) + context))


def test_operations_grow_with_batch_and_length():
    point = Point(length=1, units=8, vocabulary=50, batch=1)
    wide, long = Point(1, 8, 1, 50, 5), Point(5, 8, 1, 50, 1)
    assert matrix_gflop(wide) == pytest.approx(5 * matrix_gflop(point))
    # Each of 5 target tokens attends to 5 source tokens: scores and contexts for 20 more pairs.
    more_pairs = 3e-9 * 20 * 2 * (point.units + 2 * point.units)
    assert matrix_gflop(long) == pytest.approx(5 * matrix_gflop(point) + more_pairs)


def test_decoding_counts_the_decoder_once_per_hypothesis():
    greedy, beam = Point(units=8, vocabulary=50, beam=1), Point(units=8, vocabulary=50, beam=5)
    assert matrix_gflop(beam) == pytest.approx(5 * matrix_gflop(greedy))
    step = 2 * (4 * 8 * 24 + 8 * 8 + 15 * 8 + 15 * 16 + 24 * 8 + 8 * 50)
    assert matrix_gflop(greedy) == pytest.approx(64e-9 * step)
