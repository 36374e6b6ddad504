import gzip
import random
import re
import shutil

import pytest
import yaml

from keras_seq2seq import (
    AttentionDecoder,
    AttentionSeq2Seq,
    BidirectionalEncoder,
    SentencePieceTokenizer,
    Tokenizer,
    Translator,
    Vocabulary,
    WhitespaceTokenizer,
    prepare_records,
)
from keras_seq2seq.data import write_corpus

SMALL = (
    *("--hparams", "rnn_cell.num_units=8, embedding.dim=8, attention.dim=8"),
    *("--batch_size=16", "--train_steps=4", "--eval_every_n_steps=2", "--sample_translations=0"),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus")
    write_corpus("copy", directory, train=200, dev=20, test=20, vocabulary_size=5, max_length=5)
    return directory


def files(corpus, *parts):
    flags = {
        f"--{part}_{side}": corpus / part / f"{side}s.txt"
        for part in parts
        for side in ("source", "target")
    }
    vocabularies = {
        f"--vocab_{side}": corpus / f"vocab.{side}s.txt" for side in ("source", "target")
    }
    return [f"{name}={value}" for name, value in (flags | vocabularies).items()]


@pytest.fixture(scope="module")
def prepared(corpus, tmp_path_factory):
    from click.testing import CliRunner

    from keras_seq2seq.cli.main import cli

    path = tmp_path_factory.mktemp("prepared") / "p"
    arguments = ["prepare", *files(corpus, "train", "dev"), f"--output_dir={path}", "--workers=1"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert f"{path}: 200 pairs in 1 shard, 0.0 MB" in result.output
    assert f"Train with: keras-seq2seq train --train_data={path}" in result.output
    return path


def test_trains_on_the_records_alone(prepared, run, tmp_path):
    flags = ["--train_data", prepared, "--output_dir", tmp_path / "m", *SMALL]
    result = run("train", *flags, "--sample_translations=1")
    assert result.status == 0
    assert "train: 200 pairs" in result.errors
    assert "dev: 20 pairs" in result.errors
    # The model does not need the records any more.
    translated = run("translate", "--model_dir", tmp_path / "m", stdin=b"1 2\n")
    assert translated.status == 0
    assert len(translated.output.splitlines()) == 1


def test_the_dev_text_is_kept(prepared, corpus):
    for side in ("source", "target"):
        text = (corpus / "dev" / f"{side}s.txt").read_bytes()
        assert gzip.decompress((prepared / f"dev.{side}.gz").read_bytes()) == text


def test_weights_of_the_command_line(prepared, corpus, run, tmp_path):
    more = tmp_path / "more"
    parts = files(corpus, "train", "dev")
    run("prepare", *parts, "--output_dir", more, "--shards=2", "--workers=1")
    flags = ["--train_data", prepared, "--train_data", more, "--output_dir", tmp_path / "m"]
    result = run("train", *flags, "--data_weights=1,3", "--dry_run", *SMALL)
    assert result.status == 0
    assert "train: 800 pairs" in result.errors
    result = run("train", *flags, "--data_weights=1", "--dry_run", *SMALL)
    assert (result.status, result.errors) == (
        2,
        "keras-seq2seq: error: data_weights: expected a weight for each of the 2 prepared "
        "directories, got 1\n",
    )


def test_weights_need_records(corpus, run, tmp_path):
    flags = [*files(corpus, "train", "dev"), "--data_weights=1,2"]
    result = run("train", *flags, "--output_dir", tmp_path / "m")
    assert result.status == 2
    assert "--data_weights: has an effect only if --train_data consists of" in result.errors


def test_tokenizers_and_their_options_come_from_the_records(corpus, run, tmp_path):
    lines = ["Ein Mann schläft.", "Ein Hund!"] * 20
    (tmp_path / "a").write_text("".join(f"{line}\n" for line in lines))
    SentencePieceTokenizer.build(lines, size=274).save_vocabulary(tmp_path / "a.model")
    run("vocab", tmp_path / "a", "--tokenizer=words", "--lowercase", "--output", tmp_path / "words")
    flags = [f"--{part}_{side}={tmp_path / 'a'}" for part in ("train", "dev") for side in SIDES]
    flags += [f"--vocab_source={tmp_path / 'a.model'}", f"--vocab_target={tmp_path / 'words'}"]
    options = "target.tokenizer=words, target.lowercase=true"
    result = run(
        "prepare", *flags, "--hparams", options, "--output_dir", tmp_path / "p", "--workers=1"
    )
    assert result.status == 0
    model = tmp_path / "m"
    result = run("train", "--train_data", tmp_path / "p", "--output_dir", model, *SMALL)
    assert result.status == 0
    assert Tokenizer.load(model / "source").name == "sentencepiece"
    target = Tokenizer.load(model / "target")
    assert (target.name, target.get_config()["lowercase"]) == ("words", True)
    other = ["--hparams", "target.tokenizer=words, target.lowercase=false"]
    result = run("train", "--train_data", tmp_path / "p", "--output_dir", tmp_path / "n", *other)
    assert "p: prepared with target.lowercase=true, not false; prepare the text" in result.errors
    result = run(
        "train",
        *("--train_data", tmp_path / "p", "--output_dir", tmp_path / "n"),
        *("--hparams", "source.sampling_alpha=0.1, source.tokenizer=sentencepiece"),
        *("--vocab_source", tmp_path / "a.model"),
    )
    assert result.status == 2
    assert "source.sampling_alpha needs text, since prepared records contain ids" in result.errors


def test_bytes_need_no_vocabulary(corpus, run, tmp_path):
    flags = [flag for flag in files(corpus, "train", "dev") if "vocab" not in flag]
    hparams = "--hparams=source.tokenizer=bytes, target.tokenizer=bytes, source.max_seq_len=12"
    result = run("prepare", *flags, hparams, "--output_dir", tmp_path / "p", "--workers=1")
    assert result.status == 0, result.errors
    train = ["train", "--train_data", tmp_path / "p", "--output_dir", tmp_path / "m", *SMALL]
    result = run(*train, "--dry_run")
    assert result.status == 0, result.errors
    options = yaml.safe_load(result.output.partition("Model:")[0])["hparams"]
    assert options["source"]["max_seq_len"] == 12
    # The default of 100 is more than twice the target length.
    assert (options["target"]["tokenizer"], options["inference"]["max_decode_length"]) == (
        "bytes",
        100,
    )
    assert run(*train).status == 0
    assert run(*train, "--train_steps=6").status == 0


SIDES = ("source", "target")


def test_an_empty_switch_is_an_error(run, tmp_path):
    result = run("prepare", "--joint_vocabulary=", "--output_dir", tmp_path / "p")
    assert result.status == 2
    assert "'--joint_vocabulary': expected true or false, got nothing\n" in result.errors


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "prepare needs --train_source, --train_target"),
        (["--train_data=a.tsv", "--dev_source=a"], "prepare needs --dev_target"),
        (["--train_data=a.tsv", "--hparams=x=1"], "unknown option"),
    ],
)
def test_missing_flags_are_one_line(run, tmp_path, flags, message):
    result = run("prepare", *flags, "--output_dir", tmp_path / "p")
    assert result.status == 2
    assert message in result.errors
    assert result.errors.count("\n") == 1


def test_other_tokenizers_are_one_line(prepared, corpus, run, tmp_path):
    (tmp_path / "other").write_text("1\n2\n")
    result = run(
        *("train", "--train_data", prepared, "--vocab_source", tmp_path / "other"),
        *("--output_dir", tmp_path / "m"),
    )
    assert result.status == 2
    assert f"{prepared}: prepared with another source tokenizer" in result.errors
    assert result.errors.count("\n") == 1


def test_only_training_data_is_prepared(prepared, corpus, run, tmp_path):
    for flags, message in (
        (["--dev_data", prepared], "prepared records, which only --train_data reads"),
        (["--train_data", corpus / "train" / "sources.txt"], "sources.txt does not; prepare both"),
    ):
        result = run("train", "--train_data", prepared, *flags, "--output_dir", tmp_path / "m")
        assert result.status == 2
        assert message in result.errors
    result = run("prepare", "--train_data", prepared, *files(corpus), "--output_dir", tmp_path)
    assert f"{prepared} is prepared already" in result.errors


def test_training_on_a_damaged_shard_is_one_line(prepared, run, tmp_path):
    copy = shutil.copytree(prepared, tmp_path / "copy")
    data = bytearray((copy / "000000.records").read_bytes())
    data[40] ^= 255
    (copy / "000000.records").write_bytes(data)
    result = run("train", "--train_data", copy, "--output_dir", tmp_path / "m", *SMALL)
    assert result.status == 2
    assert result.errors.splitlines()[-1] == (
        f"keras-seq2seq: error: {copy}/000000.records: damaged file; prepare the text again"
    )


def test_tokenizers_are_those_of_the_records(run, tmp_path):
    # A vocabulary of subword-nmt, read from its file, would join subwords in translations.
    tokenizer = WhitespaceTokenizer(Vocabulary(["a@@", "b", "c"]))
    pairs = ["a@@ b c"] * 9
    prepare_records(pairs, pairs, tokenizer, tokenizer, tmp_path / "p", dev=[("a@@ b", "b c")])
    result = run(
        "train", "--train_data", tmp_path / "p", "--output_dir", tmp_path / "m", "--dry_run"
    )
    assert result.status == 0, result.errors


def test_shortcuts_are_those_of_the_initial_model(raw_table, run, tmp_path):
    def shortcuts(*flags):
        result = run("train", "--output_dir", tmp_path / "new", "--dry_run", *flags)
        assert result.status == 0, result.errors
        hparams = yaml.safe_load(result.output.partition("Model:")[0])["hparams"]
        return hparams["encoder"].get("concat_inputs"), hparams["decoder"].get("context_skip")

    table = ["--train_data", raw_table, "--dev_size=5"]
    assert run("prepare", *table, "--output_dir", tmp_path / "p", "--workers=1").status == 0
    records = ["--train_data", tmp_path / "p"]
    assert shortcuts(*records) == (True, True)
    vocabulary = Vocabulary(["The", "dog"])
    for name, is_used in ("without", False), ("with", True):
        model = AttentionSeq2Seq(
            len(vocabulary),
            len(vocabulary),
            embedding_dim=8,
            encoder=BidirectionalEncoder(8, concat_inputs=is_used),
            decoder=AttentionDecoder(8, context_skip=is_used),
        )
        Translator(model, vocabulary, vocabulary).save(tmp_path / name)
        initial = ["--init_from", tmp_path / name]
        assert shortcuts(*records, *initial) == (is_used, is_used)
    # A run goes on with them, even if the initial model is no longer given.
    initial, small = ["--init_from", tmp_path / "without"], ["--train_epochs=1"]
    run_of = ["--output_dir", tmp_path / "initial", *records]
    assert run("train", *run_of, *small, *initial).status == 0
    result = run("train", *run_of, "--train_epochs=2", "--dry_run")
    assert result.status == 0, result.errors
    initial = ["--init_from", tmp_path / "with"]
    # A model without attention has none, also when it is resumed.
    basic = ["--model=BasicSeq2Seq", "--hparams=rnn_cell.num_units=8", *table, *initial]
    for steps in 1, 2:
        steps = f"--train_steps={steps}"
        result = run("train", "--output_dir", tmp_path / "basic", *basic, steps)
        assert result.status == 0, result.errors


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--hparams=filter.duplicates=true"],
            "{}: filter.duplicates needs text, since prepared records contain ids; set it in "
            "keras-seq2seq prepare, and leave it out in training",
        ),
        (["--hparams=filter.length_ratio=3"], "{}: filter.length_ratio needs text, since prepared"),
        (["--dev_size=5"], "dev_size: has no effect here: dev text is given"),
        (["--joint_vocabulary"], "joint_vocabulary: is built from the training text; leave out"),
        (
            ["--hparams=source.vocab_size=9"],
            "source.vocab_size: has no effect here: the vocabulary",
        ),
        (
            ["--hparams=source.tokenizer=words"],
            "{}: prepared with the source tokenizer whitespace, not words; prepare the text again",
        ),
        (
            ["--source_column=2", "--target_column=1"],
            "--source_column: has no effect, since {} contains prepared records; leave it out",
        ),
    ],
)
def test_options_that_need_text_are_one_line(prepared, run, tmp_path, flags, message):
    flags = ["--train_data", prepared, "--output_dir", tmp_path / "m", *flags]
    result = run("train", *flags)
    assert result.status == 2
    assert message.format(prepared) in result.errors
    assert result.errors.count("\n") == 1


def test_records_without_dev_text_need_some(corpus, run, tmp_path):
    paths = [corpus / "train" / f"{side}s.txt" for side in SIDES]
    tokenizers = [Vocabulary.load(corpus / f"vocab.{side}s.txt") for side in SIDES]
    prepare_records(*paths, *tokenizers, tmp_path / "p")
    flags = ["--train_data", tmp_path / "p", "--output_dir", tmp_path / "m", "--dry_run"]
    for more in [], ["--dev_size=5"]:
        assert run("train", *flags, *more) == (
            2,
            "",
            f"keras-seq2seq: error: {tmp_path / 'p'}: prepared without dev text; set --dev_source "
            "and --dev_target, or --dev_data\n",
        )
    dev = [flag for flag in files(corpus, "dev") if flag.startswith("--dev_")]
    assert run("train", *flags, *dev).status == 0


@pytest.fixture
def raw_table(tmp_path):
    """Raw text of 60 pairs, one of them twice and one with equal sides."""
    draw = random.Random(1)
    words = "The cat,A dog,The horse,My bird,sleeps,runs,eats".split(",")
    rows = [f"{index}: {' '.join(draw.choices(words, k=4))}." for index in range(59)]
    rows = [f"{row}\t{row.upper()}\n" for row in rows]
    path = tmp_path / "raw.tsv"
    path.write_text("".join([*rows, rows[7], "1\t1\n"]))
    return path


def choices_of(report):
    """Returns what `train` and `prepare` report that they have chosen and excluded."""
    starts = ("dev: drew", "source", "target", "lengths", "  excluded")
    return [
        line
        for line in report.splitlines()
        if line.startswith(starts) and not line.startswith(("source/", "target/"))
    ]


def test_the_choices_are_those_of_train(raw_table, run, tmp_path):
    flags = [
        f"--train_data={raw_table}",
        *("--dev_size=5", "--seed=3", "--joint_vocabulary"),
        "--hparams=filter.duplicates=true, filter.identical=true, target.min_frequency=1, "
        "source.tokenizer=words, filter.too_long=true",
    ]
    model = ["--output_dir", tmp_path / "m", "--dry_run"]
    expected = run("train", *flags, *model)
    assert expected.status == 0, expected.errors
    prepared = run("prepare", *flags, "--output_dir", tmp_path / "p", "--workers=1")
    assert prepared.status == 0, prepared.errors
    assert choices_of(prepared.errors) == choices_of(expected.errors)
    assert "1 duplicate" in prepared.errors
    # Training on the records has the same text, model and options, without the flags.
    result = run("train", "--train_data", tmp_path / "p", "--seed=3", *model)
    assert result.status == 0, result.errors
    own = [line for line in expected.errors.splitlines() if line.startswith(("train: ", "dev: 5"))]
    assert len(own) == 2
    assert set(own) < set(result.errors.splitlines())
    sizes = [re.search("Total params: .*", r.output)[0] for r in (expected, result)]
    assert sizes[0] == sizes[1]
    options = [yaml.safe_load(r.output.partition("Model:")[0]) for r in (expected, result)]
    for section, name in (
        ("source", "max_seq_len"),
        ("target", "max_seq_len"),
        ("inference", "max_decode_length"),
        ("embedding", "share"),
        ("encoder", "concat_inputs"),
        ("decoder", "context_skip"),
    ):
        values = [config["hparams"][section].get(name) for config in options]
        assert values[0] == values[1], name
    # Choices that have no effect in another model are left out.
    basic = run("train", "--train_data", tmp_path / "p", "--model=BasicSeq2Seq", *model)
    assert basic.status == 0, basic.errors
    assert "context_skip" not in basic.output
    # What is set in training counts more.
    more = ["--hparams=source.max_seq_len=9, embedding.share=false"]
    result = run("train", "--train_data", tmp_path / "p", *model, *more)
    assert "max_seq_len: 9" in result.output


def test_a_file_as_the_output_directory_is_one_line(raw_table, run, tmp_path):
    (tmp_path / "p").touch()
    result = run("prepare", f"--train_data={raw_table}", "--output_dir", tmp_path / "p")
    assert (result.status, result.errors) == (
        2,
        f"keras-seq2seq: error: {tmp_path / 'p'}: cannot be used as a directory (Not a "
        "directory)\n",
    )


def test_an_output_directory_with_files_is_reported_first(raw_table, run, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "x").write_text("")
    result = run("prepare", f"--train_data={raw_table}", "--output_dir", tmp_path / "p")
    assert (result.status, result.errors) == (
        2,
        f"keras-seq2seq: error: {tmp_path / 'p'}: not empty; expected a new or empty directory\n",
    )
