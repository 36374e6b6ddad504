"""keras_seq2seq itself, from the repository of the benchmark."""

import os
import sys

from measuring import REPOSITORY

from systems.system import M256_NARROW_ENCODER, QualitySystem

_COMMAND = [sys.executable, "-m", "keras_seq2seq"]


class ThisPackage(QualitySystem):
    name = "keras_seq2seq"
    environment = "keras_seq2seq"
    step_pattern = r"step ([\d,]+)/"
    dtype = "float32"
    translation_dtype = "float32"

    def install(self):
        """Does nothing, as it runs in the environment of the benchmark."""

    def variables(self):
        path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
        # Without numbers of threads, as it uses the available cores.
        chosen = {k: v for k, v in super().variables().items() if "THREADS" not in k}
        return {**chosen, "PYTHONPATH": path}

    def training_command(self, folder, steps, report_every):
        shape, corpus = self.shape, self.corpus
        vocabularies = []
        for side, tokens in zip(("source", "target"), corpus.vocabularies, strict=True):
            path = corpus.folder / f"keras_seq2seq.{side}.vocab"
            path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
            vocabularies.append(path)
        hparams = {
            "rnn_cell.type": "GRUCell",
            "rnn_cell.num_units": shape.units,
            "encoder.rnn_cell.num_units": shape.encoder_units,
            "rnn_cell.dropout_input_keep_prob": 1 - shape.dropout,
            "rnn_cell.dropout_output_keep_prob": 1 - shape.dropout,
            "attention.dim": shape.units,
            "embedding.dim": shape.units,
            "optimizer.learning_rate": shape.learning_rate,
            "optimizer.clip_gradients": shape.clip,
            # As in the other systems.
            "embedding.tie_output": "false",
            "optimizer.label_smoothing": 0,
            "optimizer.lr_decay_type": "none",
        }
        flags = {
            "train_source": corpus.train[0],
            "train_target": corpus.train[1],
            "dev_source": corpus.dev[0],
            "dev_target": corpus.dev[1],
            "vocab_source": vocabularies[0],
            "vocab_target": vocabularies[1],
            "batch_size": shape.batch_size,
            "buckets": "auto",
            "train_steps": steps,
            "eval_every_n_steps": steps,
            "hparams": ",".join(f"{name}={value}" for name, value in hparams.items()),
            "dtype": self.dtype,
            "output_dir": folder / "model",
        }
        return [*_COMMAND, "train", *(f"--{name}={value}" for name, value in flags.items())]

    evaluation_pattern = r"step [\d,]+: .*?bleu ([\d.]+)"

    def quality_command(self, folder, steps, evaluate_every):
        corpus = self.corpus
        flags = {
            "config": REPOSITORY / "examples" / "multi30k_teacher.yaml",
            "train_source": corpus.train[0],
            "train_target": corpus.train[1],
            "dev_source": corpus.dev[0],
            "dev_target": corpus.dev[1],
            "vocab_source": corpus.model,
            "vocab_target": corpus.model,
            "train_steps": steps,
            "eval_every_n_steps": evaluate_every,
            "sample_translations": 0,
            "output_dir": folder / "model",
        }
        return [*_COMMAND, "train", *(f"--{name}={value}" for name, value in flags.items())]

    def dev_bleu(self, folder, step, report):
        return float(report[1])

    def translation_command(self, model, source, output, beam, batch_size):
        flags = {
            "model_dir": model / "model",
            "source": source,
            "output": output,
            "beam_width": beam,
            "batch_size": batch_size,
            "dtype": self.translation_dtype,
        }
        return [*_COMMAND, "translate", *(f"--{name}={value}" for name, value in flags.items())]


class ThisPackageNarrow(ThisPackage):
    name = "keras_seq2seq, narrow encoder"
    environment = "keras_seq2seq_narrow"
    shape = M256_NARROW_ENCODER
    deviation = "encoder with 128 units per direction"


class ThisPackageBfloat16(ThisPackage):
    name = "keras_seq2seq, bfloat16"
    environment = "keras_seq2seq_bfloat16"
    model_of = ThisPackage.environment
    deviation = "matrix products in bfloat16"
    dtype = "mixed_bfloat16"
    translation_dtype = "bfloat16"


class ThisPackageNarrowBfloat16(ThisPackageBfloat16):
    name = "keras_seq2seq, narrow encoder, bfloat16"
    environment = "keras_seq2seq_narrow_bfloat16"
    model_of = ThisPackageNarrow.environment
    shape = M256_NARROW_ENCODER
    deviation = "encoder with 128 units per direction, matrix products in bfloat16"
