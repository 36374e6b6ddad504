import gzip
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

from keras_seq2seq import (
    ByteTokenizer,
    CharacterTokenizer,
    TextEncoder,
    Vocabulary,
    WhitespaceTokenizer,
    WordTokenizer,
    make_dataset,
    prepare_records,
)
from keras_seq2seq.data import RecordPairs, record_order, scan_parallel_text
from keras_seq2seq.data.filters import Duplicates, FilteredPairs
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.data.records import LINES_PER_BLOCK, SIDES, Records
from keras_seq2seq.errors import InputError, RunError, UserError

LINES = 3 * LINES_PER_BLOCK + 100
WORDS = [f"w{number}" for number in range(300)]


def make_lines(seed, lines=LINES):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 30, lines)
    rows = [" ".join(random.choice(WORDS, length)) for length in lengths]
    for number in range(5, lines, 97):
        rows[number] = ""
    return rows


@pytest.fixture(scope="module")
def text():
    return make_lines(1), make_lines(2)


@pytest.fixture(scope="module")
def tokenizers():
    # Some words are unknown.
    return WhitespaceTokenizer(Vocabulary(WORDS[:250])), WhitespaceTokenizer(Vocabulary(WORDS[20:]))


@pytest.fixture(scope="module")
def encoders(tokenizers):
    return TextEncoder(tokenizers[0], 20, reverse=True), TextEncoder(tokenizers[1], 25)


@pytest.fixture(scope="module")
def prepared(text, tokenizers, tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "prepared"
    prepare_records(*text, *tokenizers, path, shards=2)
    return path


@pytest.fixture
def copy(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "copy")


@pytest.fixture
def two_blocks_per_window(monkeypatch):
    monkeypatch.setattr(record_order, "BLOCKS_PER_WINDOW", 2)


def batches(*data, encoders, **options):
    """Returns source ids, target ids, labels and line numbers of all batches."""
    options = {"batch_size": 16, "buckets": (5, "10x12", 20), "line_numbers": True} | options
    return [
        (features["source_ids"], features["target_ids"], labels, lines)
        for features, labels, lines in make_dataset(*data, *encoders, **options).as_numpy_iterator()
    ]


def assert_equal(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for array, expected in zip(one, other, strict=True):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)


def pairs_of(all_batches):
    """Counts the pairs with their line numbers, without padding."""
    rows = (row for batch in all_batches for row in zip(*batch, strict=True))
    return Counter(
        (int(line), *(tuple(ids[ids > 0].tolist()) for ids in sides)) for *sides, line in rows
    )


@pytest.mark.parametrize("options", [{}, {"epochs": 3}, {"buckets": ()}, {"buckets": "auto"}])
def test_without_shuffling_the_batches_are_those_of_the_text(prepared, text, encoders, options):
    expected = batches(*text, encoders=encoders, **options)
    assert_equal(batches(prepared, None, encoders=encoders, **options), expected)


@pytest.mark.usefixtures("two_blocks_per_window")
def test_several_windows_change_nothing_without_shuffling(prepared, text, encoders):
    expected = batches(*text, encoders=encoders, epochs=2)
    assert_equal(batches(prepared, None, encoders=encoders, epochs=2), expected)


@pytest.mark.usefixtures("two_blocks_per_window")
def test_shuffling_keeps_the_set_of_pairs(prepared, text, encoders):
    shuffled = batches(prepared, None, encoders=encoders, shuffle=True)
    in_order = batches(*text, encoders=encoders)
    assert pairs_of(shuffled) == pairs_of(in_order)
    assert [batch[-1].tolist() for batch in shuffled] != [batch[-1].tolist() for batch in in_order]


@pytest.mark.usefixtures("two_blocks_per_window")
def test_each_batch_comes_from_one_bucket(prepared, encoders):
    for sources, _, labels, _ in batches(prepared, None, encoders=encoders, shuffle=True):
        lengths = zip((sources > 0).sum(axis=1), (labels > 0).sum(axis=1), strict=True)
        # The first boundary above both lengths, as `validate_buckets` describes it.
        limits = [(5, 5), (10, 12), (20, 20), (99, 99)]
        buckets = {
            next(i for i, limit in enumerate(limits) if pair[0] < limit[0] and pair[1] < limit[1])
            for pair in lengths
        }
        assert len(buckets) == 1


@pytest.mark.usefixtures("two_blocks_per_window")
@pytest.mark.parametrize("shuffle", [False, True])
def test_skipping_batches_is_like_reading_them(prepared, encoders, shuffle):
    options = {"encoders": encoders, "shuffle": shuffle, "epochs": 3}
    # The batch size of the last bucket needs pairs of several epochs.
    options["batch_size"] = [16, 16, 16, 4000]
    everything = batches(prepared, None, **options)
    for skipped in (1, 7, 150, 200, 333, len(everything) - 4, len(everything) - 1):
        rest = batches(prepared, None, skip_batches=skipped, **options)
        assert_equal(rest, everything[skipped:])
    assert batches(prepared, None, skip_batches=len(everything) + 5, **options) == []


def test_text_skips_batches_too(text, encoders):
    options = {"encoders": encoders, "shuffle": True, "epochs": 2}
    assert_equal(batches(*text, skip_batches=100, **options), batches(*text, **options)[100:])


@pytest.mark.usefixtures("two_blocks_per_window")
def test_an_endless_stream_starts_anywhere_without_reading_much(prepared, encoders, monkeypatch):
    reads = []
    read_block = Records.read_block

    def count_reads(records, block):
        reads.append(block)
        return read_block(records, block)

    monkeypatch.setattr(Records, "read_block", count_reads)
    dataset = make_dataset(prepared, None, *encoders, epochs=None, shuffle=True, skip_batches=10**9)
    assert dataset.cardinality() == -1
    next(iter(dataset))
    assert len(reads) < 20


def test_each_epoch_has_another_order_that_depends_on_the_seed(prepared, encoders):
    dataset = make_dataset(prepared, None, *encoders, shuffle=True, line_numbers=True)
    first, second = ([batch[-1].numpy().tolist() for batch in dataset] for _ in range(2))
    assert first != second
    stream = make_dataset(
        prepared, None, *encoders, shuffle=True, line_numbers=True, epochs=2, batch_size=1
    )
    numbers = [int(batch[-1][0]) for batch in stream.as_numpy_iterator()]
    assert numbers == [number for epoch in (first, second) for batch in epoch for number in batch]
    other = make_dataset(prepared, None, *encoders, shuffle=True, line_numbers=True, seed=2**40)
    assert [batch[-1].numpy().tolist() for batch in other] != first


def test_the_order_is_fixed(tmp_path):
    """Computed once; a change would make resumed runs differ from those that were not."""
    tokenizer = WhitespaceTokenizer(Vocabulary(["a"]))
    prepare_records(["a"] * 10, ["a"] * 10, tokenizer, tokenizer, tmp_path / "p")
    random = np.random.RandomState([7, 0, 0, 1])
    dataset = make_dataset(
        tmp_path / "p", None, tokenizer, tokenizer, shuffle=True, seed=7, line_numbers=True
    )
    (*_, lines) = next(dataset.as_numpy_iterator())
    assert lines.tolist() == (random.permutation(10) + 1).tolist()


@pytest.mark.usefixtures("two_blocks_per_window")
def test_the_shuffle_mixes_the_corpus(tmp_path):
    """Half of the pairs that are next to each other in training are from distant lines."""
    tokenizer = WhitespaceTokenizer(Vocabulary(["a"]))
    lines = ["a"] * (64 * LINES_PER_BLOCK)
    prepare_records(lines, lines, tokenizer, tokenizer, tmp_path / "p")
    dataset = make_dataset(
        tmp_path / "p", None, tokenizer, tokenizer, shuffle=True, line_numbers=True, batch_size=4096
    )
    numbers = np.concatenate([lines for *_, lines in dataset.as_numpy_iterator()])
    blocks = (numbers - 1) // LINES_PER_BLOCK
    assert 0.45 < (blocks[1:] != blocks[:-1]).mean() < 0.55
    # Windows are no contiguous parts of the text.
    windows = blocks.reshape(-1, 2 * LINES_PER_BLOCK)
    assert sum(len(set(row.tolist())) == 2 and np.ptp(row) == 1 for row in windows) < 8


@pytest.mark.usefixtures("two_blocks_per_window")
def test_shards_of_workers_make_up_the_batches(prepared, encoders):
    options = {"encoders": encoders, "shuffle": True, "skip_batches": 20}
    whole = batches(prepared, None, **options)
    parts = [
        batches(prepared, None, shards=range(i, i + 1), num_shards=2, **options) for i in range(2)
    ]
    for batch, *shards in zip(whole, *parts, strict=True):
        for index, shard in enumerate(shards):
            np.testing.assert_array_equal(shard[-1], batch[-1][index::2])
            np.testing.assert_array_equal(shard[0], batch[0][index::2, : shard[0].shape[1]])
    both = batches(prepared, None, shards=range(2), num_shards=2, **options)
    assert_equal(both, [shard for pair in zip(*parts, strict=True) for shard in pair])


@pytest.mark.parametrize(
    "make",
    [
        CharacterTokenizer.build,
        WordTokenizer.build,
        lambda lines: ByteTokenizer(),
    ],
)
def test_ids_are_those_of_the_graph(make, tmp_path):
    sources = ["Ein  Mann.", "  ", "</s> Käse\u200b", "\ufeffçà ﬁ 日本"]
    targets = ["a man", "b", "<unk> cheese <s>", "d"]
    tokenizers = make(sources[:1] + sources[3:]), make(targets)
    encoders = list(map(TextEncoder, tokenizers))
    prepare_records(sources, targets, *tokenizers, tmp_path / "p")
    assert_equal(
        batches(tmp_path / "p", None, encoders=encoders),
        batches(sources, targets, encoders=encoders),
    )


def test_maximum_lengths_may_be_large(prepared, text, tokenizers):
    encoders = [TextEncoder(tokenizer, 5000) for tokenizer in tokenizers]
    assert_equal(batches(prepared, None, encoders=encoders), batches(*text, encoders=encoders))
    lengths = scan_parallel_text(*text, *encoders).lengths
    assert scan_parallel_text(prepared, None, *encoders).lengths == lengths


def test_large_vocabularies_need_more_bytes(tmp_path):
    tokenizer = WhitespaceTokenizer(Vocabulary([f"w{number}" for number in range(70_000)]))
    lines = ["w69999 w65531 w65532", "w0"]
    prepare_records(lines, lines, tokenizer, tokenizer, tmp_path / "p")
    encoders = [TextEncoder(tokenizer)] * 2
    assert_equal(
        batches(tmp_path / "p", None, encoders=encoders), batches(lines, lines, encoders=encoders)
    )


def test_statistics_are_those_of_the_text(prepared, text, encoders):
    expected = scan_parallel_text(*text, *encoders)
    summary = scan_parallel_text(prepared, None, *encoders)
    assert summary.empty_pairs > 0
    for name in ("lines", "empty_pairs", "pairs", "lengths"):
        assert getattr(summary, name) == getattr(expected, name)
    names = ("path", "tokens", "unknown_tokens", "truncated", "longest", "lengths")
    for side in ("source", "target"):
        for name in names:
            assert getattr(getattr(summary, side), name) == getattr(getattr(expected, side), name)


def test_the_number_of_batches_is_known(prepared, encoders):
    options = {"batch_size": 16, "buckets": (5, 10), "epochs": 2}
    dataset = make_dataset(prepared, None, *encoders, skip_batches=3, **options)
    assert dataset.cardinality() == sum(1 for _ in dataset)


def test_empty_sides_are_dropped_and_counted(tmp_path, tokenizers):
    summary = prepare_records(["w1", "", "w2"], ["w1 w21", "w2", " "], *tokenizers, tmp_path / "p")
    assert summary[:2] == (1, 2)


def test_line_breaks_in_dev_text_are_whitespace(tmp_path, tokenizers):
    dev = [("w30\nw31", "w32"), ("w30", "w31\r\nw32")]
    prepare_records(["w30"] * 3, ["w31"] * 3, *tokenizers, tmp_path / "p", dev=dev)
    lines = [gzip.open(tmp_path / "p" / f"dev.{side}.gz", "rt").read() for side in SIDES]
    assert lines == ["w30 w31\nw30\n", "w32\nw31 w32\n"]


def test_filtered_pairs_keep_the_line_numbers_of_the_text(text, tokenizers, encoders, tmp_path):
    rows = list(zip(*text, strict=True))
    filtered = FilteredPairs(as_pairs(rows + rows[:3] + [("w1", "w1")], None), [Duplicates()])
    summary = prepare_records(filtered, None, *tokenizers, tmp_path / "p")
    expected = batches(rows + [("", "")] * 3 + [("w1", "w1")], None, encoders=encoders)
    assert pairs_of(batches(tmp_path / "p", None, encoders=encoders)) == pairs_of(expected)
    empty = sum(not all(row) for row in rows)
    # Pairs with an empty side are no duplicates.
    dropped = sum(all(row) for row in rows[:3])
    assert (summary.empty_pairs, summary.dropped) == (empty, {"duplicate": dropped})
    scan = scan_parallel_text(tmp_path / "p", None, *encoders)
    assert (scan.lines, scan.dropped) == (len(rows) + 1, {"duplicate": dropped})
    # Line numbers continue after the whole text of the first corpus.
    both = RecordPairs([tmp_path / "p", tmp_path / "p"])
    assert max(both.read_block(len(both.pairs_of_blocks) - 1).lines) == 2 * (len(rows) + 4)


def test_workers_and_shards_change_nothing(text, tokenizers, prepared, encoders, tmp_path):
    prepare_records(*text, *tokenizers, tmp_path / "a", shards=2, workers=2)
    for file in prepared.iterdir():
        assert (tmp_path / "a" / file.name).read_bytes() == file.read_bytes()
    prepare_records(*text, *tokenizers, tmp_path / "b", shards=3)
    assert_equal(
        batches(tmp_path / "b", None, encoders=encoders, shuffle=True),
        batches(prepared, None, encoders=encoders, shuffle=True),
    )


@pytest.mark.usefixtures("two_blocks_per_window")
def test_weights_repeat_corpora(prepared, text, tokenizers, encoders, tmp_path):
    sources, targets = make_lines(3, 500), make_lines(4, 500)
    prepare_records(sources, targets, *tokenizers, tmp_path / "b")
    mixed = RecordPairs([prepared, tmp_path / "b"], weights=[1, 3])
    options = {"encoders": encoders, "shuffle": True}
    counted = pairs_of(batches(mixed, None, **options))
    expected = pairs_of(batches(*text, encoders=encoders))
    for (line, *sides), number in pairs_of(batches(sources, targets, encoders=encoders)).items():
        # Line numbers continue.
        expected[(line + LINES, *sides)] += 3 * number
    assert counted == expected
    summaries = [
        scan_parallel_text(*data, *encoders) for data in (text, (sources, targets), (mixed, None))
    ]
    assert summaries[2].pairs == summaries[0].pairs + 3 * summaries[1].pairs
    assert summaries[2].source.tokens == (
        summaries[0].source.tokens + 3 * summaries[1].source.tokens
    )
    everything = batches(mixed, None, epochs=2, **options)
    assert_equal(batches(mixed, None, epochs=2, skip_batches=321, **options), everything[321:])


def test_weights_are_checked(prepared):
    with pytest.raises(UserError, match="a weight for each of the 1 prepared directories, got 2"):
        RecordPairs([prepared], [1, 2])
    with pytest.raises(UserError, match="expected at least 1, got 0"):
        RecordPairs([prepared], [0])
    with pytest.raises(UserError, match="data_weights: expected whole numbers, got 1.5"):
        RecordPairs([prepared], [1.5])


def test_directories_may_be_one_but_not_none(prepared):
    expected = RecordPairs([prepared])
    for path in (prepared, str(prepared)):
        assert RecordPairs(path).pairs_of_blocks.tolist() == expected.pairs_of_blocks.tolist()
    with pytest.raises(UserError, match="at least one directory of prepared records, got none"):
        RecordPairs([])


def test_other_tokenizers_are_one_line(prepared, tokenizers):
    source, target = tokenizers
    other = WhitespaceTokenizer(Vocabulary(WORDS))
    message = r"prepared with another target tokenizer \(whitespace, 284 ids, [0-9a-f]{12}\) than"
    with pytest.raises(UserError, match=message):
        make_dataset(prepared, None, source, other)
    with pytest.raises(UserError, match=r"another source tokenizer .*\(characters, 254 ids"):
        make_dataset(prepared, None, CharacterTokenizer(source.vocabulary), target)


def test_corpora_need_the_same_tokenizers(prepared, tokenizers, tmp_path):
    prepare_records(["w1"], ["w21"], tokenizers[0], tokenizers[0], tmp_path / "b")
    with pytest.raises(UserError, match="another target tokenizer"):
        RecordPairs([prepared, tmp_path / "b"])


def test_there_is_no_text(prepared):
    with pytest.raises(InputError, match="contain no text"):
        list(RecordPairs([prepared]))


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["000001.records", "index", "lengths", "source.vocab"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damaged_files_are_one_line(copy, encoders, name, damage):
    path = copy / name
    if damage == "flip":
        flip(path, -2)
    elif damage == "truncate":
        path.write_bytes(path.read_bytes()[:-3])
    else:
        path.unlink()
    with pytest.raises(Exception, match=re.escape(str(copy))) as error:
        batches(copy, None, encoders=encoders)
    message = str(error.value)
    own = [line for line in message.splitlines() if str(copy) in line]
    assert isinstance(error.value, UserError) or any(
        "damaged file" in line or "no such file" in line for line in own
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-20], "damaged file"),
        (lambda text: text.replace('"pairs":', '"pairs": 1, "other":'), "damaged file"),
        (lambda text: text.replace('"version": 3', '"version": 1'), "records of version 1, but"),
        (lambda text: json.dumps({"format": "x", "version": 1, "sha256": ""}), "not the manifest"),
        (lambda text: "[1]", "damaged file"),
    ],
)
def test_damaged_manifests_are_one_line(copy, encoders, change, message):
    path = copy / "manifest.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=f"manifest.json: {message}"):
        make_dataset(copy, None, *encoders)


def test_bad_text_leaves_no_directory(tmp_path, tokenizers):
    with pytest.raises(InputError, match="line-aligned"):
        prepare_records(["w1", "w2"], ["w21"] * 3, *tokenizers, tmp_path / "p")
    with pytest.raises(InputError, match="source vocabulary contains none of its 1 tokens"):
        prepare_records(["x"], ["w21"], *tokenizers, tmp_path / "p")
    with pytest.raises(InputError, match="no usable pair"):
        prepare_records([""], ["w21"], *tokenizers, tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_files_of_unequal_length_are_one_line(tmp_path, tokenizers):
    (tmp_path / "a").write_text("w1\n" * 2000)
    (tmp_path / "b").write_text("w21\n" * 1999)
    with pytest.raises(InputError, match="a has 2000 lines, but .*b has 1999"):
        prepare_records(tmp_path / "a", tmp_path / "b", *tokenizers, tmp_path / "p")


def test_other_directories_are_not_replaced(tmp_path, tokenizers):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        prepare_records(["w1"], ["w21"], *tokenizers, tmp_path)


def test_a_killed_worker_is_one_line(tmp_path, tokenizers):
    def lines():
        for number in range(200_000):
            if number == 100_000:
                os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
            yield "w1", "w21"

    with pytest.raises(RunError, match="a worker process was killed; rerun"):
        prepare_records(lines, None, *tokenizers, tmp_path / "p", workers=2)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_reaches_no_worker(tmp_path, tokenizers):
    blocked = []

    def lines():
        for number in range(20_000):
            # Workers may still be starting.
            if number == 10_000:
                blocked.extend(map(_blocks_ctrl_c, multiprocessing.active_children()))
            yield "w1", "w21"

    prepare_records(lines, None, *tokenizers, tmp_path / "p", workers=2)
    assert blocked and all(blocked)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def _blocks_ctrl_c(process):
    with open(f"/proc/{process.pid}/status") as file:
        mask = next(line.split()[1] for line in file if line.startswith("SigBlk:"))
    return bool(int(mask, 16) >> (signal.SIGINT - 1) & 1)


_SLOW = """
import sys, time
from keras_seq2seq import Vocabulary, WhitespaceTokenizer, prepare_records

def lines():
    for number in range(100_000):
        if number == 30_000:
            print("started", flush=True)
            time.sleep(60)
        yield "a", "a"

if __name__ == "__main__":
    tokenizer = WhitespaceTokenizer(Vocabulary(["a"]))
    prepare_records(lines, None, tokenizer, tokenizer, sys.argv[1], workers=2)
"""


def test_a_killed_preparation_can_be_repeated(tmp_path):
    (tmp_path / "slow.py").write_text(_SLOW)
    output = tmp_path / "out" / "p"
    command = [sys.executable, tmp_path / "slow.py", output]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        children = _children_of(process.pid)
        process.kill()
    assert not output.exists()
    tokenizer = WhitespaceTokenizer(Vocabulary(["a"]))
    prepare_records(["a"], ["a"], tokenizer, tokenizer, output)
    assert [path.name for path in output.parent.iterdir()] == ["p"]
    assert Records(output).pairs.tolist() == [1]
    # The workers end by themselves.
    for _ in range(100):
        if not any(os.path.exists(f"/proc/{child}/cmdline") for child in children):
            break
        time.sleep(0.1)
    else:
        pytest.fail("workers are still running")


def _children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()
