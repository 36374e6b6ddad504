"""Joey NMT, with a newer PyTorch than at its release."""

import json

from systems.system import System

# The option `--output-path` is broken in this release.
_TRANSLATE = 'exec "$0" -m joeynmt translate "$1" < "$2" > "$3"'


class JoeyNMT(System):
    name = "Joey NMT 2.3.0"
    environment = "joey"
    deviation = "no length buckets"
    # The number is padded: "Step:      100".
    step_pattern = r"Step: +(\d+)"
    requirements = (
        ("torch==2.13.0",),
        ("joeynmt==2.3.0", "importlib_metadata", "sentencepiece<0.2.1"),
    )

    def training_command(self, folder, steps, report_every):
        shape = self.shape
        half = {"type": "recurrent", "rnn_type": "gru", "num_layers": 1, "dropout": shape.dropout}
        embeddings = {"embedding_dim": shape.units, "dropout": shape.dropout}
        config = {
            "name": "benchmark",
            "joeynmt_version": "2.3.0",
            "model_dir": str(folder / "run"),
            "use_cuda": False,
            "fp16": False,
            "data": self._data(),
            "model": {
                "initializer": "xavier_uniform",
                "encoder": {
                    **half,
                    "embeddings": embeddings,
                    "hidden_size": shape.encoder_units,
                    "bidirectional": True,
                },
                "decoder": {
                    **half,
                    "embeddings": embeddings,
                    "hidden_size": shape.units,
                    "hidden_dropout": shape.dropout,
                    "attention": "bahdanau",
                    "init_hidden": "bridge",
                    "input_feeding": True,
                },
            },
            "training": {
                "optimizer": "adam",
                "learning_rate": shape.learning_rate,
                "scheduling": "exponential",
                "decrease_factor": 1.0,
                "learning_rate_min": 0.0,
                "clip_grad_norm": shape.clip,
                "batch_size": shape.batch_size,
                "batch_type": "sentence",
                "normalization": "tokens",
                "epochs": 1000,
                "updates": steps,
                "validation_freq": 1_000_000,
                "logging_freq": report_every,
                "overwrite": False,
            },
            "testing": {"beam_size": 1, "batch_size": shape.batch_size, "eval_metrics": ["bleu"]},
        }
        config_path = folder / "train.yaml"  # JSON is YAML
        config_path.write_text(json.dumps(config))
        return [self._python, "-m", "joeynmt", "train", config_path, "--skip-test"]

    def translation_command(self, model, source, output, beam, batch_size):
        config = json.loads((model / "train.yaml").read_text())
        config["testing"].update(
            beam_size=beam,
            batch_size=batch_size,
            max_output_length=100,
            load_model=str(model / "run" / "latest.ckpt"),
        )
        config_path = model / f"beam{beam}.yaml"
        config_path.write_text(json.dumps(config))
        return ["sh", "-c", _TRANSLATE, self._python, config_path, source, output]

    @property
    def _python(self):
        return self.venv / "bin" / "python"

    def _data(self):
        corpus = self.corpus
        sides = {}
        for side, tokens in zip(("src", "trg"), corpus.vocabularies, strict=True):
            vocabulary = corpus.folder / f"joey.{side}.vocab"
            tokens = ["<unk>", "<pad>", "<s>", "</s>", *tokens]
            vocabulary.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
            sides[side] = {"lang": side, "level": "word", "voc_file": str(vocabulary)}
        return {**self._link_corpus(), "dataset_type": "plain", **sides}

    def _link_corpus(self):
        """Links the files of the corpus under names that end as Joey NMT expects."""
        corpus = self.corpus
        for name, files in (("train", corpus.train), ("dev", corpus.dev)):
            for file, side in zip(files, ("src", "trg"), strict=True):
                link = corpus.folder / f"joey.{name}.{side}"
                link.unlink(missing_ok=True)
                link.symlink_to(file)
        return {name: str(corpus.folder / f"joey.{name}") for name in ("train", "dev")}
