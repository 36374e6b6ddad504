"""Marian, from the wheel of its Python bindings."""

import json

from systems.system import System


class Marian(System):
    name = "pymarian 1.12.42"
    environment = "marian"
    deviation = "conditional GRU: two cells in the decoder; wheel without AVX2"
    step_pattern = r"Up\. (\d+) :"
    requirements = (("pymarian==1.12.42",),)

    def training_command(self, folder, steps, report_every):
        shape = self.shape
        options = {
            "model": folder / "model.npz",
            "type": "s2s",
            "dim-emb": shape.units,
            "dim-rnn": shape.units,
            "enc-cell": "gru",
            "dec-cell": "gru",
            "dropout-rnn": shape.dropout,
            "train-sets": self.corpus.train,
            "vocabs": self._vocabularies(),
            "mini-batch": shape.batch_size,
            "sync-sgd": (),
            "cpu-threads": self.threads,
            "workspace": 2000,
            "cost-type": "ce-mean-words",
            "optimizer": "adam",
            "learn-rate": shape.learning_rate,
            "clip-norm": shape.clip,
            "after": f"{steps}u",
            "disp-freq": f"{report_every}u",
            "save-freq": "1000000u",
            "seed": 1,
        }
        return [self._program, "train", *_flags(options)]

    def translation_command(self, model, source, output, beam, batch_size):
        options = {
            "models": model / "model.npz",
            "vocabs": self._vocabularies(),
            "input": source,
            "output": output,
            "beam-size": beam,
            "mini-batch": batch_size,
            "maxi-batch": 100,
            "maxi-batch-sort": "src",
            "cpu-threads": self.threads,
            "quiet-translation": (),
        }
        return [self._program, "decode", *_flags(options)]

    @property
    def _program(self):
        return self.venv / "bin" / "pymarian"

    def _vocabularies(self):
        paths = []
        for side, tokens in zip(("source", "target"), self.corpus.vocabularies, strict=True):
            ids = {token: id for id, token in enumerate(["</s>", "<unk>", *tokens])}
            paths.append(self.corpus.folder / f"marian.{side}.yml")  # JSON is YAML
            paths[-1].write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
        return paths


def _flags(options):
    for name, value in options.items():
        values = value if isinstance(value, tuple | list) else [value]
        yield from (f"--{name}", *map(str, values))
