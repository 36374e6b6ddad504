"""The last release of OpenNMT-py, with a newer PyTorch than it requires."""

import json

from systems.system import M256_NARROW_ENCODER, System


class OpenNMTPy(System):
    name = "OpenNMT-py 3.5.1"
    environment = "opy"
    shape = M256_NARROW_ENCODER
    deviation = "encoder size equals decoder size: 128 units per direction"
    step_pattern = r"Step (\d+)/"
    requirements = (
        ("torch==2.13.0",),
        ("--no-deps", "OpenNMT-py==3.5.1"),
        (
            *("configargparse", "pyyaml", "six", "sacrebleu", "pyonmttok", "ctranslate2"),
            "sentencepiece",
            *("tensorboard", "rapidfuzz", "pyahocorasick", "flask", "waitress", "spacy"),
            *("fasttext-wheel", "numpy<2.3"),
        ),
    )

    def variables(self):
        # Its checkpoints contain more than weights.
        return {**super().variables(), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}

    def training_command(self, folder, steps, report_every):
        shape, corpus = self.shape, self.corpus
        vocabularies = []
        for side, tokens in zip(("source", "target"), corpus.vocabularies, strict=True):
            path = corpus.folder / f"opy.{side}.vocab"
            path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
            vocabularies.append(str(path))
        config = {
            "data": {
                "corpus": {"path_src": str(corpus.train[0]), "path_tgt": str(corpus.train[1])},
            },
            "src_vocab": vocabularies[0],
            "tgt_vocab": vocabularies[1],
            "save_model": str(folder / "model"),
            "save_checkpoint_steps": 1_000_000,
            "train_steps": steps,
            "report_every": report_every,
            "word_vec_size": shape.units,
            "encoder_type": "brnn",
            "decoder_type": "rnn",
            "rnn_type": "GRU",
            "hidden_size": shape.units,
            "layers": 1,
            "bridge": True,
            "global_attention": "mlp",
            "input_feed": 1,
            "dropout": shape.dropout,
            "batch_type": "sents",
            "batch_size": shape.batch_size,
            # Sorts a whole epoch by length, like the other systems.
            "bucket_size": sum(1 for _ in open(corpus.train[0], "rb")),
            "num_workers": 2,
            "normalization": "tokens",
            "optim": "adam",
            "learning_rate": shape.learning_rate,
            "learning_rate_decay": 1.0,
            "max_grad_norm": shape.clip,
        }
        config_path = folder / "train.yaml"  # JSON is YAML
        config_path.write_text(json.dumps(config))
        return [self.venv / "bin" / "onmt_train", "-config", config_path]

    def translation_command(self, model, source, output, beam, batch_size):
        (checkpoint,) = model.glob("model_step_*.pt")
        options = {
            "model": checkpoint,
            "src": source,
            "output": output,
            "beam_size": beam,
            "batch_type": "sents",
            "batch_size": batch_size,
            "max_length": 100,
        }
        flags = [part for name, value in options.items() for part in (f"-{name}", str(value))]
        return [self.venv / "bin" / "onmt_translate", *flags]
