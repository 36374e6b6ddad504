import gc
import gzip
import os
import warnings
from collections import Counter
from random import Random

import numpy as np
import pytest
import tensorflow as tf

from keras_seq2seq.data import propose_buckets, scan_parallel_text
from keras_seq2seq.data.dataset import make_dataset
from keras_seq2seq.errors import InputError, UserError
from keras_seq2seq.text import (
    CharacterTokenizer,
    TextEncoder,
    Vocabulary,
    WhitespaceTokenizer,
)

LETTERS = Vocabulary("a b c".split())  # a 4, b 5, c 6
NUMBERS = Vocabulary(map(str, range(200)))  # n is n + 4


@pytest.fixture
def files(tmp_path):
    """Writes two texts and returns their paths."""

    def write(source: str, target: str):
        paths = tmp_path / "sources", tmp_path / "targets"
        for path, text in zip(paths, (source, target), strict=True):
            path.write_text(text, encoding="utf-8", newline="")
        return paths

    return write


@pytest.fixture
def numbers(files):
    """100 pairs: line n has n % 12 + 1 times the number n, its target half as many."""
    sources = [" ".join([str(n)] * (n % 12 + 1)) for n in range(100)]
    targets = [" ".join([str(n)] * (n % 12 // 2 + 1)) for n in range(100)]
    paths = files("\n".join(sources), "\n".join(targets))
    return lambda **options: make_dataset(*paths, NUMBERS, NUMBERS, **options)


def batches(dataset):
    return [
        (x["source_ids"].tolist(), x["target_ids"].tolist(), y.tolist())
        for x, y in dataset.as_numpy_iterator()
    ]


def line_numbers(dataset):
    """The lines of the `numbers` text that a dataset holds, in order."""
    return [row[0] - 4 for _, _, labels in batches(dataset) for row in labels]


def test_ids_by_hand(files):
    paths = files("a b\nc x a\n", "b\nc c\n")
    (batch,) = batches(make_dataset(*paths, LETTERS, LETTERS))
    assert batch == (
        [[4, 5, 3, 0], [6, 1, 4, 3]],
        [[2, 5, 0], [2, 6, 6]],
        [[5, 3, 0], [6, 6, 3]],
    )


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "seed": 3}, {"buckets": (5, 9)}])
def test_line_numbers(numbers, options):
    options = {"batch_size": 7, "epochs": 2, **options}
    with_numbers = list(numbers(line_numbers=True, **options).as_numpy_iterator())
    assert batches(numbers(**options)) == [
        (x["source_ids"].tolist(), x["target_ids"].tolist(), y.tolist()) for x, y, _ in with_numbers
    ]
    for _, labels, lines in with_numbers:
        # Line n has the number n - 1, whose id is n + 3.
        assert (labels[:, 0] - 3).tolist() == lines.tolist()


def test_shards_are_all_of_the_batch(numbers):
    options = {"batch_size": 6, "buckets": (5, 9), "shuffle": True, "seed": 3}
    whole = [labels[:, 0].tolist() for _, labels in numbers(**options).as_numpy_iterator()]
    shards = [
        [row[0] for _, labels in dataset.as_numpy_iterator() for row in labels]
        for dataset in (
            numbers(shards=range(0, 1), num_shards=3, **options),
            numbers(shards=range(1, 3), num_shards=3, **options),
        )
    ]
    assert shards[0] == [first for batch in whole for first in batch[0::3]]
    assert shards[1] == [first for batch in whole for first in batch[1::3] + batch[2::3]]


def test_lines_that_are_skipped_are_counted(files):
    paths = files("a\n\nb\n", "a\nb\nc\n")
    (batch,) = make_dataset(*paths, LETTERS, LETTERS, line_numbers=True).as_numpy_iterator()
    assert batch[2].tolist() == [1, 3]


def test_too_long_sequences_keep_their_end_token(files):
    paths = files("a b c\na b\n", "c b a\nc\n")
    dataset = make_dataset(*paths, TextEncoder(LETTERS, 3), TextEncoder(LETTERS, 2))
    assert batches(dataset) == [
        ([[4, 5, 3], [4, 5, 3]], [[2, 6], [2, 6]], [[6, 3], [6, 3]]),
    ]


def test_characters_and_reversal_for_one_side(files):
    paths = files("a b\n", "ab a\n")
    dataset = make_dataset(
        *paths,
        TextEncoder(LETTERS, reverse=True),
        CharacterTokenizer(Vocabulary("a b ▁".split())),
    )
    assert batches(dataset) == [([[5, 4, 3]], [[2, 4, 5, 6, 4]], [[4, 5, 6, 4, 3]])]


def test_the_writing_of_a_file_does_not_matter(files, tmp_path):
    plain = files("a b\nc\n", "b\nc\n")
    expected = batches(make_dataset(*plain, LETTERS, LETTERS))
    untidy = files("\ufeffa  b \r\n\tc", "\ufeffb\r\nc\xa0\r\n")
    assert batches(make_dataset(*untidy, LETTERS, LETTERS)) == expected
    for path in untidy:
        path.with_suffix(".gz").write_bytes(gzip.compress(path.read_bytes()))
    zipped = [path.with_suffix(".gz") for path in untidy]
    assert batches(make_dataset(*zipped, LETTERS, LETTERS)) == expected


def test_all_members_of_gzip_files_are_read(files, tmp_path):
    lines = [f"{'a ' * (i % 5)}b\n" for i in range(3000)]
    expected = batches(make_dataset(*files("".join(lines), "".join(lines)), LETTERS, LETTERS))
    path, empty = tmp_path / "members.gz", gzip.compress(b"")
    members = ["".join(lines[i : i + 1000]).encode() for i in (0, 1000, 2000)]
    path.write_bytes(empty + b"".join(gzip.compress(member) + empty for member in members))
    assert batches(make_dataset(path, path, LETTERS, LETTERS)) == expected
    # Shuffling and repeating read the files several times.
    options = {"shuffle": True, "epochs": 2, "seed": 5}
    plain = files("".join(lines), "".join(lines))
    assert batches(make_dataset(path, path, LETTERS, LETTERS, **options)) == batches(
        make_dataset(*plain, LETTERS, LETTERS, **options)
    )


def test_names_are_literal_and_need_not_be_utf8(tmp_path):
    for name in (b"[a-z]*?", b"{a,b}", b"%s", b"gr\xfc\xdfe"):
        path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        with open(path, "w") as file:
            file.write("a b\n")
        assert batches(make_dataset(path, path, LETTERS, LETTERS)) == [
            ([[4, 5, 3]], [[2, 4, 5]], [[4, 5, 3]])
        ]


def test_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a pipe"):
        make_dataset(tmp_path / "pipe", tmp_path / "pipe", LETTERS, LETTERS)


def test_empty_pairs_are_skipped(files):
    paths = files("a\n\n \nb\nc\n", "a\nb\n\n\r\nc\n")
    (batch,) = batches(make_dataset(*paths, LETTERS, LETTERS))
    assert batch == ([[4, 3], [6, 3]], [[2, 4], [2, 6]], [[4, 3], [6, 3]])


def test_without_buckets_lines_stay_in_order(numbers):
    dataset = numbers(batch_size=30)
    assert line_numbers(dataset) == list(range(100))
    assert [y.shape[0] for _, y in dataset] == [30, 30, 30, 10]


def test_buckets_by_the_longer_side(numbers):
    # Sources have 2 to 13 ids: below 4, 4 to 8, 9 and more.
    ranges = {range(2, 4): 0, range(4, 9): 0, range(9, 14): 0}
    for source_ids, _, labels in batches(numbers(batch_size=8, buckets=(4, 9))):
        lengths = [max(_length(s), _length(t)) for s, t in zip(source_ids, labels, strict=True)]
        (bucket,) = {r for r in ranges for length in lengths if length in r}
        ranges[bucket] += len(lengths)
    # n % 12 is 0 or 1 for 18 of 100 lines, 2 to 6 for 42 and 7 to 11 for 40.
    assert list(ranges.values()) == [18, 42, 40]


def test_a_boundary_belongs_to_the_bucket_above(files):
    paths = files("a\na b\na b c\n", "a\na\na\n")  # lengths 2, 3 and 4
    dataset = make_dataset(*paths, LETTERS, LETTERS, buckets=(3,))
    assert sorted(len(labels) for _, _, labels in batches(dataset)) == [1, 2]


def test_the_target_may_be_the_longer_side(files):
    paths = files("a\na\n", "a\na b c\n")
    dataset = make_dataset(*paths, LETTERS, LETTERS, buckets=(3,))
    gc.collect()  # The lookup tables live as long as the dataset.
    assert len(batches(dataset)) == 2
    # Cut to 2 ids, both are in the lower bucket.
    dataset = make_dataset(*paths, LETTERS, TextEncoder(LETTERS, 2), buckets=(3,))
    assert len(batches(dataset)) == 1


def test_sides_with_boundaries_of_their_own(files):
    paths = files("a\na b\na b c\na\n", "a b\na\na\na b c\n")  # 2x3, 3x2, 4x2 and 2x4
    dataset = make_dataset(*paths, LETTERS, LETTERS, buckets=("3x4", (5, 3)))
    assert [len(labels) for _, _, labels in batches(dataset)] == [1, 2, 1]


def test_each_bucket_may_have_its_batch_size(numbers):
    found = batches(numbers(batch_size=[9, 7, 5], buckets=(4, 9)))
    sizes = {size: 0 for size in (9, 7, 5)}
    for *_, labels in found:
        if len(labels) in sizes:
            sizes[len(labels)] += 1
    assert sizes == {9: 18 // 9, 7: 42 // 7, 5: 40 // 5}
    with pytest.raises(UserError, match="batch_size has 2 values for 3 buckets"):
        numbers(batch_size=[9, 7], buckets=(4, 9))


def test_shuffling_depends_on_its_seed_only(numbers):
    tf.random.set_seed(1)
    expected = tf.random.uniform([]).numpy()
    tf.random.set_seed(1)
    first = line_numbers(numbers(shuffle=True, seed=5))
    # The global seed is left alone, and has no say.
    assert tf.random.uniform([]).numpy() == expected
    tf.random.set_seed(2)
    assert line_numbers(numbers(shuffle=True, seed=5)) == first
    assert line_numbers(numbers(shuffle=True, seed=6)) != first
    assert line_numbers(numbers(shuffle=True, seed=np.int64(5))) == first
    for seed in (-1, 2**31 - 2, 2**63):
        assert sorted(line_numbers(numbers(shuffle=True, seed=seed))) == sorted(first)
    assert sorted(first) == list(range(100)) != first


def test_each_epoch_has_its_own_order(numbers):
    lines = line_numbers(numbers(shuffle=True, epochs=3, batch_size=10, shuffle_buffer=30))
    epochs = [lines[start : start + 100] for start in (0, 100, 200)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    # Nor is a later epoch the first one of another seed.
    assert line_numbers(numbers(shuffle=True, seed=1)) not in epochs


@pytest.mark.parametrize("buckets", [(), (4, 9), pytest.param("auto", marks=pytest.mark.slow)])
def test_each_iteration_of_one_epoch_is_the_next_epoch_of_a_stream(numbers, buckets):
    options = {"shuffle": True, "batch_size": 4, "seed": 3, "buckets": buckets}
    dataset = numbers(**options)
    epochs = [line_numbers(dataset) for _ in range(3)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    # The same ones again for the same seed, and others for another one.
    again = numbers(**options)
    assert [line_numbers(again) for _ in range(3)] == epochs
    assert line_numbers(numbers(**{**options, "seed": 4})) not in epochs
    if not buckets:  # Buckets of a stream mix the pairs of epochs.
        assert sum(epochs, []) == line_numbers(numbers(epochs=3, **options))
    # Keras's own repetition is another way to iterate.
    repeated = line_numbers(numbers(**options).repeat(3))
    assert [repeated[start : start + 100] for start in (0, 100, 200)] == epochs


def test_streams_are_the_same_in_each_iteration(numbers):
    dataset = numbers(shuffle=True, epochs=2)
    assert line_numbers(dataset) == line_numbers(dataset)


def test_the_epochs_of_fit_differ(numbers):
    import keras

    class Recorder(keras.Model):
        def __init__(self):
            super().__init__()
            self.seen = []

        def train_step(self, data):
            self.seen.append(data[1][:, 0].numpy().tolist())
            return {"loss": keras.ops.zeros([])}

    def fit():
        keras.utils.set_random_seed(1)
        model = Recorder()
        model.compile(run_eagerly=True)
        dataset = numbers(shuffle=True, batch_size=50, seed=2)
        model.fit(dataset, epochs=3, shuffle=False, verbose=0)
        return [sum(model.seen[start : start + 2], []) for start in (0, 2, 4)]

    epochs = fit()
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert len({tuple(sorted(epoch)) for epoch in epochs}) == 1
    assert fit() == epochs


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("options", [{}, {"buckets": (4, 9), "batch_size": [9, 7, 5]}])
def test_the_cardinality_of_text_in_memory(options, epochs):
    lines = [" ".join(["1"] * (n % 12)) for n in range(100)]
    dataset = make_dataset(lines, lines, NUMBERS, NUMBERS, epochs=epochs, **options)
    assert dataset.cardinality() == len(list(dataset))
    shards = {"shards": range(1, 3), "num_shards": 3}
    dataset = make_dataset(lines, lines, NUMBERS, NUMBERS, epochs=epochs, **options, **shards)
    assert dataset.cardinality() == len(list(dataset))


@pytest.mark.parametrize("options", [{}, {"epochs": 3, "buckets": (4, 9)}])
def test_the_cardinality_of_files(numbers, options):
    dataset = numbers(batch_size=8, **options)
    assert dataset.cardinality() == len(list(dataset))


def test_automatic_buckets(files, numbers):
    lines = [" ".join([str(n)] * (n % 12 + 1)) for n in range(200)]
    summary = scan_parallel_text(lines, lines, NUMBERS, NUMBERS)
    options = {"batch_size": 4, "shuffle": True}
    buckets = propose_buckets(summary.lengths, 4)
    assert len(buckets) > 2
    paths = files("\n".join(lines), "\n".join(lines))
    expected = batches(make_dataset(*paths, NUMBERS, NUMBERS, buckets=buckets, **options))
    for data in (paths, (lines, lines), (lambda: zip(lines, lines, strict=True), None)):
        dataset = make_dataset(*data, NUMBERS, NUMBERS, buckets="auto", **options)
        assert batches(dataset) == expected
        assert dataset.cardinality() in (len(expected), tf.data.UNKNOWN_CARDINALITY)
    assert numbers(buckets="auto").cardinality() > 0
    with pytest.raises(UserError, match=r"batch_size is \[4, 5\]; expected one number"):
        numbers(buckets="auto", batch_size=[4, 5])
    with pytest.raises(UserError, match="batch_size is 0; expected at least 1"):
        numbers(buckets="auto", batch_size=0)


def test_text_is_no_constant_of_the_graph():
    """A graph that holds the text would be limited to 2 GB."""
    lines = ["0123456789 " * 10] * 1000
    for data in ((lines, lines), (lambda: zip(lines, lines, strict=True), None)):
        vocabulary = Vocabulary(["0123456789"])
        dataset = make_dataset(*data, vocabulary, vocabulary, shuffle=True)

        @tf.function
        def count(dataset):
            return dataset.reduce(np.int64(0), lambda n, _: n + 1)

        graph = count.get_concrete_function(dataset).graph.as_graph_def(add_shapes=False)
        assert graph.ByteSize() < 100_000


@pytest.mark.parametrize("epochs", [1, None])
def test_files_of_different_lengths(files, epochs):
    with pytest.raises(InputError, match=r"sources has 2 lines, but .*targets has 1; expected"):
        make_dataset(*files("a\nb\n", "a\n"), LETTERS, LETTERS, epochs=epochs)
    with pytest.raises(InputError, match=r"sources: empty file; expected text"):
        make_dataset(*files("", ""), LETTERS, LETTERS, epochs=epochs)


def test_epochs_leave_no_small_batches_between_them(numbers):
    sizes = [len(y) for _, _, y in batches(numbers(batch_size=32, buckets=(4, 9), epochs=4))]
    # 72, 168 and 160 lines: 2 + 5 + 5 full batches, and what is left of each bucket.
    assert sizes[:12] == [32] * 12
    assert sorted(sizes[12:]) == [8, 8]


@pytest.mark.parametrize("epochs", [3, None])
def test_skip_goes_on_where_a_run_stopped(numbers, epochs):
    def stream():
        return numbers(shuffle=True, batch_size=8, buckets=(4, 9), epochs=epochs, seed=2)

    whole = batches(stream().take(30))
    tf.random.set_seed(7)  # As another process may have done.
    resumed = stream()
    for skipped in (7, 20):
        assert batches(resumed.skip(skipped).take(30 - skipped)) == whole[skipped:]


def test_element_spec_and_endless_cardinality(numbers):
    dataset = numbers(epochs=None)
    features, labels = dataset.element_spec
    assert set(features) == {"source_ids", "target_ids"}
    for spec in (*features.values(), labels):
        assert spec.dtype == tf.int32
        assert spec.shape.as_list() == [None, None]
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY


def test_more_lines_than_are_read_at_once(files):
    text = "".join(f"{n % 200}\n" for n in range(3000))
    dataset = make_dataset(*files(text, text), NUMBERS, NUMBERS, batch_size=64)
    assert line_numbers(dataset) == [n % 200 for n in range(3000)]


def test_fits_a_keras_model(numbers):
    import keras

    source, target = (
        keras.Input([None], dtype="int32", name=f"{s}_ids") for s in ("source", "target")
    )
    summed = keras.ops.sum(keras.layers.Embedding(204, 4)(source), axis=1, keepdims=True)
    logits = keras.layers.Dense(204)(keras.layers.Embedding(204, 4)(target) + summed)
    model = keras.Model({"source_ids": source, "target_ids": target}, logits)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(numbers(epochs=None), steps_per_epoch=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"][0])


@pytest.mark.parametrize(("buckets", "max_length"), [((), 4), ((3, 4, 6), 7)])
def test_any_text_gives_the_ids_of_plain_python(files, buckets, max_length):
    random = Random(0)
    sides = [
        ["".join(random.choices("ab x", k=random.randint(0, 16))) for _ in range(300)]
        for _ in ("source", "target")
    ]
    dataset = make_dataset(
        *files(*("\n".join(lines) for lines in sides)),
        TextEncoder(LETTERS, max_length),
        TextEncoder(LETTERS, max_length),
        batch_size=7,
        buckets=buckets,
        shuffle=True,
    )

    found = Counter()
    for source_ids, target_ids, labels in batches(dataset):
        for rows in zip(source_ids, target_ids, labels, strict=True):
            found[tuple(tuple(row[: _length(row)]) for row in rows)] += 1

    ids = [[LETTERS.to_ids(line.split())[: max_length - 1] for line in side] for side in sides]
    assert found == Counter(
        ((*source, 3), (2, *target), (*target, 3))
        for source, target in zip(*ids, strict=True)
        if source and target
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; expected at least 1"),
        ({"epochs": 0}, "epochs is 0; expected at least 1"),
        ({"shuffle_buffer": 0}, "shuffle_buffer is 0"),
        ({"buckets": (10, 5)}, "5 comes after 10"),
        ({"buckets": 5}, 'buckets is 5; expected "auto" or a list of lengths'),
        ({"batch_size": "4"}, "batch_size is '4'; expected a whole number"),
        ({"batch_size": 2.5}, "batch_size is 2.5; expected a whole number"),
        ({"batch_size": [4, 2.5], "buckets": [3]}, "batch_size is 2.5; expected a whole number"),
        ({"epochs": 1.5}, "epochs is 1.5; expected a whole number"),
        ({"num_shards": 0}, "num_shards is 0; expected at least 1"),
        ({"skip_batches": -1}, "skip_batches is -1; expected at least 0"),
        ({"seed": None}, "seed is None; expected a whole number"),
    ],
)
def test_refuses(numbers, options, message):
    with pytest.raises(UserError, match=message):
        numbers(**options)


def test_refuses_a_missing_file(files, tmp_path):
    source, _ = files("a\n", "a\n")
    with pytest.raises(UserError, match="missing: no such file"):
        make_dataset(source, tmp_path / "missing", LETTERS, LETTERS)


def _length(ids):
    return len(ids) - ids.count(0)


def test_targets_cannot_be_reversed(files):
    with pytest.raises(ValueError, match="`target` cannot be reversed"):
        make_dataset(*files("a\n", "a\n"), LETTERS, TextEncoder(LETTERS, reverse=True))


@pytest.mark.parametrize("where", ["memory", "files"])
def test_much_truncation_is_a_warning(tmp_path, where):
    lines = ["a " * 50] * 2 + ["a b"] * 8
    path = tmp_path / "a"
    path.write_text("".join(f"{line}\n" for line in lines))
    text = lines if where == "memory" else path
    tokenizer = WhitespaceTokenizer.build(lines)
    exact = TextEncoder(tokenizer, max_length=51)
    message = r"^target: the default max_length truncates 20.0% .*, max_length=51\) would fit 99%"
    with pytest.warns(UserWarning, match=message) as warned:
        make_dataset(text, text, exact, tokenizer)
    assert [warning.filename for warning in warned] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_dataset(text, text, exact, TextEncoder(tokenizer, max_length=5))


def test_small_batches_are_spread_over_the_epoch(numbers):
    dataset = numbers(shuffle=True, batch_size=4, buckets=(4, 5, 6, 7, 8), seed=3)
    epochs = [[len(labels) for _, labels, *_ in dataset] for _ in range(2)]
    for sizes in epochs:
        smaller = [index for index, size in enumerate(sizes) if size < 4]
        assert smaller and smaller != list(range(len(sizes) - len(smaller), len(sizes)))
    assert epochs[0] != epochs[1]
    stream = numbers(shuffle=True, batch_size=4, buckets=(4, 5, 6, 7, 8), seed=3, epochs=2)
    sizes = [len(labels) for _, labels, *_ in stream]
    assert min(sizes[:-6]) == 4  # One batch of each of the six buckets may be smaller.
