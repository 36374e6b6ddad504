"""Toy corpora of random symbols, and writing of all corpora."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from keras_seq2seq.data.corpora.dates import DatesCorpus
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import exists, open_regular_file
from keras_seq2seq.files.writing import atomic_file, make_directory


class ToyCorpus:
    """Random symbols as sources, and targets computed by a rule.

    Sequences have 1 to `max_length` symbols, with uniformly distributed lengths. Symbols are
    numbers and, as in google/seq2seq, one that is not ASCII.

    Args:
        rule: Function from source symbols to target symbols.
        vocabulary_size: Number of symbols, at least 2.
        max_length: Maximum number of symbols per sequence, at least 1.
    """

    def __init__(
        self,
        rule: Callable[[Sequence[str]], Sequence[str]],
        vocabulary_size: int,
        max_length: int,
    ):
        if vocabulary_size < 2:
            raise UserError(f"vocabulary size is {vocabulary_size}; expected at least 2")
        if max_length < 1:
            raise UserError(f"maximum length is {max_length}; expected at least 1")
        self._rule = rule
        self._max_length = max_length
        self.source_tokens = (*map(str, range(vocabulary_size - 1)), "笑")
        self.target_tokens = self.source_tokens

    def draw(self, random: Random, split: str) -> tuple[str, str]:
        """Draws a pair `(source, target)`, from the same distribution for all splits."""
        length = random.randint(1, self._max_length)
        symbols = random.choices(self.source_tokens, k=length)
        return " ".join(symbols), " ".join(self._rule(symbols))


def copied(symbols: Sequence[str]) -> Sequence[str]:
    """The rule of the copy task."""
    return symbols


def reversed_(symbols: Sequence[str]) -> Sequence[str]:
    """The rule of the reverse task."""
    return symbols[::-1]


CORPORA = ("copy", "reverse", "dates")

# Number of attempts to draw a new source for the dev or test set. It is limited, since a tiny
# training set can contain all possible sequences.
_ATTEMPTS = 100


def write_corpus(
    name: str,
    directory: str | os.PathLike,
    *,
    train: int = 10_000,
    dev: int = 1_000,
    test: int = 1_000,
    vocabulary_size: int | None = None,
    max_length: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    keep_equal: bool = False,
) -> list[Path]:
    """Writes `{train,dev,test}/{sources,targets}.txt` and `vocab.{sources,targets}.txt`.

    The sources of the dev and test sets are unique and not in the training set, unless there are
    too few possible sequences (after 100 attempts, a duplicate is used). The training set can
    contain duplicates, like any random sample. For dates, whole days are held out, see
    `DatesCorpus`.

    Args:
        name: `"copy"`, `"reverse"` or `"dates"`.
        directory: The output directory, which is created if it does not exist.
        train: Number of training pairs.
        dev: Number of pairs of the dev set.
        test: Number of pairs of the test set.
        vocabulary_size: Number of symbols of `"copy"` and `"reverse"`. Defaults to 20.
        max_length: Maximum number of symbols per sequence of `"copy"` and `"reverse"`. Defaults to
            20.
        seed: Random seed. The same seed gives the same files.
        overwrite: Whether to replace existing files.
        keep_equal: Whether to accept that all files exist, if their content is the same.

    Returns:
        The paths of the files.

    Raises:
        UserError: If the name is unknown, a number is out of range, an option does not apply to
            the corpus, or files already exist. An interrupted call can be repeated: if only some
            of the files exist, they may have the same content.

    Example:
        >>> write_corpus("reverse", "data", train=1_000)
    """
    corpus = _make_corpus(name, vocabulary_size, max_length)
    sizes = {"train": train, "dev": dev, "test": test}
    _check_sizes(sizes)
    directory = Path(directory)
    files = {split: _pair_of_paths(directory / split) for split in sizes}
    vocabularies = directory / "vocab.sources.txt", directory / "vocab.targets.txt"
    paths = [*(path for pair in files.values() for path in pair), *vocabularies]
    seen: set[str] = set()
    if not keep_equal:
        _check_not_complete(paths, overwrite)
    with _open_files(directory, paths, overwrite) as write:
        for split, size in sizes.items():
            # One generator per split, so that the test set does not depend on the size of others.
            pairs = _draw(corpus, Random(f"{seed}-{split}"), split, size, seen)
            source_path, target_path = files[split]
            for source, target in pairs:
                write[source_path](source)
                write[target_path](target)
        for path, tokens in zip(
            vocabularies, (corpus.source_tokens, corpus.target_tokens), strict=True
        ):
            for token in tokens:
                write[path](token)
    return paths


def write_files(directory: Path, files: Mapping[Path, Iterable[str]], overwrite: bool):
    """Writes the files of a corpus, which all appear only when they are complete.

    Args:
        directory: The directory of the corpus, which is created if it does not exist.
        files: The lines of each file.
        overwrite: Whether to replace existing files.

    Raises:
        UserError: If the directory cannot be created, or files already exist; see `write_corpus`.
    """
    _check_not_complete(list(files), overwrite)
    with _open_files(directory, list(files), overwrite) as write:
        for path, lines in files.items():
            for line in lines:
                write[path](line)


def _make_corpus(name: str, vocabulary_size: int | None, max_length: int | None):
    if name == "dates":
        if vocabulary_size is not None or max_length is not None:
            raise UserError(
                "the dates corpus has no vocabulary size and no maximum length; remove them"
            )
        return DatesCorpus()
    rules = {"copy": copied, "reverse": reversed_}
    if name not in rules:
        raise UserError(f"unknown corpus {name!r}; choose from {', '.join(CORPORA)}")
    return ToyCorpus(
        rules[name],
        20 if vocabulary_size is None else vocabulary_size,
        20 if max_length is None else max_length,
    )


def _check_sizes(sizes: dict[str, int]):
    for split, size in sizes.items():
        if size < 1:
            raise UserError(f"number of {split} pairs is {size}; expected at least 1")


def _pair_of_paths(directory: Path) -> tuple[Path, Path]:
    return directory / "sources.txt", directory / "targets.txt"


def _check_not_complete(paths: list[Path], overwrite: bool):
    # Some of the files may be there because a kill interrupted the same command at its end.
    if not overwrite and all(map(exists, paths)):
        raise _already_exists(paths[0])


def _make_directories(directory: Path, paths: list[Path]):
    try:
        for path in paths:
            make_directory(path.parent)
    except OSError as error:
        raise UserError(f"{directory}: cannot be created ({error.strerror})") from None


@contextmanager
def _open_files(
    directory: Path, paths: list[Path], overwrite: bool
) -> Iterator[dict[Path, Callable[[str], object]]]:
    """Yields a function for each file, which writes one line; all files appear at the end."""
    _make_directories(directory, paths)
    with ExitStack() as stack:
        yield {path: stack.enter_context(_open_new(path, overwrite)) for path in paths}


def _draw(
    corpus, random: Random, split: str, size: int, seen: set[str]
) -> Iterator[tuple[str, str]]:
    for _ in range(size):
        source, target = corpus.draw(random, split)
        attempts = 1
        while split != "train" and source in seen and attempts < _ATTEMPTS:
            source, target = corpus.draw(random, split)
            attempts += 1
        seen.add(source)
        yield source, target


@contextmanager
def _open_new(path: Path, overwrite: bool) -> Iterator[Callable[[str], object]]:
    """Opens a file for writing, or one that exists for comparison.

    Args:
        path: The file.
        overwrite: Whether to replace an existing file.

    Yields:
        A function that writes a line, or raises a `UserError` if the line of the existing file
        differs.
    """
    if overwrite or not exists(path):
        with atomic_file(path, binary=True) as file:
            yield lambda line: file.write(f"{line}\n".encode())
        return
    with open_regular_file(path) as file:

        def compare(line: str):
            data = f"{line}\n".encode()
            if file.read(len(data)) != data:
                raise _already_exists(path)

        yield compare
        if file.read(1):
            raise _already_exists(path)


def _already_exists(path: Path) -> UserError:
    return UserError(f"{path} already exists; choose another directory or overwrite it")
