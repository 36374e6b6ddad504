"""The training text of the systems."""

import gzip
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# Small, as some systems require dev text but its size has no influence on speed.
_DEV_LINES = 64


@dataclass(frozen=True)
class Corpus:
    """Plain text files with one sentence per line and tokens separated by spaces.

    Attributes:
        train: The paths of the source and the target training text.
        dev: The paths of the source and the target dev text, for systems that require it.
        vocabularies: The source and the target vocabulary: all tokens that occur at least twice,
            most frequent first, without special tokens.
        folder: The directory of the files, to which systems may write vocabularies.
    """

    train: tuple[Path, Path]
    dev: tuple[Path, Path]
    vocabularies: tuple[list[str], list[str]]
    folder: Path

    @classmethod
    def prepare(cls, train: tuple[str, str], dev: tuple[str, str], folder: Path) -> "Corpus":
        """Copies training and dev text, plain or `.gz`, to plain files."""
        folder.mkdir(parents=True, exist_ok=True)
        train_paths = _copy(train, folder, "train")
        vocabularies = []
        for path in train_paths:
            counts = Counter(token for line in read_lines(path) for token in line.split())
            vocabularies.append([token for token, count in counts.most_common() if count >= 2])
        return cls(train_paths, _copy(dev, folder, "dev", _DEV_LINES), tuple(vocabularies), folder)

    @property
    def target_tokens(self) -> float:
        """The mean length of the targets, including the end token."""
        lines = read_lines(self.train[1])
        return count_tokens(lines) / len(lines)


@dataclass(frozen=True)
class SubwordCorpus:
    """Plain text files with one sentence per line, and a SentencePiece model of both sides.

    Attributes:
        train: The paths of the source and the target training text.
        dev: The paths of the source and the target dev text.
        folder: The directory of the files, to which systems may write vocabularies.
        model: The path of the joint SentencePiece model (BPE).
        pieces: Its pieces without special tokens, in the order of their ids.
    """

    train: tuple[Path, Path]
    dev: tuple[Path, Path]
    folder: Path
    model: Path
    pieces: list[str]

    @classmethod
    def prepare(
        cls, train: tuple[str, str], dev: tuple[str, str], folder: Path, vocab_size: int
    ) -> "SubwordCorpus":
        """Copies training and dev text, plain or `.gz`, to plain files, and trains the model."""
        import sentencepiece

        folder.mkdir(parents=True, exist_ok=True)
        train_paths = _copy(train, folder, "train")
        model = folder / "joint.model"
        if not model.exists():
            sentencepiece.SentencePieceTrainer.train(
                input=",".join(map(str, train_paths)),
                model_prefix=str(model.with_suffix("")),
                model_type="bpe",
                vocab_size=vocab_size,
                character_coverage=1.0,
                minloglevel=2,
            )
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        # Ids 0 to 2 are <unk>, <s> and </s>.
        pieces = [processor.id_to_piece(i) for i in range(3, processor.get_piece_size())]
        return cls(train_paths, _copy(dev, folder, "dev"), folder, model, pieces)

    def dev_bleu(self, translations: list[str]) -> float:
        """Returns BLEU of translations of the dev text, without tokenization."""
        import sacrebleu

        references = [read_lines(self.dev[1])]
        return sacrebleu.corpus_bleu(translations, references, tokenize="none", force=True).score


def _copy(
    files: tuple[str, str], folder: Path, name: str, lines: int | None = None
) -> tuple[Path, Path]:
    """Copies the first lines, or all, of both sides to plain files, and returns their paths."""
    source, target = (read_lines(file)[:lines] for file in files)
    return (
        write_lines(folder / f"{name}.source", source),
        write_lines(folder / f"{name}.target", target),
    )


def read_lines(path: str | os.PathLike) -> list[str]:
    opened = gzip.open if os.fspath(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def count_tokens(lines: list[str]) -> int:
    """Returns the number of tokens, including an end token per line."""
    return sum(len(line.split()) + 1 for line in lines)
