import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seq2seq.data.buckets import validate_buckets
from keras_seq2seq.errors import UserError


@pytest.mark.parametrize(
    ("buckets", "message"),
    [
        ((-5, 10), "-5 is not positive"),
        ((0, 10), "0 is not positive"),
        ((10, 20, 15), "15 comes after 20"),
        ((10, 10), "10 is there twice"),
    ],
)
def test_refuses_and_names_the_boundary(buckets, message):
    with pytest.raises(UserError, match=f"{message}; expected growing whole numbers"):
        validate_buckets(buckets)


@pytest.mark.parametrize("boundary", [True, 10.0, "10", None, (1, 2, 3), (1.0, 2)])
def test_refuses_what_is_no_whole_number(boundary):
    with pytest.raises(UserError, match="is not a whole number"):
        validate_buckets([boundary])


@pytest.mark.parametrize(
    ("buckets", "message"),
    [
        (["10x"], "'10x' is no pair of whole numbers; expected lengths of source and target"),
        (["1x2x3"], "'1x2x3' is no pair"),
        (["0x2"], "0 is not positive"),
        ([10, "8x10"], "8x10 would stay empty, since it comes after 10x10"),
        (["8x10", (8, 10)], "8x10 would stay empty"),
    ],
)
def test_refuses_boundaries_of_both_sides(buckets, message):
    with pytest.raises(UserError, match=message):
        validate_buckets(buckets)


def test_sides_may_have_boundaries_of_their_own():
    boundaries = ((8, 10), (10, 8), (10, 10), (15, 15))
    assert validate_buckets(["8x10", (10, 8), 10, "15x15"]) == boundaries


@given(st.sets(st.integers(min_value=1), min_size=1))
def test_any_growing_numbers_survive(boundaries):
    growing = tuple(sorted(boundaries))
    assert validate_buckets(growing) == tuple((number, number) for number in growing)
