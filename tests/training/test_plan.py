import gzip
from hashlib import sha256

import pytest

from keras_seq2seq import training
from keras_seq2seq.data import lines
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import text_lines
from keras_seq2seq.layers import DotAttention
from keras_seq2seq.text import ByteTokenizer, SentencePieceTokenizer
from keras_seq2seq.training import plan_training
from keras_seq2seq.training.run_data import dev_batches, train_batches


def test_writes_nothing(make_config, tmp_path):
    plan = plan_training(make_config(), tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert plan.train_summary.pairs == 200
    assert plan.steps == 20


@pytest.mark.parametrize(
    ("flags", "steps"),
    [
        ({"train_steps": None}, 20 * 13),  # twenty epochs of ceil(200 / 16) steps
        ({"train_steps": None, "train_epochs": 2}, 26),
        ({"train_steps": 30, "train_epochs": 2}, 26),
        ({"train_steps": 5, "train_epochs": 2}, 5),
    ],
)
def test_the_limit_reached_first_ends_the_run(make_config, tmp_path, flags, steps):
    assert plan_training(make_config(**flags), tmp_path / "model").steps == steps


def test_names_the_missing_flags(make_config, tmp_path):
    with pytest.raises(UserError, match="training needs --train_target, --dev_source$"):
        plan_training(make_config(dev_source=None, train_target=None), tmp_path)


def test_names_the_missing_flags_of_tables(make_config, tmp_path):
    flags = {"train_source": None, "train_target": None, "dev_target": None}
    with pytest.raises(UserError, match="training needs --train_source, --train_target, --dev_tar"):
        plan_training(make_config(**flags), tmp_path)
    with pytest.raises(UserError, match="training needs --dev_target$"):
        plan_training(make_config(**flags, train_data="a.tsv"), tmp_path)


def test_standard_input_cannot_be_trained_on(make_config, tmp_path):
    with pytest.raises(UserError, match="^-: standard input can be read only once"):
        plan_training(make_config(dev_source="-"), tmp_path)


def test_all_text_is_read_once(make_config, corpus, tmp_path, monkeypatch):
    reads = []
    monkeypatch.setattr(lines, "decode_lines", lambda *args: reads.append(args[1]) or decode(*args))
    monkeypatch.setattr(lines, "count_lines", lambda path: pytest.fail(f"{path} is counted"))
    decode = text_lines.decode_lines
    zipped = tmp_path / "source.gz"
    zipped.write_bytes(gzip.compress((corpus / "train" / "sources.txt").read_bytes()))
    plan = plan_training(make_config(train_source=zipped), tmp_path / "model")
    batch = next(iter(train_batches(plan, step=0)))
    assert batch[1].shape[0] == 16
    dev_batches(plan)
    names = [str(corpus / "dev" / "sources.txt"), str(corpus / "dev" / "targets.txt")]
    names += [str(zipped), str(corpus / "train" / "targets.txt")]
    assert sorted(reads) == sorted(names)


def test_refuses_the_directory_of_another_model(make_config, tmp_path):
    plan = plan_training(make_config(), tmp_path)
    plan.directory.create(plan.config, plan.source.tokenizer, plan.target.tokenizer)
    plan.directory.checkpoints_path.mkdir()
    (plan.directory.checkpoints_path / "ckpt-1.index").touch()
    plan_training(make_config(train_steps=40), tmp_path)
    with pytest.raises(UserError, match="another model, trained with attention.dim 8 instead of 9"):
        plan_training(make_config(attention_dim=9), tmp_path)


def test_refuses_a_file_as_the_directory(make_config, tmp_path):
    (tmp_path / "model").write_text("")
    with pytest.raises(UserError, match="model: is a file; expected a directory"):
        plan_training(make_config(), tmp_path / "model")


def test_a_bridge_that_does_not_fit_is_a_users_error(make_config, tmp_path):
    with pytest.raises(UserError, match=r"pass_through bridge.*\(16,\).*\(32,\)"):
        plan_training(make_config("bridge.type=pass_through"), tmp_path)


def test_shared_embeddings_need_one_vocabulary(make_config, corpus, tmp_path):
    other = tmp_path / "other.vocab"
    other.write_text("0\n1\n")
    with pytest.raises(UserError, match="embedding.share needs one vocabulary for both sides"):
        plan_training(make_config("embedding.share=true", vocab_target=other), tmp_path / "model")


def test_every_option_reaches_the_model(make_config, tmp_path):
    plan = plan_training(
        make_config(
            "encoder.rnn_cell.num_layers=2, decoder.rnn_cell.num_units=24, "
            "attention.score_type=dot, bridge.type=zero,"
            "encoder.type=UnidirectionalEncoder, decoder.rnn_cell.type=LSTMCell,"
            "rnn_cell.residual_connections=true, rnn_cell.dropout_output_keep_prob=0.75,"
            "encoder.concat_inputs=true, decoder.context_skip=true",
            attention_dim=7,
        ),
        tmp_path,
    )
    encoder, decoder = plan.model.encoder, plan.model.decoder
    assert type(encoder).__name__ == "UnidirectionalEncoder"
    assert (encoder.num_layers, encoder.num_units, encoder.cell_config["class_name"]) == (
        2,
        16,
        "GRUCell",
    )
    assert (decoder.num_layers, decoder.num_units, decoder.cell_config["class_name"]) == (
        1,
        24,
        "LSTMCell",
    )
    assert (decoder.attention.num_units, type(decoder.attention)) == (7, DotAttention)
    assert encoder.residual_connections and decoder.residual_connections
    assert encoder.concat_inputs and decoder.context_skip
    assert encoder.input_dropout == pytest.approx(0.1)
    assert decoder.output_dropout == 0.25
    assert type(plan.model.bridge).__name__ == "ZeroBridge"
    assert plan.model.source_embedding.output_dim == 16


def test_arguments_of_the_optimizer_are_checked(make_config, tmp_path):
    with pytest.raises(UserError, match="optimizer.arguments.momentum: Adam has no such argument"):
        plan_training(make_config("optimizer.arguments.momentum=0.9"), tmp_path)


def test_a_profile_ends_before_the_training(make_config, tmp_path):
    plan_training(make_config(profile_steps="19,20"), tmp_path)
    with pytest.raises(UserError, match="--profile_steps ends with step 21, but training ends"):
        plan_training(make_config(profile_steps="19,21"), tmp_path)


def test_prepare_is_deprecated(make_config, tmp_path):
    with pytest.warns(DeprecationWarning, match="prepare is deprecated; use plan_training"):
        plan = training.prepare(make_config(), tmp_path)
    assert plan.steps == 20


def write_model(path, lines, **options):
    SentencePieceTokenizer.build(lines, 280, **options).save_vocabulary(path)
    return path


@pytest.mark.filterwarnings("ignore:size 280 is too large")
def test_the_vocabulary_file_chooses_the_tokenizer(make_config, tmp_path):
    model = write_model(tmp_path / "joint.model", ["0 1 2", "3 4 5 6 7"])
    files = {"vocab_source": model, "vocab_target": model}
    config = make_config("embedding.share=true,source.sampling_alpha=0.1", **files)
    plan = plan_training(config, tmp_path / "model")
    assert plan.config.hparams.source.tokenizer == plan.config.hparams.target.tokenizer
    assert plan.source.tokenizer == SentencePieceTokenizer(model)
    assert (plan.source.sampling_alpha, plan.target.sampling_alpha) == (0.1, 0)
    assert plan.fingerprints["vocab_source"] == sha256(model.read_bytes()).hexdigest()
    with pytest.raises(UserError, match="to read a model, set source.tokenizer=sentencepiece"):
        plan_training(make_config("source.tokenizer=whitespace", **files), tmp_path / "model")
    with pytest.raises(UserError, match="damaged, or not a SentencePiece model"):
        plan_training(make_config("source.tokenizer=sentencepiece"), tmp_path / "model")
    with pytest.raises(
        UserError, match="one tokenizer for both sides, not sentencepiece and white"
    ):
        plan_training(make_config("embedding.share=true", vocab_source=model), tmp_path / "model")


def test_bytes_need_no_vocabulary(make_config, tmp_path):
    sides = "source.tokenizer=bytes,target.tokenizer=words,target.lowercase=true"
    plan = plan_training(make_config(sides, vocab_source=None), tmp_path / "model")
    assert plan.source.tokenizer == ByteTokenizer()
    assert plan.target.tokenizer.lowercase
    plan = plan_training(make_config(sides, vocab_source=None, vocab_target=None), tmp_path)
    assert plan.target.tokenizer.name == "words"
    with pytest.raises(UserError, match="'bytes' has no vocabulary file; leave it out"):
        plan_training(make_config("source.tokenizer=bytes"), tmp_path)
