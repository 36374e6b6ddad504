"""Small Transformers of other toolkits, for comparing quality.

Both have the size and the training options with which Wu et al. (2021, "Good for Misconceived
Reasons") report 41.0 BLEU for Multi30k: 4 layers, 128 units, 4 heads, feed-forward layers of 256
units, dropout 0.3, label smoothing 0.1, shared embeddings, batches of 4,096 tokens, and a learning
rate of 0.005 after 2,000 steps of warm-up.
"""

import json

from systems.corpus import read_lines
from systems.joey_nmt import JoeyNMT
from systems.opennmt_py import OpenNMTPy
from systems.system import QualitySystem

LAYERS = 4
UNITS = 128
HEADS = 4
FEED_FORWARD_UNITS = 256
DROPOUT = 0.3
LABEL_SMOOTHING = 0.1
BATCH_TOKENS = 4096
LEARNING_RATE = 0.005
WARM_UP = 2000
MAX_LENGTH = 100


class JoeyTransformer(JoeyNMT, QualitySystem):
    name = "Joey NMT 2.3.0, Transformer"
    evaluation_pattern = r"Evaluation result \(greedy\)"

    def quality_command(self, folder, steps, evaluate_every):
        layers = {
            "type": "transformer",
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "embeddings": {"embedding_dim": UNITS, "scale": True, "dropout": 0.0},
            "hidden_size": UNITS,
            "ff_size": FEED_FORWARD_UNITS,
            "dropout": DROPOUT,
            "layer_norm": "pre",
        }
        config = {
            "name": "benchmark",
            "joeynmt_version": "2.3.0",
            "model_dir": str(folder / "run"),
            "use_cuda": False,
            "fp16": False,
            "data": self._data(),
            "model": {
                "initializer": "xavier_uniform",
                "bias_initializer": "zeros",
                "init_gain": 1.0,
                "embed_initializer": "xavier_uniform",
                "embed_init_gain": 1.0,
                "tied_embeddings": True,
                "tied_softmax": True,
                "encoder": layers,
                "decoder": layers,
            },
            "training": {
                "optimizer": "adamw",
                "adam_betas": [0.9, 0.98],
                "learning_rate": LEARNING_RATE,
                "learning_rate_min": 0.0,
                "learning_rate_warmup": WARM_UP,
                "scheduling": "warmupinversesquareroot",
                "label_smoothing": LABEL_SMOOTHING,
                "loss": "crossentropy",
                "batch_size": BATCH_TOKENS,
                "batch_type": "token",
                "normalization": "tokens",
                "epochs": 1000,
                "updates": steps,
                "validation_freq": evaluate_every,
                "logging_freq": evaluate_every,
                "early_stopping_metric": "bleu",
                # Otherwise only the validations with a new best score are written.
                "keep_best_ckpts": -1,
                "overwrite": False,
            },
            "testing": {
                "beam_size": 1,
                "batch_size": BATCH_TOKENS,
                "batch_type": "token",
                "max_output_length": MAX_LENGTH,
                "eval_metrics": ["bleu"],
                "sacrebleu_cfg": {"tokenize": "none"},
            },
        }
        path = folder / "train.yaml"  # JSON is YAML
        path.write_text(json.dumps(config))
        return [self._python, "-m", "joeynmt", "train", path, "--skip-test"]

    def dev_bleu(self, folder, step, report):
        translations = (folder / "run" / f"{step}.hyps").read_text("utf-8").splitlines()
        return self.corpus.dev_bleu(translations)

    def _data(self):
        vocabulary = self.corpus.folder / "joey.vocab"
        tokens = ["<unk>", "<pad>", "<s>", "</s>", *self.corpus.pieces]
        vocabulary.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        side = {
            "level": "bpe",
            "tokenizer_type": "sentencepiece",
            "tokenizer_cfg": {"model_file": str(self.corpus.model)},
            "voc_file": str(vocabulary),
        }
        sides = {name: {"lang": name, **side} for name in ("src", "trg")}
        return {**self._link_corpus(), "dataset_type": "plain", **sides}


class OpenNMTPyTransformer(OpenNMTPy, QualitySystem):
    name = "OpenNMT-py 3.5.1, Transformer"
    evaluation_pattern = r"validation BLEU: "

    def quality_command(self, folder, steps, evaluate_every):
        corpus = self.corpus
        vocabulary = corpus.folder / "opy.vocab"
        vocabulary.write_text("".join(f"{piece}\n" for piece in corpus.pieces), encoding="utf-8")
        transforms = ["sentencepiece"]
        train, dev = (
            {"path_src": str(source), "path_tgt": str(target), "transforms": transforms}
            for source, target in (corpus.train, corpus.dev)
        )
        config = {
            "data": {"corpus": train, "valid": dev},
            "src_subword_model": str(corpus.model),
            "tgt_subword_model": str(corpus.model),
            "src_vocab": str(vocabulary),
            "tgt_vocab": str(vocabulary),
            "share_vocab": True,
            "save_model": str(folder / "model"),
            "save_checkpoint_steps": 1_000_000,
            "train_steps": steps,
            "report_every": evaluate_every,
            "valid_steps": evaluate_every,
            "valid_batch_size": BATCH_TOKENS,
            "valid_metrics": ["BLEU"],
            "scoring_debug": True,
            "dump_preds": str(folder),
            "encoder_type": "transformer",
            "decoder_type": "transformer",
            "position_encoding": True,
            "enc_layers": LAYERS,
            "dec_layers": LAYERS,
            "heads": HEADS,
            "hidden_size": UNITS,
            "word_vec_size": UNITS,
            "transformer_ff": FEED_FORWARD_UNITS,
            "share_embeddings": True,
            "share_decoder_embeddings": True,
            "dropout": [DROPOUT],
            "attention_dropout": [0.0],
            "label_smoothing": LABEL_SMOOTHING,
            "param_init": 0,
            "param_init_glorot": True,
            "batch_type": "tokens",
            "batch_size": BATCH_TOKENS,
            "bucket_size": len(read_lines(corpus.train[0])),
            "num_workers": 2,
            "normalization": "tokens",
            "optim": "adam",
            "adam_beta2": 0.98,
            "decay_method": "noam",
            # Its schedule multiplies by units ** -0.5 and, at the peak, by warmup_steps ** -0.5.
            "learning_rate": LEARNING_RATE * (UNITS * WARM_UP) ** 0.5,
            "warmup_steps": WARM_UP,
            "max_grad_norm": 0.0,
        }
        path = folder / "train.yaml"  # JSON is YAML
        path.write_text(json.dumps(config))
        return [self.venv / "bin" / "onmt_train", "-config", path]

    def dev_bleu(self, folder, step, report):
        # Its steps start at 1, and the file is named by the next one.
        lines = (folder / f"preds.valid_step_{step + 1}.txt").read_text("utf-8").splitlines()
        mark = "PRED: "
        return self.corpus.dev_bleu([line[len(mark) :] for line in lines if line.startswith(mark)])
