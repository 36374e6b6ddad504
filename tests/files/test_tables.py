import csv
import io
import json
import sys

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.records import _masked_crc
from keras_seq2seq.files.tables import Table, read_column, table_format

# Without carriage returns, which are only allowed at the end of a line, and NUL.
TEXT = st.text(
    st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=10
).filter(lambda text: not text.startswith("\ufeff"))
ROWS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5)


def as_line(text: str) -> str:
    return text.replace("\n", " ")


@given(ROWS)
@settings(max_examples=50, deadline=None)
def test_reads_what_the_csv_module_writes(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("en", "de"), *rows])
    path.write_bytes(text.getvalue().encode())
    assert [row.cells for row in Table(path, ("en", "de"))] == [list(row) for row in rows]
    expected = [tuple(map(as_line, reversed(row))) for row in rows]
    assert [row.values for row in Table(path, ("de", "en"))] == expected


@given(ROWS, st.booleans())
@settings(max_examples=50, deadline=None)
def test_reads_what_the_json_module_writes(tmp_path_factory, rows, ascii_only):
    path = tmp_path_factory.mktemp("table") / "a.jsonl"
    lines = [json.dumps(dict(zip("ab", row, strict=True)), ensure_ascii=ascii_only) for row in rows]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    expected = [tuple(map(as_line, row)) for row in rows]
    assert [row.values for row in Table(path, ("a", "b"))] == expected


def test_a_dotted_name_is_a_key_of_a_nested_object(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"translation": {"en": "a", "de": {"text": "b"}}},
        {"translation": {"en": "nested", "de": {"text": "c"}}, "translation.en": "literal"},
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    columns = "translation.en", "translation.de.text"
    # A key with the whole name comes first.
    assert [row.values for row in Table(path, columns)] == [("a", "b"), ("literal", "c")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"translation": {"de": "b"}}, "no column 'translation.en'; it has 'translation'"),
        ({"translation": "b"}, "no column 'translation.en'; it has 'translation'"),
        ({"translation": {"en": {"x": 1}}}, "column 'translation.en' is {'x': 1}; expected a str"),
        ({"translation": {"en": None}}, "column 'translation.en' is null; expected a string"),
    ],
)
def test_mistakes_in_nested_objects(tmp_path, row, message):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(UserError) as error:
        list(read_column(path, "translation.en"))
    assert str(error.value).startswith(f"{path}:1: {message}")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_rows_or_a_one_line_error(tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("table")
    for suffix in ("tsv", "csv", "jsonl", "tfrecord"):
        path = directory / f"a.{suffix}"
        path.write_bytes(data)
        for columns in (("a", "b"), (1, 2), None):
            try:
                assert all(len(row.values) == 2 for row in Table(path, columns))
            except UserError as error:
                assert str(error).startswith(str(path))
                assert "\n" not in str(error)


def test_places_of_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('en,de\n"a\nb",c\nd,e\n', encoding="utf-8")
    places = [row.place for row in Table(path, ("en", "de"))]
    assert places == [f"{path}:2", f"{path}:4"]


def test_headers(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("de\ten\na\tb\n", encoding="utf-8")
    table = Table(path, ("en", 1))
    assert [row.values for row in table] == [("b", "a")] and table.header == ["de", "en"]
    table = Table(path, (2, 1))
    assert [row.values for row in table] == [("en", "de"), ("b", "a")] and table.header is None
    assert list(read_column(path, "en")) == ["b"]
    stream = io.BytesIO(path.read_bytes())
    assert [row.values for row in Table("standard input", (1,), "tsv", stream)] == [("de",), ("a",)]


def test_formats_of_names():
    assert table_format("a.b.tsv.gz") == table_format("x/tsv.tsv") == "tsv"
    assert [table_format(name) for name in ("a.ndjson.zst", "a.jsonl.xz")] == ["jsonl", "jsonl"]
    assert [table_format(name) for name in ("a.tsv.bak", "a.gz", "tsv", ".tsv")] == [None] * 4


def test_parquet_is_optional(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"needs the pyarrow package.*keras-seq2seq\[parquet\]"):
        list(Table(tmp_path / "a.parquet"))


@pytest.mark.parametrize("columns", [None, (1, 2)])
def test_names_of_parquet_columns_must_be_unique(tmp_path, columns):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table([pyarrow.array(["x"]), pyarrow.array(["y"])], names=["text", "text"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match="a.parquet: 2 columns named 'text'; rename them"):
        list(Table(tmp_path / "a.parquet", columns))


def test_strings_of_parquet_must_be_utf8(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    # 3 bytes of text, the last one of which begins a character.
    buffers = [None, pyarrow.py_buffer(b"\0\0\0\0\3\0\0\0"), pyarrow.py_buffer(b"ab\xe4")]
    text = pyarrow.Array.from_buffers(pyarrow.string(), 1, buffers)
    table = pyarrow.table([text, text], names=["source", "target"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match="a.parquet: row 1: .*Parquet"):
        list(Table(tmp_path / "a.parquet"))


def test_checksums_are_those_of_tensorflow(tmp_path):
    # RFC 3720, B.4: the CRC-32C of 32 bytes of zeros.
    assert _masked_crc(bytes(32)) == (
        ((0x8A9136AA >> 15 | 0x8A9136AA << 17) + 0xA282EAD8) & 0xFFFFFFFF
    )
    path = str(tmp_path / "a.tfrecord.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for number in range(3000):
            values = tf.train.BytesList(value=[f"ä {number}".encode()])
            features = {"a": tf.train.Feature(bytes_list=values)}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    assert list(read_column(path, "a")) == [f"ä {number}" for number in range(3000)]


@pytest.mark.parametrize(
    ("cells", "is_header"),
    [
        (["en", "de"], True),
        (["EN", "de-AT"], True),
        (["pt_BR", "zh-Hans"], True),
        (["English", "French"], True),
        (["English sentence", "German sentence"], True),
        (["src", "tgt"], True),
        (["sentence1", "sentence2"], True),
        (["source_text", "target-text"], True),
        (["word", "phonemes"], True),
        (["a dog", "ein Hund"], False),
        (["en", "en"], False),
        (["word", "Wort"], False),
        (["English is hard.", "Englisch ist schwer."], False),
        (["The target is near.", "Das Ziel ist nah."], False),
        (["1", "2"], False),
        (["hello", "HH AH L OW"], False),
        (["", "de"], False),
    ],
)
@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_headers_are_recognized(tmp_path, cells, is_header, suffix):
    path = tmp_path / f"a.{suffix}"
    separator = "\t" if suffix == "tsv" else ","
    path.write_text(f"{separator.join(cells)}\nx{separator}y\n")
    if is_header:
        with pytest.raises(UserError, match="a.[tc]sv:1: .* look like names of columns; set --so"):
            list(Table(path))
    else:
        assert [row.values for row in Table(path)] == [tuple(cells), ("x", "y")]
    # With columns, it is certain.
    assert [row.values for row in Table(path, (1, 2))] == [tuple(cells), ("x", "y")]
    if len(set(cells)) == 2:
        assert [row.values for row in Table(path, tuple(cells))] == [("x", "y")]


def test_long_cells_of_csv_files(tmp_path):
    path, cell = tmp_path / "a.csv", "x" * 500_000
    path.write_text(f"a,{cell}\n")
    assert [row.values for row in Table(path)] == [("a", cell)]
