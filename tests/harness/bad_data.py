"""Unusual and damaged training data, and what the user sees.

`docs/bad_data.md` is made from this list: `python tests/harness/bad_data.py` writes it.
"""

import bz2
import gzip
import json
import lzma
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "bad_data.md"

TEXT = {"train_source": "a.en", "train_target": "a.de"}
DE = {"a.de": b"a\nb\n"}
SOME = b"a\nb\n"
PAIRS = [("a", "a"), ("b", "b")]
MANY = "".join(f"line {i * i}\n" for i in range(1000)).encode()


class Case(NamedTuple):
    """One kind of data.

    Attributes:
        kind: What it is.
        shows: The error message, with "..." where libraries word the reason; or what happens.
        files: The content of each file, or a function that creates it.
        flags: Flags of `train`.
        pairs: The pairs that are read, `None` if it is an error.
        after: A function that changes the files after they have been checked.
        use: A function that reads the files, if it is not their text that is read.
    """

    kind: str
    shows: str
    files: dict[str, bytes | Callable[[str], Any]]
    flags: dict[str, Any] = TEXT
    pairs: list[tuple[str, str]] | None = None
    after: Callable[[], Any] | None = None
    use: Callable[[], Any] | None = None


def source(name: str, **flags: Any) -> dict:
    return {"train_source": name, "train_target": "a.de", **flags}


def table(name: str, first: Any = "en", second: Any = "de") -> dict:
    columns = {"source_column": first, "target_column": second}
    return {"train_data": name} | {key: value for key, value in columns.items() if value}


def text(content: bytes) -> dict:
    return {"a.en": content, **DE}


def zstd(content: bytes, **options: Any) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(**options).compress(content)


def parquet(**columns: list) -> Callable[[str], None]:
    def write(path: str):
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(columns), path)

    return write


def cut(write: Callable[[str], None]) -> Callable[[str], None]:
    def write_and_cut(path: str):
        write(path)
        os.truncate(path, os.path.getsize(path) - 20)

    return write_and_cut


def double_column(path: str):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table([["a"], ["b"], ["c"]], names=["en", "en", "de"]), path)


def example(**features: Any) -> bytes:
    import tensorflow as tf

    def feature(values):
        if isinstance(values, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[values]))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))

    features = {name: feature(values) for name, values in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def records(*make: Callable[[], bytes], change: Callable[[bytes], bytes] = bytes):
    def write(path: str):
        import tensorflow as tf

        with tf.io.TFRecordWriter(path) as writer:
            for record in make:
                writer.write(record())
        Path(path).write_bytes(change(Path(path).read_bytes()))

    return write


def vocabulary(content: bytes, name: str = "v") -> dict[str, Any]:
    """Returns the files and flags of text with a vocabulary."""
    flags = {**TEXT, "vocab_source": name, "vocab_target": name}
    return {"files": {**text(SOME), name: content}, "flags": flags}


def prepared(change: Callable[[Path], Any]) -> dict[str, Any]:
    """Returns prepared records in "p" that are changed, and a function that reads them."""

    def write(path: str):
        from keras_seq2seq.data import prepare_records
        from keras_seq2seq.text import Vocabulary

        letters = Vocabulary(["a", "b"])
        prepare_records(["a", "b"], ["b", "a"], letters, letters, path)
        change(Path(path))

    def use():
        from keras_seq2seq.data import RecordPairs

        records = RecordPairs(["p"])
        list(records.token_counts())
        for block in range(len(records.pairs_of_blocks)):
            records.read_block(block)

    return {"files": {"p": write}, "use": use}


def tokenizer(change: Callable[[], Any]) -> dict[str, Any]:
    """Returns the tokenizer of a model directory "m", and a function that reads it."""

    def write(path: str):
        from keras_seq2seq.text import Vocabulary, WhitespaceTokenizer

        os.mkdir(path)
        WhitespaceTokenizer(Vocabulary(["a", "b"])).save(f"{path}/source")
        change()

    def use():
        from keras_seq2seq.text import Tokenizer

        Tokenizer.load("m/source")

    return {"files": {"m": write}, "use": use}


def replace(path: Path, old: str, new: str):
    path.write_text(path.read_text().replace(old, new))


def flip(path: Path, position: int):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def jsonl(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def good_example() -> bytes:
    return example(en=[b"a"], de=[b"b"])


XZ, GZ = lzma.compress(MANY), gzip.compress(MANY)
SKIPPABLE = struct.pack("<II", 0x184D2A50, 5) + b"hello"
ROW = {"en": "a", "de": "b"}
UTF_16 = "UTF-16; convert the file, for example with iconv -f UTF-16 -t UTF-8"
ICONV = "convert the file, for example with iconv -f LATIN1 -t UTF-8"
AGAIN = "copy or compress the file again"
PREPARE = "prepare the text again"
NO_ROWS = "no rows; expected at least one row"
LIKE_NAMES = (
    "look like names of columns; set --source_column and --target_column to the names, or to 1 and "
    "2 if this is a pair (in Python: the second argument)"
)
TR = (
    "within the line; expected a line feed at the end of each line (convert the file, for example "
    "with tr '\\r' '\\n')"
)

CASES = {
    "Files": [
        Case("missing file", "a.en: no such file", DE),
        Case(
            "missing file, but a compressed one exists",
            "a.en: no such file; did you mean a.en.zst?",
            {"a.en.zst": b"", **DE},
        ),
        Case("pattern that matches nothing", "*.en: no such file", DE, source("*.en")),
        Case(
            "pattern",
            "all matching files are read, sorted by name",
            {"1.en": b"a\n", "2.en": b"b\n", **DE},
            source("?.en"),
            PAIRS,
        ),
        Case(
            "brackets in the name of an existing file",
            "not treated as a pattern",
            {"[a].en": SOME, "a.en": b"c\nc\n", **DE},
            source("[a].en"),
            PAIRS,
        ),
        Case(
            "file name that is not UTF-8",
            "read normally",
            {"a\udcff.en": SOME, **DE},
            source("a\udcff.en"),
            PAIRS,
        ),
        Case(
            "directory", "a.en: is a directory; expected a regular file", {"a.en": os.mkdir, **DE}
        ),
        Case(
            "named pipe",
            "a.en: is a pipe, which can be read only once; expected a regular file",
            {"a.en": os.mkfifo, **DE},
        ),
        Case("device", "/dev/zero: is a device; expected a regular file", DE, source("/dev/zero")),
        Case(
            "symbolic link to itself",
            "a.en: cannot be opened (Too many levels of symbolic links)",
            {"a.en": lambda path: os.symlink("a.en", path), **DE},
        ),
        Case(
            "`-` for standard input",
            "-: standard input can be read only once, but training reads its data in each "
            "epoch; write it to a file",
            DE,
            source("-"),
        ),
        Case(
            "file that disappears after it has been checked",
            "a.en; No such file or directory",
            text(SOME),
            after=lambda: os.remove("a.en"),
        ),
        Case(
            "compressed file that is damaged after it has been checked",
            "a.en.xz:1: damaged xz data (...); " + AGAIN,
            {"a.en.xz": lzma.compress(SOME), **DE},
            source("a.en.xz"),
            after=lambda: Path("a.en.xz").write_bytes(b"x"),
        ),
    ],
    "Lines": [
        Case("empty file", "a.en: empty file; expected text with one sequence per line", text(b"")),
        Case(
            "only blank lines",
            "a.en and a.de have no usable pair: all 2 lines are empty on at least one side",
            text(b" \n\n"),
        ),
        Case(
            "blank line",
            "training skips the pair and reports how many it skipped",
            text(b"\nb\n"),
            pairs=[("", "a"), ("b", "b")],
        ),
        Case(
            "sides of different lengths",
            "a.en has 3 lines, but a.de has 2; expected line-aligned text",
            text(b"a\nb\nc\n"),
        ),
        Case(
            "shards of different lengths",
            "1.en has 1 line, but 1.de has 2; expected line-aligned text",
            {"1.en": b"a\n", "2.en": b"b\nc\n", "1.de": SOME, "2.de": b"c\n"},
            {"train_source": ("1.en", "2.en"), "train_target": "?.de"},
        ),
        Case(
            "no line feed at the end",
            "the last line is read like any other",
            text(b"a\nb"),
            pairs=PAIRS,
        ),
        Case(
            "CR LF line ends (Windows)",
            "carriage returns are ignored",
            text(b"a\r\nb\r\n"),
            pairs=PAIRS,
        ),
        Case(
            "CR line ends (old Macs)", f"a.en:1: carriage return at column 2 {TR}", text(b"a\rb\r")
        ),
        Case(
            "carriage return within a line",
            f"a.en:2: carriage return at column 2 {TR}",
            text(b"a\nb\rc\n"),
        ),
        Case(
            "line of more than 1 MiB",
            "a.en:2: longer than 1048576 bytes; expected a text file with one sequence per line",
            text(b"a\n" + b"x" * 2**20 + b"y\n"),
        ),
        Case(
            "line of 1 MB",
            "read, and truncated to the maximum length",
            text(b"a\n" + b"b " * 500_000),
            pairs=[("a", "a"), ("b " * 500_000, "b")],
        ),
        Case(
            "vertical tab, form feed, U+0085 or U+2028 in a line",
            "treated as whitespace; does not end the line",
            text("a\x0ba\x0ca\na\x85b\u2028b\n".encode()),
            pairs=[("a\x0ba\x0ca", "a"), ("a\x85b\u2028b", "b")],
        ),
    ],
    "Characters": [
        Case(
            "Latin-1", f"a.en:2: not UTF-8: byte 0xfc at column 3; {ICONV}", text(b"a\ngr\xfcn\n")
        ),
        Case("UTF-16", f"a.en:1: {UTF_16}", text("a\nb\n".encode("utf-16"))),
        Case(
            "UTF-16, big-endian",
            f"a.en:1: {UTF_16}",
            text(b"\xfe\xff" + "a\nb\n".encode("utf-16-be")),
        ),
        Case(
            "UTF-16 without a byte-order mark",
            "a.en:1: NUL byte, as in a binary file or UTF-16; expected UTF-8 text",
            text("a\nb\n".encode("utf-16-le")),
        ),
        Case(
            "NUL byte",
            "a.en:2: NUL byte, as in a binary file or UTF-16; expected UTF-8 text",
            text(b"a\nb\0\n"),
        ),
        Case(
            "encoded surrogates (CESU-8)",
            f"a.en:1: not UTF-8: byte 0xed at column 1; {ICONV}",
            text(b"\xed\xa0\x80\nb\n"),
        ),
        Case(
            "truncated character",
            f"a.en:2: not UTF-8: byte 0xc3 at column 2; {ICONV}",
            text(b"a\nb\xc3"),
        ),
        Case(
            "byte-order mark at the start of a line, as in joined files",
            "ignored",
            text("\ufeffa\n\ufeffb\n".encode()),
            pairs=PAIRS,
        ),
        Case(
            "zero-width space",
            "part of its token, which is then probably unknown: see the rate of unknown tokens",
            text("a\u200b\nb\n".encode()),
            pairs=[("a\u200b", "a"), ("b", "b")],
        ),
        Case(
            "combining characters",
            "treated as different from precomposed ones: see the rate of unknown tokens",
            text("a\u0308\nb\n".encode()),
            pairs=[("a\u0308", "a"), ("b", "b")],
        ),
        Case(
            "control characters",
            "kept as part of their tokens",
            text(b"a\x01\nb\x7f\n"),
            pairs=[("a\x01", "a"), ("b\x7f", "b")],
        ),
        Case(
            "text that the vocabulary does not cover",
            "a.en: the source vocabulary contains none of its 2 tokens; are the source and "
            "target files swapped?",
            text(b"x\ny\n"),
        ),
    ],
    "Compression": [
        Case(
            "gzip without .gz",
            "a.en:1: gzip data; rename the file so that it ends in .gz",
            text(GZ),
        ),
        Case(
            "Zstandard without .zst",
            "a.en:1: Zstandard data; rename the file so that it ends in .zst",
            {"a.en": lambda path: Path(path).write_bytes(zstd(MANY)), **DE},
        ),
        Case("xz without .xz", "a.en:1: xz data; rename the file so that it ends in .xz", text(XZ)),
        Case(
            "bzip2",
            "a.en:1: bzip2 data; decompress the file, or compress it with gzip",
            text(bz2.compress(MANY)),
        ),
        Case("zip", "a.en:1: a zip archive; unpack it", text(b"PK\x03\x04\x14\0")),
        Case(
            "gzip: several members, some of them empty",
            "read normally",
            {
                "a.en.gz": gzip.compress(b"")
                + gzip.compress(b"a\n")
                + gzip.compress(b"")
                + gzip.compress(b"b\n"),
                **DE,
            },
            source("a.en.gz"),
            PAIRS,
        ),
        Case(
            "gzip: zeros at the end",
            "ignored",
            {"a.en.gz": gzip.compress(SOME) + bytes(512), **DE},
            source("a.en.gz"),
            PAIRS,
        ),
        Case(
            "gzip: no data",
            "a.en.gz: empty file; expected text with one sequence per line",
            {"a.en.gz": b"", **DE},
            source("a.en.gz"),
        ),
        Case(
            "gzip: plain text",
            f"a.en.gz:1: damaged gzip data (...); {AGAIN}",
            {"a.en.gz": SOME, **DE},
            source("a.en.gz"),
        ),
        Case(
            "gzip: truncated",
            f"a.en.gz:1001: damaged gzip data (the file ends too early); {AGAIN}",
            {"a.en.gz": GZ[:-9], **DE},
            source("a.en.gz"),
        ),
        Case(
            "gzip: other data after the last member",
            f"a.en.gz:3: damaged gzip data (...); {AGAIN}",
            {"a.en.gz": gzip.compress(SOME) + b"foreign", **DE},
            source("a.en.gz"),
        ),
        Case(
            "gzip: wrong checksum",
            f"a.en.gz:1: damaged gzip data (...); {AGAIN}",
            {"a.en.gz": gzip.compress(SOME)[:-8] + bytes(8), **DE},
            source("a.en.gz"),
        ),
        Case(
            "xz: several streams, some of them empty",
            "read normally",
            {
                "a.en.xz": lzma.compress(b"a\n")
                + lzma.compress(b"")
                + bytes(8)
                + lzma.compress(b"b\n"),
                **DE,
            },
            source("a.en.xz"),
            PAIRS,
        ),
        Case(
            "xz: plain text",
            f"a.en.xz:1: damaged xz data (...); {AGAIN}",
            {"a.en.xz": SOME, **DE},
            source("a.en.xz"),
        ),
        Case(
            "xz: truncated",
            f"a.en.xz:1001: damaged xz data (the file ends too early); {AGAIN}",
            {"a.en.xz": XZ[:-9], **DE},
            source("a.en.xz"),
        ),
        Case(
            "xz: damaged",
            f"a.en.xz:1: damaged xz data (...); {AGAIN}",
            {"a.en.xz": XZ[:40] + b"damage" + XZ[46:], **DE},
            source("a.en.xz"),
        ),
        Case(
            "xz: other data at the end",
            f"a.en.xz:3: damaged xz data (...); {AGAIN}",
            {"a.en.xz": lzma.compress(SOME) + b"foreign", **DE},
            source("a.en.xz"),
        ),
        Case(
            "Zstandard: several frames, some of them empty or skippable",
            "read normally",
            {
                "a.en.zst": lambda path: Path(path).write_bytes(
                    zstd(b"a\n") + zstd(b"") + SKIPPABLE + zstd(b"b\n")
                ),
                **DE,
            },
            source("a.en.zst"),
            PAIRS,
        ),
        Case(
            "Zstandard: plain text",
            f"a.en.zst:1: damaged Zstandard data (...); {AGAIN}",
            {"a.en.zst": SOME, **DE},
            source("a.en.zst"),
        ),
        Case(
            "Zstandard: truncated",
            f"a.en.zst:1: damaged Zstandard data (the file ends too early); {AGAIN}",
            {"a.en.zst": lambda path: Path(path).write_bytes(zstd(SOME)[:-3]), **DE},
            source("a.en.zst"),
        ),
        Case(
            "Zstandard: wrong checksum",
            f"a.en.zst:1: damaged Zstandard data (...); {AGAIN}",
            {
                "a.en.zst": lambda path: Path(path).write_bytes(
                    zstd(SOME, write_checksum=True)[:-4] + b"1234"
                ),
                **DE,
            },
            source("a.en.zst"),
        ),
        Case(
            "Zstandard: other data at the end",
            f"a.en.zst:3: damaged Zstandard data (...); {AGAIN}",
            {"a.en.zst": lambda path: Path(path).write_bytes(zstd(SOME) + b"foreign"), **DE},
            source("a.en.zst"),
        ),
    ],
    "Tables": [
        Case(
            "file that is not a table",
            "a.txt: not a table; expected a name that ends in .tsv, .csv, .jsonl, .ndjson, "
            ".parquet, .tfrecord, .tfrecords, or one of these and .gz, .zst or .xz",
            {"a.txt": b"a\tb\n"},
            table("a.txt"),
        ),
        Case(
            "table in place of text",
            "a.jsonl: a table; use --train_data with --source_column and --target_column",
            {"a.jsonl": jsonl(ROW), **DE},
            source("a.jsonl"),
        ),
        Case("empty file", f"a.tsv: {NO_ROWS}", {"a.tsv": b""}, table("a.tsv")),
        Case("only a header", f"a.tsv: {NO_ROWS}", {"a.tsv": b"en\tde\n"}, table("a.tsv")),
        Case(
            "column that is not in the header",
            "a.tsv:1: no column 'en'; it has 'x', 'de'",
            {"a.tsv": b"x\tde\na\tb\n"},
            table("a.tsv"),
        ),
        Case(
            "duplicate column name in the header",
            "a.tsv:1: 2 columns named 'en'; rename them",
            {"a.tsv": b"en\ten\tde\na\tb\tc\n"},
            table("a.tsv"),
        ),
        Case(
            "number of a column that does not exist",
            "a.tsv:1: no column 3; it has 2 columns",
            {"a.tsv": b"a\tb\n"},
            table("a.tsv", 1, 3),
        ),
        Case(
            "more than two columns, and none chosen",
            "a.tsv:1: 3 columns; choose two with --source_column and --target_column (in "
            "Python: the second argument)",
            {"a.tsv": b"1\ta\tb\n"},
            table("a.tsv", None, None),
        ),
        Case(
            "header, but no columns are given",
            f"a.tsv:1: 'en' and 'de' {LIKE_NAMES}",
            {"a.tsv": b"en\tde\na\tb\n"},
            table("a.tsv", None, None),
        ),
        Case(
            "header of several words, but no columns are given",
            f"a.csv:1: 'Source text' and 'target_1' {LIKE_NAMES}",
            {"a.csv": b"Source text,target_1\na,b\n"},
            table("a.csv", None, None),
        ),
        Case(
            "header with the names `source` and `target`, and no columns are given",
            "recognized",
            {"a.tsv": b"target\tid\tsource\nb\t1\ta\n"},
            table("a.tsv", None, None),
            [("a", "b")],
        ),
        Case(
            "header, but columns are given by number",
            "the header is read as a pair like any other row",
            {"a.tsv": b"en\tde\na\tb\n"},
            table("a.tsv", 1, 2),
            [("en", "de"), ("a", "b")],
        ),
        Case(
            "byte-order mark before the header",
            "ignored",
            {"a.csv": b"\xef\xbb\xbfen,de\na,b\n"},
            table("a.csv"),
            [("a", "b")],
        ),
        Case(
            "TSV: row with too few columns",
            "a.tsv:3: 1 column; expected 2 as in the first row",
            {"a.tsv": b"en\tde\na\tb\nc\n"},
            table("a.tsv"),
        ),
        Case(
            "TSV: row with too many columns",
            "a.tsv:3: 3 columns; expected 2 as in the first row",
            {"a.tsv": b"en\tde\na\tb\na\tb\tc\n"},
            table("a.tsv"),
        ),
        Case(
            "TSV: empty row",
            "a.tsv:3: empty row; expected 2 as in the first row",
            {"a.tsv": b"en\tde\na\tb\n\n"},
            table("a.tsv"),
        ),
        Case(
            "TSV: quotes",
            "part of the text",
            {"a.tsv": b'en\tde\n"a\tb "c"\n'},
            table("a.tsv"),
            [('"a', 'b "c"')],
        ),
        Case(
            "TSV: empty cell",
            "training skips the pair and reports how many it skipped",
            {"a.tsv": b"en\tde\na\t\nb\tb\n"},
            table("a.tsv"),
            [("a", ""), ("b", "b")],
        ),
        Case(
            "CSV: commas, quotes and line breaks in quotes",
            "a line break becomes a space",
            {"a.csv": b'en,de\r\n"a, b","say ""c""\r\na"\r\n'},
            table("a.csv"),
            [("a, b", 'say "c" a')],
        ),
        Case(
            "CSV: unclosed quote",
            "a.csv:3: invalid CSV (unexpected end of data)",
            {"a.csv": b'en,de\na,b\n"a,b\nc,d\n'},
            table("a.csv"),
        ),
        Case(
            "CSV: text after a closing quote",
            "a.csv:2: invalid CSV (...)",
            {"a.csv": b'en,de\n"a"b,c\n'},
            table("a.csv"),
        ),
        Case(
            "CSV: unclosed quote in a large file",
            "a.csv:2: row longer than 1048576 characters; is a quote not closed?",
            {"a.csv": b'en,de\n"' + b"a,b\n" * 400_000},
            table("a.csv"),
        ),
        Case(
            "CSV: row that is too long",
            "a.csv:2: row longer than 1048576 characters; is a quote not closed?",
            {"a.csv": b"en,de\n" + b'"\n",' * 400_000},
            table("a.csv"),
        ),
        Case(
            "CSV: semicolons",
            "a.csv:1: no column 'en'; it has 'en;de'",
            {"a.csv": b"en;de\na;b\n"},
            table("a.csv"),
        ),
        Case(
            "CSV: row with too few columns",
            "a.csv:4: 1 column; expected 2 as in the first row",
            {"a.csv": b'en,de\n"a\n",b\nc\n'},
            table("a.csv"),
        ),
        Case(
            "truncated compressed table",
            f"a.tsv.gz:1001: damaged gzip data (the file ends too early); {AGAIN}",
            {"a.tsv.gz": gzip.compress(MANY.replace(b" ", b"\t"))[:-9]},
            table("a.tsv.gz", 1, 2),
        ),
        Case(
            "Latin-1",
            f"a.csv:2: not UTF-8: byte 0xe9 at column 1; {ICONV}",
            {"a.csv": b"en,de\n\xe9,b\n"},
            table("a.csv"),
        ),
        Case(
            "several tables of different kinds",
            "read one after the other",
            {"a.tsv": b"de\ten\nb\ta\n", "b.jsonl": jsonl(ROW)},
            table(["a.tsv", "b.jsonl"]),
            [("a", "b")] * 2,
        ),
    ],
    "JSON lines": [
        Case(
            "invalid JSON",
            "a.jsonl:2: invalid JSON: ... at column ...; expected an object in each line",
            {"a.jsonl": jsonl(ROW) + b'{"en": a}\n'},
            table("a.jsonl"),
        ),
        Case(
            "truncated line",
            "a.jsonl:1: invalid JSON: ... at column ...; expected an object in each line",
            {"a.jsonl": b'{"en": "a", "de": "b'},
            table("a.jsonl"),
        ),
        Case(
            "empty line",
            "a.jsonl:2: invalid JSON: empty line; expected an object in each line",
            {"a.jsonl": jsonl(ROW) + b"\n"},
            table("a.jsonl"),
        ),
        Case(
            "an array that spans several lines",
            "a.jsonl:1: invalid JSON: ... at column ...; expected an object in each line",
            {"a.jsonl": json.dumps([ROW], indent=1).encode()},
            table("a.jsonl"),
        ),
        Case(
            "an array",
            "a.jsonl:1: ['a', 'b']; expected a JSON object",
            {"a.jsonl": jsonl(["a", "b"])},
            table("a.jsonl"),
        ),
        Case(
            "missing key",
            "a.jsonl:2: no column 'de'; it has 'en'",
            {"a.jsonl": jsonl(ROW, {"en": "a"})},
            table("a.jsonl"),
        ),
        Case(
            "null",
            "a.jsonl:1: column 'de' is null; expected a string",
            {"a.jsonl": jsonl({"en": "a", "de": None})},
            table("a.jsonl"),
        ),
        Case(
            "number",
            "a.jsonl:1: column 'en' is 3; expected a string",
            {"a.jsonl": jsonl({"en": 3, "de": "a"})},
            table("a.jsonl"),
        ),
        Case(
            "duplicate key",
            "a.jsonl:1: invalid JSON: key 'en' is given twice",
            {"a.jsonl": b'{"en": "a", "en": "b", "de": "c"}'},
            table("a.jsonl"),
        ),
        Case(
            "deep nesting",
            "a.jsonl:1: JSON is nested too deeply",
            {"a.jsonl": b"[" * 100_000},
            table("a.jsonl"),
        ),
        Case(
            "number with thousands of digits",
            "a.jsonl:1: invalid JSON: ...",
            {"a.jsonl": b'{"en": ' + b"1" * 9999 + b"}"},
            table("a.jsonl"),
        ),
        Case(
            "escaped NUL character",
            "a.jsonl:1: column 'en' has a NUL character; expected text",
            {"a.jsonl": jsonl({"en": "a\0", "de": "b"})},
            table("a.jsonl"),
        ),
        Case(
            "escaped lone surrogate",
            "a.jsonl:1: column 'en' has a lone surrogate at index 1; expected Unicode text",
            {"a.jsonl": jsonl({"en": "a\ud800", "de": "b"})},
            table("a.jsonl"),
        ),
        Case(
            "escaped line break",
            "becomes a space",
            {"a.jsonl": jsonl({"en": "a\nb\r\nc", "de": "b"})},
            table("a.jsonl"),
            [("a b c", "b")],
        ),
        Case(
            "columns given by number",
            "a.jsonl:1: expected the name of a column, got the number 1",
            {"a.jsonl": jsonl(ROW)},
            table("a.jsonl", 1, 2),
        ),
    ],
    "Parquet": [
        Case(
            "truncated",
            f"a.parquet: row 1: damaged Parquet data (...); {AGAIN}",
            {"a.parquet": cut(parquet(en=["a"], de=["b"]))},
            table("a.parquet"),
        ),
        Case(
            "data of another format",
            f"a.parquet: row 1: damaged Parquet data (...); {AGAIN}",
            {"a.parquet": MANY},
            table("a.parquet"),
        ),
        Case(
            "missing column",
            "a.parquet: no column 'en'; it has 'x', 'de'",
            {"a.parquet": parquet(x=["a"], de=["b"])},
            table("a.parquet"),
        ),
        Case(
            "duplicate column name",
            "a.parquet: 2 columns named 'en'; rename them",
            {"a.parquet": double_column},
            table("a.parquet"),
        ),
        Case(
            "null",
            "a.parquet: row 2: column 'en' is null; expected a string",
            {"a.parquet": parquet(en=["a", None], de=["b", "c"])},
            table("a.parquet"),
        ),
        Case(
            "numeric column",
            "a.parquet: column 'en' has type int64; expected strings",
            {"a.parquet": parquet(en=[1], de=["b"])},
            table("a.parquet"),
        ),
        Case(
            "no rows",
            "a.parquet: column 'en' has type null; expected strings",
            {"a.parquet": parquet(en=[], de=[])},
            table("a.parquet"),
        ),
        Case(
            "compressed as a whole",
            "a.parquet.gz: decompress this file (Parquet has its own compression)",
            {"a.parquet.gz": gzip.compress(b"PAR1")},
            table("a.parquet.gz"),
        ),
        Case(
            "two columns, and none chosen",
            "used as source and target",
            {"a.parquet": parquet(en=["a"], de=["b"])},
            table("a.parquet", None, None),
            [("a", "b")],
        ),
    ],
    "TFRecord": [
        Case(
            "wrong checksum of a record",
            f"a.tfrecord: record 2: damaged TFRecord data (wrong checksum); {AGAIN}",
            {
                "a.tfrecord": records(
                    good_example, good_example, change=lambda data: data[:-5] + b"x" + data[-4:]
                )
            },
            table("a.tfrecord"),
        ),
        Case(
            "wrong checksum of a length",
            f"a.tfrecord: record 1: damaged TFRecord data (wrong checksum of the length); {AGAIN}",
            {"a.tfrecord": records(good_example, change=lambda data: b"\xff" + data[1:])},
            table("a.tfrecord"),
        ),
        Case(
            "truncated",
            f"a.tfrecord: record 1: damaged TFRecord data (the file ends too early); {AGAIN}",
            {"a.tfrecord": records(good_example, change=lambda data: data[:-3])},
            table("a.tfrecord"),
        ),
        Case(
            "records of another type",
            "a.tfrecord: record 1: not a tf.train.Example",
            {"a.tfrecord": records(lambda: b"\xff\xff")},
            table("a.tfrecord"),
        ),
        Case(
            "missing feature",
            "a.tfrecord: record 1: no column 'en'; it has 'de'",
            {"a.tfrecord": records(lambda: example(de=[b"a"]))},
            table("a.tfrecord"),
        ),
        Case(
            "numeric feature",
            "a.tfrecord: record 1: column 'en' is [3]; expected a string",
            {"a.tfrecord": records(lambda: example(en=3, de=[b"a"]))},
            table("a.tfrecord"),
        ),
        Case(
            "feature with several values",
            "a.tfrecord: record 1: column 'en' is [b'a', b'b']; expected a string",
            {"a.tfrecord": records(lambda: example(en=[b"a", b"b"], de=[b"a"]))},
            table("a.tfrecord"),
        ),
        Case(
            "text that is not UTF-8",
            "a.tfrecord: record 1: feature 'en' is not UTF-8: byte 0xff at index 1",
            {"a.tfrecord": records(lambda: example(en=[b"a\xff"], de=[b"a"]))},
            table("a.tfrecord"),
        ),
    ],
    "Vocabularies": [
        Case("missing file", "v: no such file", text(SOME), vocabulary(b"")["flags"]),
        Case(
            "empty file",
            "v: empty file; expected a vocabulary with one token per line",
            **vocabulary(b""),
        ),
        Case(
            "blank line",
            "v:2: blank line; expected a token (remove the line)",
            **vocabulary(b"a\n\nb\n"),
        ),
        Case(
            "token on two lines",
            "v:3: 'a' duplicates line 1; remove one",
            **vocabulary(b"a\nb\na\n"),
        ),
        Case(
            "special token",
            "v:2: '</s>' is reserved for a special token; remove the line",
            **vocabulary(b"a\n</s>\n"),
        ),
        Case(
            "text instead of a vocabulary",
            "v:1: whitespace in 'a dog'; expected one token, optionally a tab and a count",
            **vocabulary(b"a dog\na man\n"),
        ),
        Case(
            "counts on some lines",
            "v:2: counts on some lines only; expected all lines or none to have one",
            **vocabulary(b"a\t3\nb\n"),
        ),
        Case(
            "count that is not a number",
            "v:1: invalid count 'x' after the tab; expected a whole number",
            **vocabulary(b"a\tx\n"),
        ),
        Case(
            ".vocab file of SentencePiece",
            "v:1: a score, as in the .vocab file of a SentencePiece model; use its .model file",
            **vocabulary("<unk>\t0\n<s>\t0\n\u2581a\t-3.25\n".encode()),
        ),
        Case(
            "the same without special tokens",
            "v:1: a score, as in the .vocab file of a SentencePiece model; use its .model file",
            **vocabulary("\u2581a\t-3.25\n\u2581b\t-4\n".encode()),
        ),
        Case(
            "Latin-1", f"v:1: not UTF-8: byte 0xfc at column 3; {ICONV}", **vocabulary(b"gr\xfcn")
        ),
        Case(
            "CR LF line ends and a byte-order mark",
            "ignored",
            **vocabulary(b"\xef\xbb\xbfa\r\nb\r\n"),
            pairs=PAIRS,
        ),
        Case(
            "SentencePiece model: empty file",
            "v.model: empty file; expected a SentencePiece model",
            **vocabulary(b"", "v.model"),
        ),
        Case(
            "SentencePiece model: other data, such as a web page",
            "v.model: damaged, or not a SentencePiece model",
            **vocabulary(b"<html><body>404</body></html>", "v.model"),
        ),
        Case(
            "SentencePiece model: a list of tokens",
            "v.model: damaged, or not a SentencePiece model",
            **vocabulary(b"a\nb\n", "v.model"),
        ),
        Case(
            "model directory with the vocabulary or SentencePiece model of another run",
            "m/source.vocab: not the vocabulary that was saved with source.tokenizer.json; "
            "restore the file",
            **tokenizer(lambda: Path("m/source.vocab").write_bytes(b"b\na\n")),
        ),
        Case(
            "model directory with a damaged description of a tokenizer",
            "m/source.tokenizer.json: damaged file (...); expected a saved tokenizer",
            **tokenizer(lambda: os.truncate("m/source.tokenizer.json", 9)),
        ),
    ],
    "Prepared records": [
        Case(
            "damaged manifest",
            f"p/manifest.json: damaged file; {PREPARE}",
            **prepared(lambda path: os.truncate(path / "manifest.json", 99)),
        ),
        Case(
            "manifest with an edited number",
            f"p/manifest.json: damaged file; {PREPARE}",
            **prepared(lambda path: replace(path / "manifest.json", '"pairs": 2', '"pairs": 3')),
        ),
        Case(
            "records of another version",
            f"p/manifest.json: records of version 1, but this is version 3; {PREPARE}",
            **prepared(
                lambda path: replace(path / "manifest.json", '"version": 3', '"version": 1')
            ),
        ),
        Case(
            "damaged shard",
            f"p/000000.records: damaged file; {PREPARE}",
            **prepared(lambda path: flip(path / "000000.records", 5)),
        ),
        Case(
            "truncated shard",
            f"p/000000.records: damaged file; {PREPARE}",
            **prepared(lambda path: os.truncate(path / "000000.records", 9)),
        ),
        Case(
            "missing shard",
            "p/000000.records: no such file",
            **prepared(lambda path: os.remove(path / "000000.records")),
        ),
        Case(
            "damaged lengths",
            f"p/lengths: damaged file; {PREPARE}",
            **prepared(lambda path: flip(path / "lengths", 0)),
        ),
        Case(
            "tokenizer of other records",
            "p/target.vocab: not the vocabulary that was saved with target.tokenizer.json; "
            "restore the file",
            **prepared(lambda path: (path / "target.vocab").write_bytes(b"b\na\n")),
        ),
    ],
}


def page() -> str:
    """Returns the content of the page."""
    lines = [
        "# Bad data",
        "",
        "What `train` reports for each kind of unusual or damaged data. Error messages are one "
        "line, and no line or row is",
        "skipped silently. File names are examples; `...` stands for a reason that depends on a "
        "library.",
    ]
    for title, cases in CASES.items():
        lines += ["", f"## {title}", "", "| data | what happens |", "|---|---|"]
        for case in cases:
            shows = case.shows if case.pairs is not None else f"`{case.shows}`"
            lines.append(f"| {case.kind} | {shows} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
