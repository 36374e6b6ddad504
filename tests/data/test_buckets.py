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


@pytest.mark.parametrize("boundary", [True, 10.0, "10", None])
def test_refuses_what_is_no_whole_number(boundary):
    with pytest.raises(UserError, match="is not a whole number"):
        validate_buckets([boundary])


@given(st.sets(st.integers(min_value=1), min_size=1))
def test_any_growing_numbers_survive(boundaries):
    growing = tuple(sorted(boundaries))
    assert validate_buckets(growing) == growing
