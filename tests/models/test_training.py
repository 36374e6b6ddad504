"""Keras's training methods: losses, metrics, weights and data."""

import keras
import numpy as np
import pytest
from harness import numbers_of, padded_ids

from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import AttentionSeq2Seq, MinimumRisk
from keras_seq2seq.models.scheduled_sampling import TeacherForcing

SOURCE_IDS = padded_ids([4, 1, 3, 5, 2], 9, seed=1)
TARGET_IDS = padded_ids([3, 6, 1, 2, 4], 9, seed=2)
LABELS = padded_ids([3, 6, 1, 2, 4], 9, seed=3)
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}
TOKEN_WEIGHTS = np.random.default_rng(0).uniform(0.1, 2, LABELS.shape).astype("float32")
SEQUENCE_WEIGHTS = np.array([0.5, 0, 3, 1, 2], "float32")

needs_tape = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes gradients by tape"
)


def make_model():
    return AttentionSeq2Seq(9, 9, num_units=4, cell="GRUCell")


def token_losses(model):
    logits = numbers_of(model(BATCH)).astype("float64")
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    losses = -np.take_along_axis(log_probabilities, LABELS[..., np.newaxis], -1)[..., 0]
    return losses * (LABELS != 0)


def weighted_mean(values, weights):
    weights = np.broadcast_to(weights, values.shape) * (LABELS != 0)
    return (weights * values).sum() / weights.sum()


@pytest.mark.parametrize(
    ("weights", "eagerly"),
    [(SEQUENCE_WEIGHTS, False), (SEQUENCE_WEIGHTS, True), (TOKEN_WEIGHTS, True)],
)
def test_sample_weights_weight_the_loss(weights, eagerly):
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=eagerly)
    expected = weighted_mean(
        token_losses(model), weights[:, np.newaxis] if weights.ndim == 1 else weights
    )
    found = model.evaluate(
        BATCH, LABELS, sample_weight=weights, batch_size=5, verbose=0, return_dict=True
    )
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
    # Perplexity is that of all tokens, as Keras's unweighted metrics.
    all_tokens = np.exp(weighted_mean(token_losses(model), 1.0))
    np.testing.assert_allclose(found["perplexity"], all_tokens, rtol=1e-5)
    history = model.fit(BATCH, LABELS, sample_weight=weights, batch_size=5, verbose=0).history
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-5)


@pytest.mark.parametrize("weights", [SEQUENCE_WEIGHTS, [TOKEN_WEIGHTS]])
def test_sample_weights_may_come_with_labels_in_a_list(weights):
    """Keras then passes on a list of the weights."""
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0), weighted_metrics=["accuracy"])
    found, expected = (
        model.fit(
            BATCH, labels, sample_weight=samples, class_weight={4: 3.0}, batch_size=5, verbose=0
        ).history
        for labels, samples in (([LABELS], weights), (LABELS, np.squeeze(weights)))
    )
    assert found == expected


@pytest.mark.parametrize("loss", ["object", "function"])
def test_tokens_that_a_loss_ignores_do_not_count(loss):
    ignored = int(LABELS[0, 0])
    arguments = {"from_logits": True, "ignore_class": ignored}
    loss_object = keras.losses.SparseCategoricalCrossentropy(**arguments)

    def function(labels, logits):
        return keras.losses.sparse_categorical_crossentropy(labels, logits, **arguments)

    model = make_model()
    if loss == "object":
        loss, metric = loss_object, keras.metrics.SparseCategoricalCrossentropy(**arguments)
    else:
        loss = metric = function
    model.compile(loss=loss, metrics=[metric])
    found = model.evaluate(BATCH, LABELS, batch_size=5, verbose=0, return_dict=True)
    expected = weighted_mean(token_losses(model), LABELS != ignored)
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(found[getattr(metric, "name", "function")], expected, rtol=1e-5)
    np.testing.assert_allclose(
        found["perplexity"], np.exp(weighted_mean(token_losses(model), 1.0)), rtol=1e-5
    )


def test_a_loss_may_override_the_computation_of_the_masked_cross_entropy():
    class Doubled(MaskedCrossEntropy):
        def call(self, y_true, y_pred):
            return 2.0 * super().call(y_true, y_pred)

    model = make_model()
    model.compile(keras.optimizers.SGD(0.0), loss=Doubled())
    expected = 2 * weighted_mean(token_losses(model), 1.0)
    found = model.evaluate(BATCH, LABELS, batch_size=5, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
    history = model.fit(BATCH, LABELS, batch_size=5, verbose=0).history
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-5)


def test_class_weights_weight_the_tokens_in_training():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0), weighted_metrics=["accuracy"])
    class_weight = {4: 3.0, 5: 0.0}
    weights = np.vectorize(lambda token: class_weight.get(token, 1.0))(LABELS)
    losses = token_losses(model)
    for samples in (None, SEQUENCE_WEIGHTS):
        history = model.fit(
            BATCH, LABELS, batch_size=5, verbose=0,
            class_weight=class_weight, sample_weight=samples,
        ).history  # fmt: skip
        all_weights = weights if samples is None else weights * samples[:, np.newaxis]
        np.testing.assert_allclose(history["loss"], [weighted_mean(losses, all_weights)], rtol=1e-5)
        hits = numbers_of(model(BATCH)).argmax(-1) == LABELS
        np.testing.assert_allclose(
            history["accuracy"], [weighted_mean(hits, all_weights)], rtol=1e-5
        )
    history = model.fit(BATCH, LABELS, batch_size=5, verbose=0).history
    np.testing.assert_allclose(history["loss"], [weighted_mean(losses, 1.0)], rtol=1e-5)
    for key in (9, -1, "a"):
        with pytest.raises(ValueError, match=f"Received: key {key!r}"):
            model.fit(BATCH, LABELS, class_weight={key: 1.0}, verbose=0)
    with pytest.raises(TypeError, match="must be a dictionary from token ids.* Received: a list"):
        model.fit(BATCH, LABELS, class_weight=[1.0] * 9, verbose=0)


def test_class_weights_of_single_batches_are_no_part_of_the_graph():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0))
    losses, functions = token_losses(model), set()
    for token, samples in ((4, None), (5, TOKEN_WEIGHTS)):
        weights = np.where(LABELS == token, 3.0, 1.0) * (1.0 if samples is None else samples)
        found = model.train_on_batch(BATCH, LABELS, samples, class_weight={token: 3.0})
        np.testing.assert_allclose(found[0], weighted_mean(losses, weights), rtol=1e-5)
        functions.add(model.train_function)
    assert len(functions) == 1  # traced once


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        pytest.param(keras.losses.SparseCategoricalCrossentropy(True), marks=pytest.mark.slow),
        "function",
    ],
)
def test_padding_never_counts_in_losses_and_metrics_of_keras(loss):
    if loss == "function":

        def loss(labels, logits):
            return keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)

    model = make_model()
    top_3 = keras.metrics.SparseTopKCategoricalAccuracy(3, name="top_3")
    model.compile(keras.optimizers.SGD(0.0), loss=loss, metrics=["accuracy", "ce", top_3])
    losses, logits = token_losses(model), numbers_of(model(BATCH))
    ranks = (logits > np.take_along_axis(logits, LABELS[..., np.newaxis], -1)).sum(-1)
    for padding in (0, 7):
        more = ((0, 0), (0, padding))
        found = model.evaluate(
            {"source_ids": SOURCE_IDS, "target_ids": np.pad(TARGET_IDS, more)},
            np.pad(LABELS, more), batch_size=5, verbose=0, return_dict=True,
        )  # fmt: skip
        for name, values in (
            ("loss", losses), ("ce", losses), ("accuracy", ranks == 0), ("top_3", ranks < 3)
        ):  # fmt: skip
            np.testing.assert_allclose(
                found[name], weighted_mean(values, 1.0), rtol=1e-5, err_msg=name
            )
    # Batches of different lengths: every token counts alike.
    found = model.evaluate(BATCH, LABELS, batch_size=2, verbose=0, return_dict=True)
    np.testing.assert_allclose(found["ce"], weighted_mean(losses, 1.0), rtol=1e-5)


def test_a_metric_of_sequences_is_their_mean():
    def mean_label(labels, logits):
        return keras.ops.cast(keras.ops.max(labels, axis=-1), "float32")

    model = make_model()
    model.compile(
        metrics=[mean_label, keras.metrics.MeanMetricWrapper(mean_label, name="wrapped")],
        weighted_metrics=[keras.metrics.MeanMetricWrapper(mean_label, name="weighted")],
    )
    found = model.evaluate(
        BATCH, LABELS, sample_weight=SEQUENCE_WEIGHTS, batch_size=2, verbose=0, return_dict=True
    )
    np.testing.assert_allclose(found["mean_label"], LABELS.max(-1).mean(), rtol=1e-6)
    np.testing.assert_allclose(found["wrapped"], found["mean_label"], rtol=1e-6)
    expected = np.average(LABELS.max(-1), weights=SEQUENCE_WEIGHTS)
    np.testing.assert_allclose(found["weighted"], expected, rtol=1e-6)


def test_a_metric_that_changes_the_result_of_a_metric_of_keras_keeps_its_own():
    class Bits(keras.metrics.SparseCategoricalCrossentropy):
        def result(self):
            return super().result() / np.log(2)

    model = make_model()
    model.compile(metrics=[Bits(from_logits=True, name="bits"), "ce"])
    for _ in range(2):  # the state is reset in between
        found = model.evaluate(BATCH, LABELS, batch_size=2, verbose=0, return_dict=True)
        assert found["bits"] == pytest.approx(np.log2(found["perplexity"]), rel=1e-5)
        assert found["ce"] == pytest.approx(np.log(found["perplexity"]), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ["mse"]}, "labels are token ids"),
        ({"metrics": [keras.metrics.SparseCategoricalCrossentropy()]}, r"from_logits=True\)"),
        ({"metrics": [keras.metrics.MeanIoU(9)]}, r"sparse_y_pred=False\)"),
        ({"metrics": [keras.metrics.OneHotMeanIoU(9)]}, "sparse_y_true=True"),
        ({"metrics": [keras.metrics.Mean()]}, "labels are token ids"),
        ({"loss": "mse"}, "labels are token ids"),
        ({"loss_weights": [2.0]}, "`loss_weights` is not supported"),
    ],
)
def test_compile_reports_what_does_not_fit_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        make_model().compile(**arguments)
    assert "\n" not in str(error.value)


@needs_tape
def test_xla_is_refused():
    with pytest.raises(ValueError, match="XLA cannot compile"):
        make_model().compile(jit_compile=True)


def test_compile_has_the_defaults_of_the_command_line():
    model = make_model()
    model.compile()
    assert isinstance(model.loss, MaskedCrossEntropy)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)
    assert model.optimizer.global_clipnorm == 5.0


def test_inputs_may_be_a_list():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0))
    pair = [SOURCE_IDS, TARGET_IDS]
    expected = model.evaluate(BATCH, LABELS, verbose=0)
    assert model.evaluate(pair, LABELS, verbose=0) == expected
    assert model.test_on_batch(pair, LABELS) == pytest.approx(expected)
    assert model.train_on_batch(pair, LABELS) == pytest.approx(expected, rel=1e-5)
    assert model.fit(pair, LABELS, batch_size=5, verbose=0).history["loss"] == [
        pytest.approx(expected[0], rel=1e-5)
    ]
    np.testing.assert_allclose(
        model.predict(pair, batch_size=2, verbose=0), numbers_of(model(BATCH)), atol=1e-5
    )
    with pytest.raises(ValueError, match=r"The inputs must be .* \[source_ids, target_ids\]"):
        model.compute_loss([SOURCE_IDS], LABELS, model(BATCH))


def test_other_entries_of_the_inputs_are_ignored():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0))
    expected = model.evaluate(BATCH, LABELS, verbose=0)
    # Keras sorts the names of inputs.
    for others in ({"id": np.arange(5)}, {"a": TARGET_IDS, "z": SOURCE_IDS}):
        inputs = {**others, **BATCH}
        assert model.evaluate(inputs, LABELS, verbose=0) == expected
        loss = model.fit(inputs, LABELS, batch_size=5, verbose=0).history["loss"]
        assert loss == [pytest.approx(expected[0], rel=1e-5)]
        np.testing.assert_allclose(model.predict(inputs, verbose=0), model(BATCH), atol=1e-6)


def test_the_loss_is_scaled_in_mixed_float16():
    model = AttentionSeq2Seq(9, 9, num_units=4, dtype="mixed_float16")
    model.compile("adam")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    model.compile("adam", auto_scale_loss=False)
    assert isinstance(model.optimizer, keras.optimizers.Adam)


@pytest.mark.parametrize(
    "text", [["ein mann"], np.array(["ein mann"]), [["ein mann"], ["a man"]], [np.array(["a"])]]
)
def test_text_is_refused(text):
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match=r"reads ids, not text.*make_dataset\("):
        model.fit(text, LABELS, verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:, 0], r"like `target_ids`, \(5, 6\). Received: shape \(5,\)"),
        (LABELS[:, :3], r"Received: shape \(5, 3\)"),
        (np.eye(9, dtype="int32")[LABELS], r"Received: shape \(5, 6, 9\)"),
        ([LABELS, LABELS], "Received: 2 items"),
        (LABELS.tolist(), "Received: 30 items"),
        (np.maximum(LABELS, 1) + 8, "`y` must be from 0 to 8. Received: ids from 9 to "),
    ],
)
def test_labels_of_another_shape_or_range_are_refused(labels, message):
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match="must be token ids of shape"):
        model.compute_loss(BATCH, LABELS[:, :3], model(BATCH))
    for method in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=message):
            method(BATCH, labels)


def test_labels_with_padding_on_the_left_are_refused():
    model = make_model()
    model.compile()
    labels = np.array([np.roll(row, (row == 0).sum()) for row in LABELS])
    with pytest.raises(ValueError, match="padded with 0 on the right.*row 0 with 0 at the start"):
        model.fit(BATCH, labels)
    # Zeros at the start may hide tokens.
    hidden = np.where(np.arange(6) < 1, 0, LABELS)
    assert np.isfinite(model.evaluate(BATCH, hidden, verbose=0, return_dict=True)["loss"])


def test_labels_may_be_the_only_item_of_a_structure():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0), metrics=["accuracy"])
    expected = model.evaluate(BATCH, LABELS, sample_weight=TOKEN_WEIGHTS, verbose=0)
    found = model.evaluate(BATCH, LABELS, sample_weight={"logits": TOKEN_WEIGHTS}, verbose=0)
    assert found == pytest.approx(expected)
    expected = model.evaluate(BATCH, LABELS, verbose=0)
    assert model.evaluate(BATCH, [LABELS], verbose=0) == pytest.approx(expected)
    assert model.evaluate(BATCH, {"logits": LABELS}, verbose=0) == pytest.approx(expected)


@needs_tape
def test_labels_of_unknown_shape_are_refused():
    import tensorflow as tf

    shape = tf.TensorSpec((None, None), "int32")
    spec = ({name: shape for name in BATCH}, shape)
    dataset = tf.data.Dataset.from_generator(
        lambda: iter([(BATCH, LABELS[:, :3])]), output_signature=spec
    )
    model = make_model()
    model.compile()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\(batch, target_length\) of"):
        model.evaluate(dataset, verbose=0)


@pytest.mark.parametrize("name", ["source", "target"])
@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.filterwarnings("ignore:.*shuffle=True")
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others read any id")
def test_ids_of_a_dataset_that_are_out_of_range_are_named(name, method):
    import tensorflow as tf

    ids = BATCH[f"{name}_ids"].copy()
    ids[1, 0] = 77
    batch = {**BATCH, f"{name}_ids": ids}
    dataset = tf.data.Dataset.from_tensors((batch, LABELS))
    model = make_model()
    model.compile()
    message = (
        f"^`{name}_ids` must be from 0 to 8. Received: 77; does the model have the voc.* {name} t"
    )
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(dataset, verbose=0)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[4, 3], [5, 6, 3]], r"must be an array of ids, padded with 0 .*pad_sequences.* a list"),
        (TARGET_IDS + 1, "`target_ids` must be from 0 to 8. Received: ids from 1 to 9"),
        (-TARGET_IDS, "`target_ids` must be from 0 to 8. Received: ids from -8 to 0"),
        (TARGET_IDS[:, 0], r"`target_ids` must be of shape .* Received: shape \(5,\)"),
        (TARGET_IDS[..., np.newaxis], r"Received: shape \(5, 6, 1\)"),
        (TARGET_IDS[:, :0], r"`target_ids` must have a length of at least 1, .* \(5, 0\)"),
    ],
)
def test_other_inputs_are_refused(ids, message):
    model = make_model()
    model.compile()
    inputs = {"source_ids": SOURCE_IDS, "target_ids": ids}
    for call in (lambda: model.fit(inputs, LABELS), lambda: model.predict(inputs)):
        with pytest.raises(ValueError, match=message):
            call()


def test_labels_are_required():
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match="need labels"):
        model.fit(BATCH, verbose=0)


def test_options_of_training_are_saved_with_the_model(tmp_path):
    model = make_model()
    model.r_drop, model.minimum_risk = 0.5, MinimumRisk(3, 0.25, "exact_match")
    model.teacher_forcing = TeacherForcing("linear", 100, min_probability=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.r_drop == 0.5
    for name in ("minimum_risk", "teacher_forcing"):
        found, expected = getattr(loaded, name), getattr(model, name)
        assert type(found) is type(expected) and vars(found) == vars(expected)
    # A function has no config.
    model.teacher_forcing = lambda step: 0.5
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.teacher_forcing is None and loaded.r_drop == 0.5
    # Files of earlier versions do not contain the options.
    config = model.get_config()
    for name in ("r_drop", "minimum_risk", "teacher_forcing"):
        del config[name]
    assert type(model).from_config(config).r_drop == 0.0


def test_a_compiled_model_is_saved_and_loaded(tmp_path):
    model = make_model()
    model.compile(loss="ce", metrics=["accuracy"], weighted_metrics=["ce"])
    model.fit(BATCH, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = model.evaluate(BATCH, LABELS, verbose=0, return_dict=True)
    assert loaded.evaluate(BATCH, LABELS, verbose=0, return_dict=True) == pytest.approx(expected)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="has no traces to count")
def test_a_step_is_traced_once(monkeypatch):
    traces = []
    train_step = AttentionSeq2Seq.train_step
    monkeypatch.setattr(
        AttentionSeq2Seq, "train_step", lambda *args: traces.append(1) or train_step(*args)
    )
    model = make_model()
    model.compile("adam")
    for _ in range(2):
        model.fit(BATCH, LABELS, batch_size=2, epochs=2, verbose=0)
    assert len(traces) == 1


@needs_tape
def test_accumulated_gradients_and_steps_per_execution():
    results = []
    for arguments, steps in (({}, 1), ({"gradient_accumulation_steps": 2}, 1), ({}, 2)):
        keras.utils.set_random_seed(1)
        model = make_model()
        model.compile(keras.optimizers.SGD(0.5, **arguments), steps_per_execution=steps)
        model.fit(BATCH, LABELS, batch_size=5, epochs=4, verbose=0)
        results.append(weighted_mean(token_losses(model), 1.0))
    assert results[2] == pytest.approx(results[0], rel=1e-5)
    assert results[1] > results[0]  # two updates instead of four


@needs_tape
def test_custom_training_loop():
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    model = make_model()
    optimizer, loss_function = keras.optimizers.SGD(0.5), MaskedCrossEntropy()

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = loss_function(LABELS, model([SOURCE_IDS, TARGET_IDS], training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    found = [float(step()) for _ in range(3)]
    keras.utils.set_random_seed(1)
    model = make_model()
    model.compile(keras.optimizers.SGD(0.5))
    expected = model.fit(BATCH, LABELS, batch_size=5, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"), [("teacher_forcing", 0.5), ("r_drop", -1.0), ("minimum_risk", 0.7)]
)
def test_training_options_are_checked(name, value):
    model = make_model()
    setattr(model, name, value)
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: .*{value}"):
        model.compile()


@pytest.mark.parametrize("optimizer", [None, "nadam"])
def test_an_optimizer_that_cannot_train_weights_of_low_precision_is_an_error(optimizer):
    model = AttentionSeq2Seq(9, 9, num_units=4, dtype="bfloat16")
    model.compile(optimizer)
    with pytest.raises(ValueError, match="beta_2=0.999 rounds to 1.*'mixed_bfloat16'"):
        model.fit(BATCH, LABELS, verbose=0)
    for optimizer in (keras.optimizers.SGD(0.1), keras.optimizers.Adamax(0.1)):
        model.compile(optimizer)
        history = model.fit(BATCH, LABELS, epochs=3, verbose=0).history
        assert history["loss"][-1] < history["loss"][0]
