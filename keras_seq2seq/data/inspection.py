"""Statistics of parallel text: lengths, unknown tokens, duplicates and unusual lines."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from keras_seq2seq.data.batching import Batching
from keras_seq2seq.data.pairs import Pairs, as_pairs
from keras_seq2seq.data.parallel_text import check_line_counts
from keras_seq2seq.data.text_statistics import (
    DuplicateCounter,
    FrequentTokens,
    Largest,
    character_group,
    character_name,
    excerpt,
    is_unusual,
    mean,
    percentile,
)
from keras_seq2seq.special_tokens import UNKNOWN_ID
from keras_seq2seq.text import Tokenizer, Vocabulary, WhitespaceTokenizer

PERCENTS = (50, 90, 95, 99)
_RATIO_PERCENTS = (1, 5, 50, 95, 99)

# Tokens of the vocabulary that occur less often are hardly learned.
RARE_BELOW = 5


@dataclass(frozen=True)
class SideInspection:
    """Statistics of one side, over the usable pairs.

    Attributes:
        name: The file, or a name such as "sources" for text in memory.
        tokenizer: The name of the tokenizer.
        tokens: Number of tokens, without end tokens.
        lengths: Number of sequences by their length in tokens, including the end token.
        mean_length: Mean of these lengths.
        percentiles: Dictionary from percents to lengths: 90 % of the sequences are not longer than
            `percentiles[90]`.
        longest: The largest length.
        max_length: The limit for training.
        truncated: Number of sequences that are longer than that.
        vocabulary_size: Number of tokens of the vocabulary; `None` without a vocabulary.
        unknown_tokens: Number of tokens of the text that are not in the vocabulary.
        frequent_unknown: The most frequent of these, with their counts.
        used: Number of tokens of the vocabulary that occur in the text.
        rare: Number of tokens of the vocabulary that occur from one to four times.
        duplicates: Number of lines that are equal to an earlier line.
        not_normalized: Number of lines that are not in Unicode normalization form C.
        characters: Number of characters.
        groups: Number of characters by script, or by kind if they are not letters.
        unusual: Number of characters that are invisible or unassigned, by code point and name.
    """

    name: str
    tokenizer: str
    tokens: int
    lengths: Counter[int]
    mean_length: float
    percentiles: dict[int, int]
    longest: int
    max_length: int
    truncated: int
    vocabulary_size: int | None
    unknown_tokens: int | None
    frequent_unknown: list[tuple[str, int]]
    used: int | None
    rare: int | None
    duplicates: int
    not_normalized: int
    characters: int
    groups: dict[str, int]
    unusual: dict[str, int]


@dataclass(frozen=True)
class PairExcerpt:
    """A pair of a report.

    Attributes:
        place: Where it is: the file and the line, or the number of the pair.
        source: The start of the source line.
        target: The start of the target line.
        source_length: Number of source tokens, including the end token.
        target_length: Number of target tokens, including the end token.
        unknown_tokens: Number of unknown tokens on both sides.
    """

    place: str
    source: str
    target: str
    source_length: int
    target_length: int
    unknown_tokens: int


@dataclass(frozen=True)
class Inspection:
    """The result of `inspect_pairs`.

    Attributes:
        lines: Number of lines of each side.
        empty_sources: Number of empty source lines.
        empty_targets: Number of empty target lines.
        empty_pairs: Number of pairs with an empty side. Training skips them; they do not count in
            the other statistics.
        source: `SideInspection` of the source side.
        target: `SideInspection` of the target side.
        duplicates: Number of pairs that are equal to an earlier pair.
        duplicates_are_exact: Whether the numbers of duplicates are exact, rather than estimates.
        identical: Number of pairs with the same text on both sides.
        ratios: Number of pairs by the number of target tokens per source token, rounded to three
            digits.
        mean_ratio: Mean of these.
        ratio_percentiles: Dictionary from percents to ratios.
        lengths: Number of pairs by their lengths `(source, target)` after truncation, including
            the end tokens.
        longest: `PairExcerpt`s of the pairs with the longest sides.
        unbalanced: `PairExcerpt`s of the pairs whose lengths differ by the largest factor.
        most_unknown: `PairExcerpt`s of the pairs with the most unknown tokens.
        empty_places: The places of the first pairs with an empty side.
        identical_places: The places of the first pairs with the same text on both sides.
        dropped: Number of pairs that filters excluded, by reason; they are not counted as lines.
    """

    lines: int
    empty_sources: int
    empty_targets: int
    empty_pairs: int
    source: SideInspection
    target: SideInspection
    duplicates: int
    duplicates_are_exact: bool
    identical: int
    ratios: Counter[float]
    mean_ratio: float
    ratio_percentiles: dict[int, float]
    lengths: Counter[tuple[int, int]]
    longest: list[PairExcerpt]
    unbalanced: list[PairExcerpt]
    most_unknown: list[PairExcerpt]
    empty_places: list[str]
    identical_places: list[str]
    dropped: Mapping[str, int]

    @property
    def pairs(self) -> int:
        """Number of usable pairs, which have text on both sides."""
        return self.lines - self.empty_pairs

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON values. Counts by length or ratio are sorted lists."""
        values = {"pairs": self.pairs, **asdict(self)}
        values["lengths"] = [[*pair, count] for pair, count in sorted(self.lengths.items())]
        values["ratios"] = sorted(self.ratios.items())
        for side in ("source", "target"):
            values[side]["lengths"] = sorted(getattr(self, side).lengths.items())
        return values


def inspect_pairs(
    sources: Any,
    targets: Any = None,
    source: Tokenizer | Vocabulary | None = None,
    target: Tokenizer | Vocabulary | None = None,
    source_max_length: int = 40,
    target_max_length: int = 40,
    examples: int = 5,
) -> Inspection:
    """Collects statistics of parallel text in one pass.

    Memory use does not grow with the text. It depends on the numbers of different lengths and
    characters; finding duplicates takes less than 150 MB. If there are more than four million
    pairs, their number is estimated from a sample.

    Args:
        sources: The source text, or both sides in one object; see `make_dataset`.
        targets: The target text; see `make_dataset`.
        source: The tokenizer of the sources, or a vocabulary of tokens separated by whitespace.
            Without a vocabulary, there are no unknown tokens. Defaults to splitting at whitespace.
        target: The same for the target side.
        source_max_length: Length at which training truncates sources, including the end token.
        target_max_length: The same for the target side.
        examples: Maximum number of lines and tokens in each list of examples.

    Returns:
        An `Inspection`.

    Raises:
        UserError: If a file is missing, unreadable, empty, binary, not UTF-8 or damaged; if the
            sides differ in their number of lines; or if no pair has text on both sides.
        TypeError: If text in memory contains anything other than strings.

    Example:

    >>> report = inspect_pairs(["a man", "a man", "a"], ["ein Mann", "ein Mann", ""])
    >>> report.pairs, report.duplicates, report.source.mean_length
    (2, 1, 3.0)
    """
    pairs = as_pairs(sources, targets)
    sides = (
        _Side(pairs.names[0], source, source_max_length, examples),
        _Side(pairs.names[1], target, target_max_length, examples),
    )
    return _Inspector(*sides, examples).inspect(pairs)


class _Side:
    """Collects the statistics of one side."""

    def __init__(
        self, name: str, tokenizer: Tokenizer | Vocabulary | None, max_length: int, examples: int
    ):
        if not isinstance(tokenizer, Tokenizer):
            tokenizer = WhitespaceTokenizer(tokenizer)
        self.path = name
        self.lines = self.empty = 0
        self.max_length = max_length
        self._tokenizer = tokenizer
        self._examples = examples
        self._lengths = Counter()
        self._ids = Counter()
        self._unknown = FrequentTokens()
        self._characters = Counter()
        self._not_normalized = 0
        self.duplicates = DuplicateCounter()

    def read(self, line: str | None) -> list[str]:
        """Returns the tokens of the next line, which is `None` after the end of the text."""
        if line is None:
            return []
        self.lines += 1
        tokens = self._tokenizer.split_line(line)
        self.empty += not tokens
        return tokens

    def count(self, line: str, tokens: list[str]) -> int:
        """Counts a usable line, and returns its number of unknown tokens."""
        self._lengths[len(tokens) + 1] += 1
        self._characters.update(line)
        self._not_normalized += not unicodedata.is_normalized("NFC", line)
        self.duplicates.add(line)
        if self._tokenizer.vocabulary is None:
            return 0
        ids = self._tokenizer.vocabulary.to_ids(tokens)
        self._ids.update(ids)
        unknown = [token for token, i in zip(tokens, ids, strict=True) if i == UNKNOWN_ID]
        if unknown:
            self._unknown.update(unknown)
        return len(unknown)

    def report(self) -> SideInspection:
        lengths, vocabulary = self._lengths, self._tokenizer.vocabulary
        unknown_tokens = self._ids.pop(UNKNOWN_ID, 0)
        groups = Counter()
        for character, number in self._characters.items():
            groups[character_group(character)] += number
        unusual = Counter({c: n for c, n in self._characters.items() if is_unusual(c)})
        has_vocabulary = vocabulary is not None
        return SideInspection(
            name=self.path,
            tokenizer=self._tokenizer.name,
            tokens=sum((length - 1) * count for length, count in lengths.items()),
            lengths=lengths,
            mean_length=mean(lengths),
            percentiles={percent: percentile(lengths, percent / 100) for percent in PERCENTS},
            longest=max(lengths),
            max_length=self.max_length,
            truncated=sum(count for length, count in lengths.items() if length > self.max_length),
            vocabulary_size=len(vocabulary.tokens) if has_vocabulary else None,
            unknown_tokens=unknown_tokens if has_vocabulary else None,
            frequent_unknown=self._unknown.most_common(self._examples),
            used=len(self._ids) if has_vocabulary else None,
            rare=sum(n < RARE_BELOW for n in self._ids.values()) if has_vocabulary else None,
            duplicates=self.duplicates.count(),
            not_normalized=self._not_normalized,
            characters=self._characters.total(),
            groups=dict(groups.most_common()),
            unusual={
                character_name(character): number
                for character, number in unusual.most_common(self._examples)
            },
        )


class _Inspector:
    """Collects the statistics of pairs."""

    def __init__(self, source: _Side, target: _Side, examples: int):
        self._source, self._target = source, target
        self._examples = examples
        self._empty_pairs = self._identical = 0
        self._empty_places: list[str] = []
        self._identical_places: list[str] = []
        self._lengths, self._ratios = Counter(), Counter()
        self._duplicates = DuplicateCounter()
        self._longest, self._unbalanced = Largest(examples), Largest(examples)
        self._most_unknown = Largest(examples)

    def inspect(self, pairs: Pairs) -> Inspection:
        source, target = self._source, self._target
        for place, source_line, target_line in pairs.located():
            source_tokens, target_tokens = source.read(source_line), target.read(target_line)
            if source_tokens and target_tokens:
                self._count(place, source_line, target_line, source_tokens, target_tokens)
            else:
                self._empty_pairs += 1
                self._add_place(self._empty_places, place)
        names, lines = (source.path, target.path), (source.lines, target.lines)
        check_line_counts(names, lines, self._empty_pairs)
        return Inspection(
            lines=source.lines,
            empty_sources=source.empty,
            empty_targets=target.empty,
            empty_pairs=self._empty_pairs,
            source=source.report(),
            target=target.report(),
            duplicates=self._duplicates.count(),
            duplicates_are_exact=all(
                duplicates.is_exact
                for duplicates in (self._duplicates, source.duplicates, target.duplicates)
            ),
            identical=self._identical,
            ratios=self._ratios,
            mean_ratio=mean(self._ratios),
            ratio_percentiles={
                percent: percentile(self._ratios, percent / 100) for percent in _RATIO_PERCENTS
            },
            lengths=self._lengths,
            longest=self._longest.items(),
            unbalanced=self._unbalanced.items(),
            most_unknown=self._most_unknown.items(),
            empty_places=self._empty_places,
            identical_places=self._identical_places,
            dropped=dict(pairs.dropped),
        )

    def _count(
        self,
        place: str,
        source_line: str,
        target_line: str,
        source_tokens: list[str],
        target_tokens: list[str],
    ):
        source, target = self._source, self._target
        unknown = source.count(source_line, source_tokens)
        unknown += target.count(target_line, target_tokens)
        sizes = len(source_tokens), len(target_tokens)
        lengths = sizes[0] + 1, sizes[1] + 1
        self._lengths[min(lengths[0], source.max_length), min(lengths[1], target.max_length)] += 1
        self._ratios[float(f"{sizes[1] / sizes[0]:.3g}")] += 1
        self._duplicates.add(source_line, target_line)
        if source_line.strip() == target_line.strip():
            self._identical += 1
            self._add_place(self._identical_places, place)

        def item() -> PairExcerpt:
            return PairExcerpt(place, excerpt(source_line), excerpt(target_line), *lengths, unknown)

        self._longest.offer(max(lengths), item)
        self._unbalanced.offer(max(sizes) / min(sizes), item)
        if unknown:
            self._most_unknown.offer(unknown, item)

    def _add_place(self, places: list[str], place: str):
        if len(places) < self._examples:
            places.append(place)


@dataclass(frozen=True)
class PaddingEstimate:
    """The expected padding of batches.

    Attributes:
        name: What the buckets are, such as "proposed".
        buckets: The boundaries `(source, target)` of the buckets.
        source: The fraction of source positions that are padding, from 0 to 1.
        target: The fraction of target positions that are padding.
    """

    name: str
    buckets: tuple[tuple[int, int], ...]
    source: float
    target: float

    @classmethod
    def of(cls, name: str, batching: Batching, lengths: Mapping[tuple[int, int], int]):
        """Returns the padding of a `Batching`, given the numbers of pairs by their lengths."""
        return cls(name, batching.buckets, *batching.padding(lengths))

    def flag(self) -> str:
        """Returns the buckets as the flag `--buckets`."""
        boundaries = (str(s) if s == t else f"{s}x{t}" for s, t in self.buckets)
        return f"--buckets={','.join(boundaries)}"
