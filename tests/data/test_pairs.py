"""Every kind of data holds the same pairs, and what is no text is refused in one line."""

import csv
import functools
import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_seq2seq.data import lines, make_dataset, scan_parallel_text
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.errors import InputError, UserError
from keras_seq2seq.files import open_text
from keras_seq2seq.text import TextEncoder, Vocabulary

SOURCES = ["a b", "ä c a", "\ufeffb", "c"]
TARGETS = ["b", "a", "c\xa0c", "ä b"]
PAIRS = list(zip(SOURCES, TARGETS, strict=True))
LETTERS = Vocabulary("a b c ä".split())


class FakeColumn:
    """Supports what a column of polars and of `datasets` does, as far as it is needed."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)


class FakeFrame:
    """A table whose iteration yields the names of its columns, as in pandas."""

    def __init__(self, **columns):
        self.data = columns
        self.columns = np.array(list(columns), dtype=object)

    def __len__(self):
        return 4

    def __iter__(self):
        return iter(self.columns)

    def __getitem__(self, name):
        return FakeColumn(self.data[name])


class FakeSplit:
    """A table as in `datasets`, which has `column_names`."""

    def __init__(self, **columns):
        self.data = columns
        self.column_names = list(columns)

    def __getitem__(self, name):
        return FakeColumn(self.data[name])


ONCE = iter(PAIRS)


def generate():
    yield from PAIRS


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Writes both texts as files, and moves to their directory."""
    for name, strings in (("en", SOURCES), ("de", TARGETS)):
        text = "".join(f"{line}\n" for line in strings)
        (tmp_path / f"all.{name}").write_text(text, encoding="utf-8")
        (tmp_path / f"part1.{name}").write_text(strings[0], encoding="utf-8")
        rest = "".join(f"{line}\n" for line in strings[1:])
        (tmp_path / f"part2.{name}.gz").write_bytes(gzip.compress(rest.encode()))
        (tmp_path / f"rest.{name}.xz").write_bytes(lzma.compress(rest.encode()))
    rows = [[source, target.replace("\xa0", " "), str(1)] for source, target in PAIRS]
    text = "".join("\t".join(row) + "\n" for row in [["en", "de", "id"], *rows])
    (tmp_path / "all.tsv").write_text(text, encoding="utf-8")
    with lzma.open(tmp_path / "all.csv.xz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[row[1], row[0]] for row in rows])
    objects = [json.dumps({"id": 1, "de": row[1], "en": row[0]}) + "\n" for row in rows]
    (tmp_path / "part1.jsonl").write_text("".join(objects[:3]))
    (tmp_path / "part2.ndjson.gz").write_bytes(gzip.compress(objects[3].encode()))
    monkeypatch.chdir(tmp_path)


def batches(sources, targets, **options):
    dataset = make_dataset(sources, targets, LETTERS, TextEncoder(LETTERS), **options)
    return [
        (x["source_ids"].tolist(), x["target_ids"].tolist(), y.tolist(), *map(list, numbers))
        for x, y, *numbers in dataset.as_numpy_iterator()
    ]


KINDS = {
    "lists": lambda: (SOURCES, TARGETS),
    "tuples": lambda: (tuple(SOURCES), tuple(TARGETS)),
    "objects": lambda: (np.array(SOURCES, dtype=object), np.array(TARGETS, dtype=object)),
    "arrays": lambda: (np.array(SOURCES), np.array(TARGETS)),
    "bytes": lambda: ([line.encode() for line in SOURCES], TARGETS),
    "tensors": lambda: (tf.constant(SOURCES), tf.constant(TARGETS)),
    "columns": lambda: (FakeColumn(SOURCES), FakeColumn(TARGETS)),
    "frame": lambda: (FakeFrame(id=[1, 2, 3, 4], de=TARGETS, en=SOURCES), ("en", "de")),
    "split": lambda: (FakeSplit(en=SOURCES, de=TARGETS), ["en", "de"]),
    "dictionary": lambda: ({"en": SOURCES, "de": TARGETS}, ("en", "de")),
    "pairs": lambda: (PAIRS, None),
    "lists of two": lambda: ([list(pair) for pair in PAIRS], None),
    "array of pairs": lambda: (np.array(PAIRS), None),
    "generator": lambda: (generate, None),
    "function": lambda: (lambda: PAIRS, None),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)), None),
    "path": lambda: (Path("all.en"), Path("all.de")),
    "pattern": lambda: ("part*.en*", "part*.de*"),
    "paths": lambda: ([Path("part1.en"), Path("part2.en.gz")], [Path("all.de")]),
    "xz": lambda: ([Path("part1.en"), Path("rest.en.xz")], "all.de"),
    "tsv": lambda: ("all.tsv", ("en", "de")),
    "csv": lambda: (Path("all.csv.xz"), (2, 1)),
    "several tables": lambda: ([Path("part1.jsonl"), Path("part2.ndjson.gz")], ["en", "de"]),
    "file and list": lambda: ("all.en", TARGETS),
}


OPTIONS = {"batch_size": 3, "epochs": 2, "shuffle": True, "seed": 4}


@functools.cache
def batches_of_files():
    return batches("all.en", "all.de", line_numbers=True, **OPTIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_makes_the_same_batches(files, kind):
    expected = batches_of_files()
    assert len(expected) == 3
    data = KINDS[kind]()
    numbers = [number for *_, lines in expected for number in lines]
    assert sorted(numbers) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert batches(*data, line_numbers=True, **OPTIONS) == expected
    summary = scan_parallel_text(*data, LETTERS, LETTERS)
    assert summary.lengths == {(3, 2): 1, (4, 2): 1, (2, 3): 2}
    assert summary.source.unknown_tokens == 0


def test_parquet_and_tables_without_columns(files):
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = polars.DataFrame({"en": SOURCES, "de": TARGETS, "number": range(4)})
    frame.write_parquet("all.parquet")
    frame.with_columns(polars.col("en", "de").cast(polars.Categorical)).write_parquet("b.parquet")
    frame[["en", "de"]].write_parquet("two.parquet")
    expected = batches("all.en", "all.de")
    for data in [
        ("all.parquet", ("en", "de")),
        ("all.parquet", (1, 2)),
        ("b.parquet", ("en", "de")),
        ("two.parquet", None),
    ]:
        assert batches(*data) == expected
    Path("named.csv").write_text("id,target,source\n1,b,a\n", encoding="utf-8")
    assert list(as_pairs("named.csv", None)) == [("a", "b")]
    assert list(as_pairs("n*.csv", None)) == [("a", "b")]


def test_pairs_are_scanned_once(files, monkeypatch):
    reads = []
    monkeypatch.setattr(lines, "open_text", lambda path: reads.append(path) or open_text(path))
    source, target = TextEncoder(LETTERS), TextEncoder(LETTERS)
    pairs = as_pairs([Path("part1.en"), Path("part2.en.gz")], Path("all.de"))
    del reads[:]
    summary = scan_parallel_text(pairs, None, source, target)
    assert sorted(reads) == ["all.de", "part1.en", "part2.en.gz"]
    assert scan_parallel_text(pairs, None, source, target) is summary
    dataset = make_dataset(pairs, None, source, target, epochs=2)
    assert len(reads) == 3
    assert [x["source_ids"].tolist() for x, _ in dataset.as_numpy_iterator()] == [
        ids for ids, *_ in batches("all.en", "all.de", epochs=2)
    ]
    # Another encoder has other lengths.
    del reads[:]
    other = scan_parallel_text(pairs, None, TextEncoder(LETTERS, 3), target)
    assert other.source.truncated == 1 and len(reads) == 3


@pytest.mark.parametrize("module", ["pandas", "polars"])
def test_data_frames(files, module):
    frame = pytest.importorskip(module).DataFrame({"en": SOURCES, "de": TARGETS})
    expected = batches("all.en", "all.de")
    assert batches(frame["en"], frame["de"]) == expected
    assert batches(frame, ("en", "de")) == expected
    with pytest.raises(TypeError, match=r"sources\[1\] is (nan|None); expected a string"):
        make_dataset(type(frame)({"en": ["a", None]})["en"], ["a", "b"], LETTERS, LETTERS)


def test_arrow_tables(files):
    table = pytest.importorskip("pyarrow").table({"en": SOURCES, "de": TARGETS})
    expected = batches("all.en", "all.de")
    assert batches(table["en"], table["de"]) == expected
    assert batches(table, ("en", "de")) == expected
    with pytest.raises(TypeError, match=r"sources\[1\] is None; expected a string"):
        make_dataset(table["en"].take([0, None]), ["a", "b"], LETTERS, LETTERS)


def test_lazy_tables_are_an_error(files, recwarn):
    frame = pytest.importorskip("polars").LazyFrame({"en": SOURCES, "de": TARGETS})
    with pytest.raises(TypeError, match="^sources must be a file or a sequence of strings"):
        make_dataset(frame, ("en", "de"), LETTERS, LETTERS)
    assert not recwarn.list


def test_the_index_of_a_pandas_series_does_not_matter(files):
    pandas = pytest.importorskip("pandas")
    source, target = (
        pandas.Series(lines, index=[7, 7, 0, 2], dtype=dtype)
        for lines, dtype in ((SOURCES, "string"), (TARGETS, "category"))
    )
    assert batches(source, target) == batches("all.en", "all.de")


def test_a_split_of_hugging_face(files):
    datasets = pytest.importorskip("datasets")
    split = datasets.Dataset.from_dict({"en": SOURCES, "de": TARGETS})
    assert batches(split, ("en", "de")) == batches("all.en", "all.de")
    assert batches(split["en"], split["de"]) == batches("all.en", "all.de")


def test_a_file_of_that_name_is_no_pattern(files):
    Path("part[12].en").write_text("c\n", encoding="utf-8")
    assert list(as_pairs("part[12].en", ["a"])) == [("c", "a")]
    Path("part[12].en").unlink()
    Path("part2.en").write_text("b", encoding="utf-8")
    assert [source for source, _ in as_pairs("part[12].en", ["a", "b"])] == ["a b", "b"]
    # Paths are never patterns.
    with pytest.raises(UserError, match=r"part\[12\]\.en: no such file$"):
        as_pairs(Path("part[12].en"), ["a"])


def test_names_of_files_in_a_list_are_a_slip(files):
    with pytest.raises(ValueError, match=r"names of existing files.*'part1\.en'; pass pathlib"):
        as_pairs(["part1.en", "all.en"], ["a", "b"])
    assert list(as_pairs(["part1.en", "no file"], ["a", "b"])) == [
        ("part1.en", "a"),
        ("no file", "b"),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (("a b", ["a"]), "'a b': no such file; expected a file, or text as a list of strings"),
        (("*.xy", ["a"]), r"'\*\.xy': no such file"),
        (("", ["a"]), "'': no such file"),
        (("a\0" * 9999, ["a"]), r"'a\\x00a.*\.\.\.: no such file"),
        ((["a"], ["a", "b"]), "sources has 1 line, but targets has 2; expected line-aligned"),
        (({"x": ["a"], "y": []}, ("x", "y")), "column 'y' is empty; expected at least one string"),
        (([], []), "sources is empty; expected at least one string"),
        (([], None), "sources is empty; expected at least one string"),
        (([" ", "a"], ["a", "\t"]), "sources and targets have no usable pair: all 2 lines"),
        (([b"\xff"], ["a"]), r"sources\[0\] is not UTF-8: byte 0xff at index 0"),
        ((["a\ud800"], ["a"]), r"sources\[0\] has a lone surrogate at index 1"),
        ((FakeFrame(en=["a"]), ("en", "de")), "sources has no column 'de'; choose from en"),
        ((lambda: [], None), r"sources\(\) is empty; expected at least one pair"),
        ((lambda: ONCE, None), r"sources\(\) returned the same iterator twice"),
        ((["b"], ["ö"]), "targets: the target vocabulary contains none of its 1 tokens"),
        (("all.en", "part1.de"), "all.en has 4 lines, but part1.de has 1; expected line-aligned"),
        (("all.en", ["a"]), "all.en has 4 lines, but targets has 1"),
        (("part*.en*", ["a"]), r"part1\.en, \.\.\. \(2 files\) has 4 lines, but targets has 1"),
    ],
)
def test_refuses_values(files, data, message):
    with pytest.raises(InputError, match=f"^{message}") as error:
        make_dataset(*data, LETTERS, LETTERS)
    assert "\n" not in str(error.value)
    # Keras raises a ValueError in such cases; the command line reports a UserError in one line.
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((["a", None], ["a", "b"]), r"sources\[1\] is None; expected a string"),
        ((["a"], [float("nan")]), r"targets\[0\] is nan; expected a string"),
        (([1], ["a"]), r"sources\[0\] is 1; expected a string"),
        (([["a"]], ["a"]), r"sources\[0\] is \['a'\]; expected a string"),
        ((np.zeros([2, 9]), ["a", "b"]), r"sources\[0\] is array\(\[0\., .*; expected a string"),
        ((5, ["a"]), "sources must be a file or a sequence of strings .* Received: 5"),
        ((b"a", ["a"]), "sources must be a file or a sequence of strings .* Received: b'a'"),
        (({"a"}, ["a"]), "sources must be a file or a sequence of strings"),
        (((line for line in SOURCES), TARGETS), "sources must be a file or a sequence"),
        ((["a"], None), r"sources\[0\] is 'a'; expected a pair of strings"),
        ((["ab"], None), r"sources\[0\] is 'ab'; expected a pair of strings"),
        (([("a", "b", "c")], None), r"sources\[0\] is \('a', 'b', 'c'\); expected a pair"),
        (([("a", "b"), ("a", None)], None), r"sources\[1\]\[1\] is None; expected a string"),
        (("all.en", None), "without targets, sources must be a list, generator function or tf"),
        ((generate(), None), "without targets, .* Received: <generator object"),
        ((generate, TARGETS), "sources is a function of pairs; expected targets=None"),
        ((lambda: 3, None), r"sources\(\) returned 3; expected pairs of strings"),
        ((lambda: SOURCES, None), r"sources\(\)\[0\] is 'a b'; expected a pair of strings"),
        ((FakeFrame(en=["a"], de=["b"]), None), r"sources is a FakeFrame; .* as \('en', 'de'\)"),
        ((FakeFrame(en=["a"], de=["b"]), "de"), "sources is a FakeFrame; .* Received: 'de'"),
        ((["a"], FakeFrame(en=["a"])), "targets must be a file or a sequence of strings"),
    ],
)
def test_refuses_types(files, data, message):
    with pytest.raises(TypeError, match=message) as error:
        make_dataset(*data, LETTERS, LETTERS)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "elements",
    [(["a"], [3]), ([["a"]], [["a"]]), ["a"], {"en": ["a"], "de": ["a"]}, (["a"], ["a"], ["a"])],
)
def test_refuses_datasets_of_something_else(elements):
    dataset = tf.data.Dataset.from_tensor_slices(elements)
    with pytest.raises(TypeError, match="must have pairs of scalar strings as elements"):
        make_dataset(dataset, None, LETTERS, LETTERS)


def test_an_endless_dataset_has_no_automatic_buckets():
    dataset = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)).repeat()
    assert len(list(make_dataset(dataset, None, LETTERS, LETTERS).take(2))) == 2
    with pytest.raises(InputError, match="is infinite; expected a finite one"):
        make_dataset(dataset, None, LETTERS, LETTERS, buckets="auto")


@pytest.mark.parametrize("epochs", [1, None])
def test_files_are_compared_with_their_counterparts(files, epochs):
    # Four lines on both sides, but the parts do not match.
    Path("other1.de").write_text("a\nb\nc\n", encoding="utf-8")
    Path("other2.de").write_text("a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"part1\.en has 1 line, but other1\.de has 3"):
        make_dataset("part*.en*", "other*.de", LETTERS, LETTERS, epochs=epochs)


def test_a_wrong_item_of_a_generator_is_reported_when_it_is_read():
    def pairs():
        yield "a", "b"
        yield "a", 3

    dataset = make_dataset(pairs, None, LETTERS, LETTERS)
    with pytest.raises(tf.errors.OpError, match=r"sources\(\)\[1\]\[1\] is 3; expected a string"):
        list(dataset)


def test_a_generator_with_many_pairs_starts_again_in_each_epoch():
    calls = []

    def pairs():
        calls.append(len(calls))
        yield from (("a " * (n % 7 + 1), "b") for n in range(2500))

    dataset = make_dataset(pairs, None, LETTERS, LETTERS, epochs=2, batch_size=100)
    before = len(calls)
    lengths = [int((row > 0).sum()) for x, _ in dataset for row in x["source_ids"].numpy()]
    assert lengths == [n % 7 + 2 for n in range(2500)] * 2
    assert len(calls) == before + 2
