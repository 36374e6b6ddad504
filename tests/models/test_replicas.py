"""Plain `fit` and `evaluate` on several devices, in a process of its own per test."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute needs TensorFlow"
)

# Takes the devices ("one", "mirrored" or "workers") and the names of variants; prints the losses
# and writes the weights.
SCRIPT = """
import json, sys, warnings
import tensorflow as tf
kind, path, *variants = sys.argv[1:]
if kind == "mirrored":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
if kind == "workers":
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
elif kind == "mirrored":
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
else:
    strategy = tf.distribute.get_strategy()
import keras, numpy as np
from keras_seq2seq import AttentionSeq2Seq, MaskedCrossEntropy
from keras_seq2seq import FusedAdam

random = np.random.default_rng(0)
lengths = np.array([1, 5, 2, 5, 3, 5, 1, 4, 2])
mask = np.arange(5) < lengths[:, None]
source, target = (random.integers(4, 10, (9, 5)).astype("int32") * mask for _ in range(2))
x = {"source_ids": source, "target_ids": target}
samples = {
    "sequences": random.uniform(0, 2, 9).astype("float32"),
    "tokens": random.uniform(0, 2, (9, 5)).astype("float32"),
}
# Nine rows in batches of 4: the last batch leaves one device without rows.
compile_arguments = {
    "plain": lambda: {"optimizer": keras.optimizers.SGD(0.5, global_clipnorm=0.3)},
    "sequences": lambda: {"optimizer": keras.optimizers.SGD(0.5)},
    "tokens": lambda: {"optimizer": FusedAdam(0.01, global_clipnorm=1.0)},
    "added": lambda: {"optimizer": keras.optimizers.SGD(0.5)},
    "names": lambda: {"loss": "ce", "metrics": ["accuracy", "ce"]},
    "sum": lambda: {
        "optimizer": keras.optimizers.Adam(0.01), "loss": MaskedCrossEntropy(reduction="sum")
    },
    "plain, added": lambda: {"optimizer": keras.optimizers.SGD(0.5, global_clipnorm=0.3)},
    "names, sequences": lambda: {
        "optimizer": keras.optimizers.SGD(0.5), "loss": "ce", "metrics": ["accuracy", "ce"]
    },
    "sum, tokens": lambda: {
        "optimizer": FusedAdam(0.01, global_clipnorm=1.0),
        "loss": MaskedCrossEntropy(reduction="sum"),
    },
}
results, weights = {}, {}
encoders = {
    "added": lambda: keras.layers.GRU(
        8, return_sequences=True, return_state=True, activity_regularizer="l2"
    ),
}
for name in variants:
    with strategy.scope():
        keras.utils.set_random_seed(1)
        encoder = encoders.get(name.split(", ")[-1], lambda: None)()
        model = AttentionSeq2Seq(10, 10, num_units=8, encoder=encoder)
        model.compile(**compile_arguments[name]())
    sample_weights = samples.get(name.split(", ")[-1])
    data = (x, target) if sample_weights is None else (x, target, sample_weights)
    dataset = tf.data.Dataset.from_tensor_slices(data).batch(4)
    history = model.fit(dataset, epochs=2, shuffle=False, verbose=0).history
    found = model.evaluate(dataset, verbose=0, return_dict=True)
    results[name] = {**history, **{f"dev_{key}": value for key, value in found.items()}}
    weights |= {f"{name}{i}": value for i, value in enumerate(model.get_weights())}
if kind != "one":
    accumulating = keras.optimizers.SGD(gradient_accumulation_steps=2)
    for arguments, message in (
        ({"steps_per_execution": 2}, "`steps_per_execution` above 1 does not work in Keras"),
        ({"optimizer": accumulating}, "`gradient_accumulation_steps` does not work in Keras"),
    ):
        try:
            model.compile(**arguments)
        except ValueError as error:
            assert message in str(error)
        else:
            raise AssertionError("expected an error")
np.savez(path, **weights)
print(json.dumps(results))
"""

# All of them, two at a time.
PAIRS = ["plain, added", "names, sequences", "sum, tokens"]
VARIANTS = ["plain", "sequences", "tokens", "added", "names", "sum"]


def start(kind, path, variants, **environment):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, kind, path, *variants],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process):
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    return json.loads(output.splitlines()[-1])


def check_the_same(tmp_path, found, expected, name):
    for variant, results in expected.items():
        for key, value in results.items():
            # The share of padding differs by at most the padding of the shards.
            np.testing.assert_allclose(
                found[variant][key], value, rtol=1e-4, err_msg=f"{variant} {key}"
            )
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / f"{name}.npz") as several:
        for key in one:
            np.testing.assert_allclose(several[key], one[key], atol=1e-5, err_msg=key)


@pytest.mark.parametrize(
    "variants", [PAIRS, pytest.param(VARIANTS, marks=pytest.mark.slow)], ids=["pairs", "each"]
)
def test_two_devices_train_and_evaluate_as_one(tmp_path, variants):
    one = start("one", str(tmp_path / "one.npz"), variants)
    two = start("mirrored", str(tmp_path / "two.npz"), variants)
    check_the_same(tmp_path, finish(two), finish(one), "two")


PLAIN_MODELS = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np
from keras_seq2seq import MaskedCrossEntropy

random = np.random.default_rng(0)
x = random.normal(size=(4, 3, 5)).astype("float32")
y = random.integers(1, 7, (4, 3))
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum"):
    results = []
    for loss in (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction),
        MaskedCrossEntropy(reduction=reduction),
    ):
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            keras.utils.set_random_seed(1)
            model = keras.Sequential([keras.Input((3, 5)), keras.layers.Dense(7)])
            model.compile(keras.optimizers.SGD(0.5), loss=loss)
        history = model.fit(dataset, verbose=0).history
        results.append([history["loss"][0], model.evaluate(dataset, verbose=0)])
        results[-1] += model.get_weights()
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7, err_msg=reduction)
"""


def test_the_loss_scales_on_two_devices_as_those_of_keras_in_models_of_keras():
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, "-c", PLAIN_MODELS], env=environment, check=True)


@pytest.mark.slow
def test_two_processes_train_and_evaluate_as_one(tmp_path):
    variants = ["plain", "tokens", "names"]
    one = start("one", str(tmp_path / "one.npz"), variants)
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    processes = [
        start(
            "workers", str(tmp_path / f"worker{index}.npz"), variants,
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            ),
        )
        for index in range(2)
    ]  # fmt: skip
    expected = finish(one)
    for index, process in enumerate(processes):
        check_the_same(tmp_path, finish(process), expected, f"worker{index}")
