import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.data.dev_split import draw_dev, draw_sample, shared_text
from keras_seq2seq.data.filters import FilteredPairs
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.errors import InputError

LINES = st.sampled_from(["a", "b", "c", "d", "e", "f", "a  b", "a b ", "g", "h", "i", "", " "])


def drawn_dev(*arguments, **options):
    return draw_dev(*arguments, **options)[0]


def words(lines):
    return {tuple(line.split()) for line in lines}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LINES, LINES), min_size=2), st.integers(1, 8), st.integers(0, 3))
def test_the_parts_have_no_text_in_common(pairs, size, seed):
    pairs = as_pairs(pairs, None)
    try:
        dev = drawn_dev(pairs, size, seed)
        train = list(FilteredPairs(pairs, [shared_text(dev)]))
    except InputError:
        return
    assert 0 < len(dev) <= size
    assert dev == drawn_dev(pairs, size, seed)
    for side in (0, 1):
        used = [pair for pair in train if pair[0].split() and pair[1].split()]
        assert not words(pair[side] for pair in used) & words(pair[side] for pair in dev)


def test_sizes():
    def drawn(number, size=None):
        pairs = as_pairs([(f"s {i}", f"t {i}") for i in range(number)], None)
        return len(drawn_dev(pairs, size))

    assert drawn(8) == 1
    assert drawn(1000) == 50
    assert drawn(50_000) == 2000
    assert drawn(1000, 300) == 300
    with pytest.raises(InputError, match="have 8 usable pairs, too few to draw 8 of them"):
        drawn(8, 8)


def test_the_order_of_the_lines_does_not_matter():
    pairs = [(f"s {i}", f"t {i}") for i in range(200)]
    dev = drawn_dev(as_pairs(pairs, None), 20, seed=3)
    assert drawn_dev(as_pairs(pairs[::-1], None), 20, seed=3) == dev
    assert drawn_dev(as_pairs(pairs, None), 20, seed=4) != dev


def test_common_lines_stay_in_the_training_part():
    pairs = [(f"s {i}", "yes" if i % 2 else f"t {i}") for i in range(200)]
    dev = drawn_dev(as_pairs(pairs, None), 20)
    assert len(dev) == 20
    assert "yes" not in {target for _, target in dev}
    with pytest.raises(InputError, match="each source or target occurs in many pairs; use separat"):
        drawn_dev(as_pairs([(f"s {i}", str(i % 3)) for i in range(200)], None), 20)


def test_a_limited_number_of_pairs_leaves_the_training_part():
    # Each source occurs five times.
    pairs = as_pairs([(f"s {i // 5}", f"t {i}") for i in range(1000)], None)
    dev = drawn_dev(pairs, 50)
    train = FilteredPairs(pairs, [shared_text(dev)])
    assert 35 <= len(dev) <= 50
    assert len(list(train)) >= 800


def test_samples_contain_each_pair_once():
    pairs = as_pairs([("a", "b"), ("a", "b "), ("", "b"), ("c", "d")], None)
    assert {(s, t.strip()) for s, t in draw_sample(pairs, 10)} == {("a", "b"), ("c", "d")}
    assert len(draw_sample(pairs, 1)) == 1


@pytest.mark.parametrize("sample_size", [20, 1000])
def test_the_sample_of_the_same_pass_is_that_of_the_other_pairs(sample_size):
    pairs = as_pairs([(f"s {i // 3}", f"t {i % 150}") for i in range(300)], None)
    dev, sample = draw_dev(pairs, 15, sample_size=sample_size)
    others = FilteredPairs(pairs, [shared_text(dev)])
    assert sample == draw_sample(others, sample_size)
    assert draw_dev(pairs, 15) == (dev, [])


def test_text_that_a_file_cannot_contain_is_not_drawn():
    pairs = [("a\rb", "x"), ("c", "y"), ("\0", "z")]
    assert drawn_dev(as_pairs(pairs, None), 1) == [("c", "y")]


@pytest.mark.parametrize("pairs", [[("", "a")], [(" ", ""), ("a", " ")]])
def test_no_usable_pair(pairs):
    with pytest.raises(InputError, match="have no usable pair"):
        drawn_dev(as_pairs(pairs, None))
