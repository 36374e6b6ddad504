"""The text that the systems are trained on."""

import gzip
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# A dev text only has to be there.
_DEV_LINES = 64


@dataclass(frozen=True)
class Corpus:
    """Plain text files, one sentence a line, tokens parted by blanks.

    Attributes:
        train: Source and target to train on.
        dev: Source and target to validate on, where a system insists on that.
        vocabularies: Source and target: the tokens that occur at least twice, the most frequent
            first, without special ones.
        folder: Where the files are, and where a system may put vocabularies in its own form.
    """

    train: tuple[Path, Path]
    dev: tuple[Path, Path]
    vocabularies: tuple[list[str], list[str]]
    folder: Path

    @classmethod
    def prepare(cls, train: tuple[str, str], dev: tuple[str, str], folder: Path) -> "Corpus":
        """Copies source and target of both texts, plain or `.gz`, to plain files."""
        folder.mkdir(parents=True, exist_ok=True)
        train_paths, dev_paths, vocabularies = [], [], []
        for side, train_file, dev_file in zip(("source", "target"), train, dev, strict=True):
            lines = read_lines(train_file)
            counts = Counter(token for line in lines for token in line.split())
            vocabularies.append([token for token, count in counts.most_common() if count >= 2])
            train_paths.append(write_lines(folder / f"train.{side}", lines))
            dev_lines = read_lines(dev_file)[:_DEV_LINES]
            dev_paths.append(write_lines(folder / f"dev.{side}", dev_lines))
        return cls(tuple(train_paths), tuple(dev_paths), tuple(vocabularies), folder)

    @property
    def target_tokens(self) -> float:
        """The mean length of the targets, end token included."""
        lines = read_lines(self.train[1])
        return count_tokens(lines) / len(lines)


def read_lines(path: str | os.PathLike) -> list[str]:
    opened = gzip.open if os.fspath(path).endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def count_tokens(lines: list[str]) -> int:
    """Returns the number of tokens, an end token a line included."""
    return sum(len(line.split()) + 1 for line in lines)
