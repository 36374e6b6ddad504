"""The demo: a model that learns to convert dates, in a few minutes on two cores."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from keras_seq2seq.config import resolve_config
from keras_seq2seq.data import write_corpus
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import read_lines
from keras_seq2seq.files.reading import exists
from keras_seq2seq.plots import attention_as_text, save_attention_heatmap
from keras_seq2seq.training import plan_training, train
from keras_seq2seq.translator import Translation, Translator

TRAINING_PAIRS = 20_000

FLAGS = {
    "model": "AttentionSeq2Seq",
    "batch_size": 64,
    "buckets": "10,12,14,17,20,24,30,40",
    "train_steps": 2000,
    "eval_every_n_steps": 500,
}

HPARAMS = (
    "source.tokenizer=characters",
    "target.tokenizer=characters",
    "source.max_seq_len=60",
    "target.max_seq_len=12",
    "inference.max_decode_length=12",
    "embedding.dim=32",
    "rnn_cell.type=GRUCell",
    "rnn_cell.num_units=128",
    "optimizer.learning_rate=0.002",
)

_EXAMPLES = 10


def run_demo(directory: str | os.PathLike, console: Console | None = None) -> float:
    """Writes the dates corpus, trains on it and shows predictions on unseen dates.

    A second run in the same directory resumes the training, or uses the trained model.

    Args:
        directory: Where to write everything: the corpus in `dates`, the model in `model`, a
            picture of the attention in `attention.png`.
        console: Where to print. Defaults to standard output.

    Returns:
        The fraction of the test dates that are converted correctly.

    Raises:
        UserError: If the directory cannot be used.
        KeyboardInterrupt: After Ctrl-C.
    """
    console = console or Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    corpus, model_dir = Path(directory) / "dates", Path(directory) / "model"
    picture = Path(directory) / "attention.png"
    if exists(picture) and not exists(corpus):
        raise UserError(f"{picture}: not written by the demo; move it, or choose another directory")
    flags = _files(corpus) | FLAGS
    console.print(
        'A model learns to convert dates such as "the 3rd of March, 1998" to 1998-03-03. '
        "This takes a few minutes and is equivalent to these commands:\n",
        soft_wrap=False,
    )
    console.print(f"{_commands(corpus, model_dir, flags)}\n", soft_wrap=True)
    write_corpus("dates", corpus, train=TRAINING_PAIRS, keep_equal=True)
    train(plan_training(resolve_config(flags=flags, hparams=",".join(HPARAMS)), model_dir))

    translator = Translator.load(model_dir)
    sources = list(read_lines(corpus / "test" / "sources.txt"))
    references = list(read_lines(corpus / "test" / "targets.txt"))
    examples = translator.translate(sources[:_EXAMPLES])
    console.print(_table(sources, references, examples), soft_wrap=False)
    example = _choose_example(examples, console.width)
    weights = example.source_tokens, example.target_tokens, example.attention
    save_attention_heatmap(picture, *weights)
    console.print(
        "Attention of the model, one line per output character:\n\n"
        f"{attention_as_text(*weights)}\n",
        soft_wrap=True,
    )

    answers = translator(sources)
    right = sum(answer == reference for answer, reference in zip(answers, references, strict=True))
    console.print(
        f"the picture: {picture}\n"
        f"the corpus:  {corpus}\n"
        f"the model:   {model_dir}\n\n"
        "Try your own date:\n"
        '  echo "Nov. 5, 1955" | keras-seq2seq translate \\\n'
        f"    --model_dir {_quote(model_dir)}\n"
        f"  tensorboard --logdir {_quote(model_dir / 'logs')}\n\n"
        f"exact match: {100 * right / len(sources):.1f} % of {len(sources):,} unseen dates",
        soft_wrap=True,
    )
    return right / len(sources)


def _files(corpus: Path) -> dict[str, str]:
    sides = "source", "target"
    return {
        **{f"train_{side}": str(corpus / "train" / f"{side}s.txt") for side in sides},
        **{f"dev_{side}": str(corpus / "dev" / f"{side}s.txt") for side in sides},
        **{f"vocab_{side}": str(corpus / f"vocab.{side}s.txt") for side in sides},
    }


def _commands(corpus: Path, model_dir: Path, flags: dict) -> str:
    """Returns the equivalent commands."""
    options = [f"--{name}={value}" for name, value in flags.items()]
    options += ["--hparams=" + ",\n    ".join(HPARAMS), f"--output_dir={model_dir}"]
    data = f"keras-seq2seq data dates {_quote(corpus)} --train={TRAINING_PAIRS}"
    return " \\\n  ".join([f"{data}\nkeras-seq2seq train", *map(_quote, options)])


def _quote(argument: str | Path) -> str:
    return shlex.quote(str(argument))


def _table(
    sources: Sequence[str], references: Sequence[str], examples: Sequence[Translation]
) -> Table:
    table = Table("date", "model", "reference", "", box=box.SIMPLE)
    for source, reference, example in zip(sources, references, examples, strict=False):
        mark = "" if example.text == reference else "wrong"
        table.add_row(source, example.text, reference, mark)
    return table


def _choose_example(examples: Sequence[Translation], width: int) -> Translation:
    """Returns the longest example that fits a terminal, preferably with a translation."""
    # A character of the output and a space, then two cells for each source token.
    max_columns = (width - 2) // 2

    def merit(example: Translation) -> tuple[bool, bool, int]:
        columns = len(example.source_tokens)
        return bool(example.target_tokens), columns <= max_columns, columns

    return max(examples, key=merit)
