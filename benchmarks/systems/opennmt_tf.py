"""The last release of OpenNMT-tf, with the last TensorFlow that it supports."""

import json

from systems.system import System

_MODEL = """\
import opennmt
import tensorflow as tf
import tensorflow_addons as tfa


def dense_bridge():
    return opennmt.layers.DenseBridge(activation=tf.tanh)


def model():
    return opennmt.models.SequenceToSequence(
        opennmt.inputters.WordEmbedder(embedding_size={units}, dropout={dropout}),
        opennmt.inputters.WordEmbedder(embedding_size={units}, dropout={dropout}),
        opennmt.encoders.RNNEncoder(
            1, {encoder_units}, bidirectional=True, dropout={dropout},
            cell_class=tf.keras.layers.GRUCell,
        ),
        opennmt.decoders.AttentionalRNNDecoder(
            1, {units}, bridge_class=dense_bridge, dropout={dropout},
            attention_mechanism_class=tfa.seq2seq.BahdanauAttention,
            cell_class=tf.keras.layers.GRUCell,
        ),
    )
"""


class OpenNMTTF(System):
    name = "OpenNMT-tf 2.32.0"
    environment = "otf"
    step_pattern = r"Step = (\d+)"
    requirements = (
        (
            "setuptools<70",
            "OpenNMT-tf==2.32.0",
            "tensorflow-cpu==2.13.1",
            "tensorflow-addons==0.21.0",
            "numpy<1.25",
        ),
    )

    def training_command(self, folder, steps, report_every):
        shape, corpus = self.shape, self.corpus
        (folder / "model.py").write_text(
            _MODEL.format(
                units=shape.units, encoder_units=shape.encoder_units, dropout=shape.dropout
            )
        )
        vocabularies = []
        for side, tokens in zip(("source", "target"), corpus.vocabularies, strict=True):
            path = corpus.folder / f"otf.{side}.vocab"
            tokens = ["<blank>", "<s>", "</s>", *tokens]
            path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
            vocabularies.append(str(path))
        config = {
            "model_dir": str(folder / "run"),
            "data": {
                "train_features_file": str(corpus.train[0]),
                "train_labels_file": str(corpus.train[1]),
                "source_vocabulary": vocabularies[0],
                "target_vocabulary": vocabularies[1],
            },
            "params": {
                "optimizer": "Adam",
                "learning_rate": shape.learning_rate,
                "optimizer_params": {"global_clipnorm": shape.clip},
            },
            "train": {
                "batch_size": shape.batch_size,
                "batch_type": "examples",
                "max_step": steps,
                "save_checkpoints_steps": 1_000_000,
                "save_summary_steps": report_every,
            },
        }
        return [*self._command(folder, "train.json", config), "train"]

    def translation_command(self, model, source, output, beam, batch_size):
        config = json.loads((model / "train.json").read_text())
        config["params"].update(beam_width=beam, maximum_decoding_length=100)
        config["infer"] = {"batch_size": batch_size, "batch_type": "examples"}
        config["infer"]["length_bucket_width"] = 2
        files = ["--features_file", source, "--predictions_file", output]
        return [*self._command(model, f"beam{beam}.json", config), "infer", *files]

    def _command(self, folder, name, config):
        path = folder / name
        path.write_text(json.dumps(config))
        program = self.venv / "bin" / "onmt-main"
        return [program, "--model", folder / "model.py", "--config", path]
