import threading

import pytest

from keras_seq2seq.translator.length_batches import check_batch_size, map_by_length


def run(items, batch_size, **options):
    """Doubles texts, and tells the batches."""
    batches = []

    def function(batch):
        batches.append(batch)
        return [item * 2 for item in batch]

    results = map_by_length(
        function,
        items,
        lengths=lambda item: (len(item),),
        empty=lambda item: "nothing",
        batch_size=batch_size,
        **options,
    )
    return list(results), batches


def test_long_ones_first_and_results_in_order():
    results, batches = run(["aaa", "", "b", "cc", "dddd", "ee"], 2)
    assert results == ["aaaaaa", "nothing", "bb", "cccc", "dddddddd", "eeee"]
    assert batches == [["dddd"], ["ee", "aaa"], ["b", "cc"]]


def test_a_batch_of_long_items_holds_fewer():
    # With the end token, 2 * 64 tokens at the most.
    short, long, longest = "a" * 63, "b" * 64, "c" * 300
    _, batches = run([longest, long, short, short, long, longest], 2)
    assert batches == [[longest], [longest], [long], [long], [short, short]]


def test_only_so_many_are_sorted_together():
    _, batches = run(["aa"] * 32 + ["b"], 1)
    assert batches[-1] == ["b"]


def test_of_long_items_fewer_are_read_ahead():
    read = []

    def items():
        for number in range(1000):
            read.append(number)
            yield "a" * 1000

    results = map_by_length(
        lambda batch: batch,
        items(),
        lengths=lambda item: (len(item), 1),
        empty=lambda item: None,
        batch_size=2,
    )
    next(results)
    # 2 * 32 items of 64 tokens.
    assert len(read) == 5
    assert len(list(results)) == 999


def test_without_sorting_each_is_answered_alone():
    results, batches = run(["aaa", "", "b"], 32, sort=False)
    assert results == ["aaaaaa", "nothing", "bb"]
    assert batches == [["aaa"], ["b"]]


def test_workers_have_batches_of_their_own_at_the_same_time():
    both = threading.Barrier(2, timeout=10)

    def function(batch):
        both.wait()  # Until the other worker is here too.
        return [item * 2 for item in batch]

    items = [str(number) for number in range(40)]
    results = map_by_length(function, items, lambda item: (len(item),), str, 20, workers=2)
    assert list(results) == [item * 2 for item in items]


def test_few_items_are_divided_among_the_workers():
    _, batches = run(["a"] * 64, 64, workers=2)
    assert [len(batch) for batch in batches] == [32, 32]
    _, batches = run(["a"] * 20, 64, workers=8)
    assert sorted(len(batch) for batch in batches) == [4, 16]


def test_an_error_of_a_worker_is_raised():
    def fail(batch):
        raise ValueError("cannot be done")

    results = map_by_length(fail, ["a"] * 40, lambda item: (1,), str, 1, workers=2)
    with pytest.raises(ValueError, match="cannot be done"):
        next(results)


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "a", None])
def test_the_batch_size_is_checked(batch_size):
    with pytest.raises(ValueError, match=f"integer of at least 1. Received: {batch_size!r}$"):
        check_batch_size(batch_size)
