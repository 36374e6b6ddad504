"""Checks the logs by asking a TensorBoard server for their contents."""

import html
import io
import re
from urllib.parse import urlencode

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness.browser import open_browser
from harness.tensor_board_server import serve_tensor_board
from harness.toy_model import SOURCE_TOKENS, SOURCES, TARGET_TOKENS, make_toy_model
from matplotlib.image import imread
from rich.console import Console

from keras_seq2seq import FusedAdam, MaskedCrossEntropy
from keras_seq2seq.callbacks import (
    EmbeddingProjector,
    RunDescription,
    SampleTranslations,
    TensorBoardCurves,
    TrackGradientNorm,
)
from keras_seq2seq.plots import save_attention_heatmap
from keras_seq2seq.text import Vocabulary
from keras_seq2seq.translator import Translator

RECORDS = [
    {
        "step": step,
        "train_loss": 4.0 - step,
        "train_source_padding": 0.1,
        "train_gradient_norm": 2.5,
        "dev_loss": 5.0 - step,
        "dev_bleu": 10.0 * step,
        "learning_rate": 0.001,
        "tokens": 600,
        "seconds": 3.0,
    }
    for step in (1, 2)
]
# Text that must not be rendered as a table border, a link, emphasis or HTML.
REFERENCES = ["*a* | [man](x) <b>sleeps</b>", "dog"]
# The second target token occurs twice, so that its embedding has two gradients to add up.
SOURCE_IDS = np.array([[4, 5, 3], [6, 3, 0]], "int32")
TARGET_IDS = np.array([[2, 5, 5], [2, 7, 0]], "int32")
LABELS = np.array([[5, 5, 3], [7, 3, 0]], "int32")


@pytest.fixture(scope="module")
def model():
    return make_toy_model(seed=26)


@pytest.fixture(scope="module")
def translator(model):
    return Translator(model, Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS))


@pytest.fixture(scope="module")
def printed():
    return Console(file=io.StringIO(), width=40)


@pytest.fixture(scope="module")
def board(model, translator, printed, tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("logs")
    description = RunDescription(log_dir)
    description.write_hyper_parameters({"units": 6, "type": "GRU", "share": False, "no": (1, 2)})
    description.write_graph(model)
    curves = TensorBoardCurves(log_dir)
    samples = SampleTranslations(translator, SOURCES[:2], REFERENCES, log_dir, printed)
    for record in RECORDS:
        curves.write(record)
        samples.write(record)
    counts = [100 - i for i in range(len(SOURCE_TOKENS))]
    vocabularies = Vocabulary(SOURCE_TOKENS, counts), Vocabulary(TARGET_TOKENS)
    EmbeddingProjector(log_dir, *vocabularies).write(model)
    with serve_tensor_board(log_dir) as server:
        yield server


def test_train_and_dev_share_charts(board):
    tags = board.get("plugin/scalars/tags")
    both = {run: sorted(tags[run]) for run in ("train", "dev")}
    assert both == {
        "train": [
            "gradient_norm",
            "learning_rate",
            "loss",
            "source_padding",
            "target_tokens_per_second",
        ],
        "dev": ["bleu", "loss"],
    }
    for run, tag, values in (
        ("train", "loss", [3.0, 2.0]),
        ("dev", "loss", [4.0, 3.0]),
        ("dev", "bleu", [10.0, 20.0]),
        ("train", "target_tokens_per_second", [200.0, 200.0]),
    ):
        points = board.get(f"plugin/scalars/scalars?{urlencode({'run': run, 'tag': tag})}")
        assert [(step, value) for _, step, value in points] == [
            (1, pytest.approx(values[0])),
            (2, pytest.approx(values[1])),
        ]


def test_samples_are_a_table(board, translator):
    text = board.get("plugin/text/text?run=samples&tag=translations")[-1]["text"]
    assert not re.search("<(b|em|a|strong)[ >]", text)
    cells = [html.unescape(cell) for cell in re.findall("<td>(.*?)</td>", text)]
    first, second = translator(SOURCES[:2])
    assert cells == [SOURCES[0], REFERENCES[0], first, SOURCES[1], REFERENCES[1], second]


def test_samples_have_heatmaps(board, translator):
    image = board.get("plugin/images/images?run=samples&tag=attention%2F1&sample=0")[-1]
    assert image["step"] == 2
    shown = imread(io.BytesIO(board.get_bytes(f"plugin/images/individualImage?{image['query']}")))
    translation = translator.translate(SOURCES[:1])[0]
    file = io.BytesIO()
    save_attention_heatmap(
        file, translation.source_tokens, translation.target_tokens, translation.attention
    )
    file.seek(0)
    np.testing.assert_array_equal(shown[..., :3], imread(file)[..., :3])


def test_samples_are_printed(board, translator, printed):
    translation = translator(SOURCES[:1])[0]
    lines = printed.file.getvalue().splitlines()
    assert lines[:4] == [
        f"  source     {SOURCES[0]}",
        f"  reference  {REFERENCES[0]}",
        f"  model      {translation}",
        "",
    ]


def test_embeddings_have_labels(board, model):
    # The directory itself is a run if it contains events.
    assert board.get("plugin/projector/runs") == ["."]
    (source, target) = board.get("plugin/projector/info?run=.")["embeddings"]
    assert source["tensorShape"] == [len(SOURCE_TOKENS) + 4, model.embedding_dim]
    for info, name, embedding, rows in (
        (source, "source", model.source_embedding, ["word\tcount", "<pad>\t0", "ein\t100"]),
        (target, "target", model.target_embedding, ["<pad>", "a"]),
    ):
        query = urlencode({"run": ".", "name": info["tensorName"]})
        words = board.get_bytes(f"plugin/projector/metadata?{query}&num_rows=99").decode()
        assert set(rows) < set(words.splitlines()), name
        table = np.frombuffer(board.get_bytes(f"plugin/projector/tensor?{query}&num_rows=99"), "f4")
        np.testing.assert_array_equal(table, np.ravel(embedding.get_weights()[0]))


def test_hyperparameters_are_shown_with_dev_metrics(board):
    question = {"experimentName": "", "includeMetrics": True}
    experiment = board.get("plugin/hparams/experiment", question)
    assert sorted(info["name"] for info in experiment["hparamInfos"]) == [
        "no",
        "share",
        "type",
        "units",
    ]
    metrics = [info["name"] for info in experiment["metricInfos"]]
    assert sorted(metric["tag"] for metric in metrics) == ["bleu", "loss"]
    question |= {"allowedStatuses": ["STATUS_UNKNOWN"], "startIndex": 0, "sliceSize": 9}
    columns = [{"metric": metric} for metric in metrics]
    columns += [{"hparam": name, "includeInResult": True} for name in ("units", "type", "share")]
    (line,) = board.get("plugin/hparams/session_groups", {**question, "colParams": columns})[
        "sessionGroups"
    ]
    assert line["hparams"] == {"units": 6, "type": "GRU", "share": False}
    values = {value["name"]["tag"]: value["value"] for value in line["metricValues"]}
    assert values == {"bleu": 20.0, "loss": 3.0}


def test_the_graph_has_the_layers(board, model):
    graph = board.get_bytes("plugin/graphs/graph?run=.").decode()
    for layer in (model.source_embedding, model.encoder, model.decoder, model.output_layer):
        assert f"/{layer.name}" in graph


def test_a_browser_shows_the_curves(board):
    from selenium.webdriver.support.ui import WebDriverWait

    with open_browser() as browser:
        browser.get(f"{board.address}/#timeseries")

        def runs_are_there(browser):
            text = browser.find_element("tag name", "body").text.split()
            return {"train", "dev", "samples", "loss", "bleu"} <= set(text)

        WebDriverWait(browser, 120).until(runs_are_there)


def reference_norm(model):
    """Returns the global norm of all gradients, computed with NumPy on dense arrays."""
    with tf.GradientTape() as tape:
        logits = model({"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}, training=True)
        loss = MaskedCrossEntropy()(LABELS, logits)
    gradients = tape.gradient(loss, model.trainable_weights)
    flat = [tf.convert_to_tensor(gradient).numpy().ravel() for gradient in gradients]
    return np.sqrt(np.sum(np.concatenate(flat) ** 2))


@pytest.mark.parametrize(
    "optimizer",
    [
        FusedAdam(0.0, global_clipnorm=0.01),
        keras.optimizers.SGD(0.0),
        keras.optimizers.RMSprop(0.0, global_clipnorm=0.01),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_gradient_norm_is_measured_before_clipping(optimizer):
    model = make_toy_model()
    model.compile(optimizer, loss=MaskedCrossEntropy())
    data = tf.data.Dataset.from_tensors(
        ({"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}, LABELS)
    ).repeat()
    for _ in range(2):  # A second callback must not count steps twice.
        fitted = model.fit(
            data, steps_per_epoch=3, shuffle=False, callbacks=[TrackGradientNorm()], verbose=0
        )
        # The learning rate is 0, so that all three norms are equal.
        assert float(model.gradient_norm.count) == 3
        assert float(model.gradient_norm.result()) == pytest.approx(reference_norm(model), rel=1e-4)
    assert "gradient_norm" not in fitted.history


def test_gradient_norm_is_measured_after_training_without():
    model = make_toy_model()
    model.compile(keras.optimizers.SGD(0.0), loss=MaskedCrossEntropy())
    batch = [SOURCE_IDS, TARGET_IDS], LABELS
    model.fit(*batch, verbose=0)
    model.fit(*batch, callbacks=[TrackGradientNorm()], verbose=0)
    assert float(model.gradient_norm.count) == 1


def test_an_interval_of_no_time_is_written(tmp_path):
    TensorBoardCurves(tmp_path).write({**RECORDS[0], "seconds": 0.0})
    assert list((tmp_path / "train").iterdir())
