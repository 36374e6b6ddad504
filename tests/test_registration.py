"""Registration with Keras without importing it."""

import subprocess
import sys

import keras
import pytest

import keras_seq2seq
from keras_seq2seq.registration import CLASSES, LazyClass


def test_all_registered_classes_are_listed():
    for module in CLASSES:
        __import__(f"keras_seq2seq.{module}")
    registered = {
        name: cls
        for name, cls in keras.saving.get_custom_objects().items()
        if name.startswith("keras_seq2seq>") and not isinstance(cls, LazyClass)
    }
    listed = {
        f"keras_seq2seq>{name}": LazyClass(module, name).load()
        for module, names in CLASSES.items()
        for name in names
    }
    assert registered == listed


def test_the_optimizer_of_files_written_before_it_was_renamed_is_found():
    config = keras.optimizers.serialize(keras_seq2seq.FusedAdam(0.3, beta_2=0.9))
    old = config | {"class_name": "Adam", "registered_name": "keras_seq2seq>Adam"}
    optimizer = keras.optimizers.deserialize(old)
    assert type(optimizer) is keras_seq2seq.FusedAdam
    assert (float(optimizer.learning_rate), optimizer.beta_2) == (pytest.approx(0.3), 0.9)


@pytest.mark.parametrize("order", ["keras, keras_seq2seq", "keras_seq2seq, keras"])
def test_keras_creates_classes_in_either_import_order(order):
    """A layer within a functional model of Keras's own, in safe mode."""
    program = f"""
import {order}
i = keras.Input((None, 3))
config = {{"class_name": "BidirectionalEncoder", "registered_name":
           "keras_seq2seq>BidirectionalEncoder", "module": "keras_seq2seq.layers.encoder",
           "config": {{"num_units": 4}}}}
layer = keras.saving.deserialize_keras_object(config)
from keras_seq2seq.layers import BidirectionalEncoder
assert type(layer) is BidirectionalEncoder
assert keras.saving.get_registered_object("keras_seq2seq>BidirectionalEncoder") is type(layer)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_package_imports_neither_keras_nor_tensorflow():
    program = (
        "import sys, keras_seq2seq; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
    assert keras_seq2seq.__version__


def test_keras_loads_a_model_if_tensorflow_is_imported_after_the_package(tmp_path):
    """TensorFlow looks for Keras before it imports it."""
    model = keras_seq2seq.BasicSeq2Seq(7, 7, num_units=2)
    model.save(tmp_path / "model.keras")
    program = f"""
import sys
import keras_seq2seq
assert not {{"keras", "tensorflow"}} & set(sys.modules)
import tensorflow as tf
model = tf.keras.models.load_model({str(tmp_path / "model.keras")!r})
assert type(model) is keras_seq2seq.BasicSeq2Seq
assert not any(type(finder).__module__ == "keras_seq2seq.registration" for finder in sys.meta_path)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
