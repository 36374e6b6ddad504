import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import load_space, parse_space


def test_reads_choices_ranges_and_conditions(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "optimizer.learning_rate: {log: [1e-4, 1e-2]}\n"
        "rnn_cell:\n"
        "  residual_connections: {choice: [true, false], when: {rnn_cell.num_layers: [2, 3]}}\n"
        "  num_layers: {range: [1, 3]}\n"
        "  dropout_input_keep_prob: {range: [0.5, 1], step: 0.1}\n"
        "batch_size: {log: [16, 64], step: 2}\n"
        "buckets: {choice: [[], [10, 15]]}\n"
    )
    space = load_space(path)
    names = [dimension.name for dimension in space.dimensions]
    assert names.index("rnn_cell.num_layers") < names.index("rnn_cell.residual_connections")
    rate = space["optimizer.learning_rate"]
    assert (rate.low, rate.high, rate.is_log, rate.is_whole) == (1e-4, 1e-2, True, False)
    layers = space["rnn_cell.num_layers"]
    assert (layers.low, layers.high, layers.is_whole) == (1, 3, True)
    assert space["rnn_cell.dropout_input_keep_prob"].step == 0.1
    assert not space["rnn_cell.dropout_input_keep_prob"].is_whole
    assert space["batch_size"].is_whole
    assert space["buckets"].values == ([], [10, 15])
    assert space["rnn_cell.residual_connections"].conditions == {"rnn_cell.num_layers": (2, 3)}
    again = parse_space(space.describe())
    assert again.dimensions == space.dimensions


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("optimiser.learning_rate: {log: [1, 2]}", 'did you mean "optimizer.learning_rate"'),
        ("batch_sise: {choice: [1]}", 'unknown option "batch_sise"; did you mean "batch_size"'),
        ("rnn_cell: {num_unit: {choice: [1]}}", 'did you mean "rnn_cell.num_units"'),
        ("batch_size: 64", r"batch_size: expected \{choice.*got 64.*--config"),
        ("batch_size: {choise: [64]}", 'batch_size: unknown "choise"; did you mean "choice"'),
        ("batch_size: {choice: [64], log: [1, 2]}", "got choice and log"),
        ("batch_size: {choice: 64}", "expected a list after choice, got 64"),
        ("batch_size: {choice: [64, 64]}", "given twice"),
        ("batch_size: {choice: [64], step: 2}", "step has no effect"),
        ("batch_size: {choice: [0]}", "batch_size: expected a whole number of at least 1, got 0"),
        ("optimizer.learning_rate: {log: [0, 1]}", "learning_rate: expected a number above 0"),
        ("optimizer.clip_gradients: {log: [0, 1]}", "with low above 0"),
        ("rnn_cell.num_units: {range: [1, 2.5]}", "expected a whole number of at least 1, got 2.5"),
        ("rnn_cell.num_units: {range: [8, 8]}", "with low below high"),
        ("rnn_cell.num_units: {range: [8]}", r"expected two numbers"),
        ("rnn_cell.num_units: {range: [8, 16], step: 0.5}", "a whole number as step, got 0.5"),
        ("rnn_cell.num_units: {log: [8, 16], step: 1}", "expected a step above 1"),
        ("rnn_cell.type: {choice: [GRU]}", "rnn_cell.type: expected LSTMCell or GRUCell"),
        ("rnn_cell.residual_connections: {range: [0, 1]}", "expected true or false, got 0"),
        ("train_steps: {choice: [10]}", "cannot be searched"),
        ("dev_source: {choice: [a]}", "cannot be searched"),
        ("best_metric: {choice: [bleu]}", "cannot be searched"),
        ("batch_size: {choice: [8], when: {rnn_cell.num_units: 8}}", "another option of the"),
        (
            "{batch_size: {choice: [8], when: {rnn_cell.num_units: 9}},"
            "rnn_cell.num_units: {choice: [8]}}",
            "9 is not one of its values",
        ),
        (
            "{batch_size: {choice: [8], when: {rnn_cell.num_units: 8}},"
            "rnn_cell.num_units: {choice: [8], when: {batch_size: 8}}}",
            "depend on each other",
        ),
        ("batch_size: {choice: [8], when: 8}", "expected when"),
        ("batch_size: {choice: [8]}\nbatch_size: {choice: [9]}", "given twice"),
        ("{}", "expected options such as"),
    ],
)
def test_mistakes_name_the_file_and_the_option(tmp_path, space, message):
    path = tmp_path / "space.yaml"
    path.write_text(space)
    with pytest.raises(UserError, match=f"space.yaml.*{message}"):
        load_space(path)


@pytest.mark.parametrize("value", ["x", 1, None, [1]])
def test_hparams_that_are_no_section(value):
    with pytest.raises(UserError, match="hparams: expected names and their values, got "):
        parse_space({"hparams": value})
