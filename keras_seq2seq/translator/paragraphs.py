"""Translation of paragraphs, sentence by sentence."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from keras_seq2seq.translator.text_translator import TooLongError
from keras_seq2seq.translator.translation import Hypothesis, Translation

# A period after one of these words does not end a sentence. Words that are often at the end of a
# sentence, such as "etc.", are not included.
ABBREVIATIONS = frozenset(
    # English
    "adm approx capt cf col dept dr e.g eds esp fig gen gov hon i.e lt maj messrs mr mrs ms no nos "
    "pp prof rep rev sen sgt st vol vs "
    # German
    "bzw ca d.h dipl evtl ggf hr hrsg ing nr sog str u.a vgl z.b "
    # French, Spanish, Italian, Portuguese
    "av mme mlle dott sig sra srta".split()
)

_CLOSING = r"""["'”’»)\]]*"""
_OPENING = r"""["'“‘«„(\[¿¡]*"""

# The end of a sentence, and the first character of the next one. A match only starts at the
# beginning of a run of marks, so that the time is linear in the length of the text.
_SPACED_END = re.compile(
    rf"""(?<![.!?…؟।])[.!?…؟।]+{_CLOSING}\s+(?={_OPENING}([^\s.!?…؟।,;:"'”’»)\]]))"""
)

# Chinese and Japanese have no spaces between sentences.
_UNSPACED_END = re.compile(r"[。！？]+[」』”’）)]*\s*")


def split_sentences(text: str) -> list[str]:
    """Splits a paragraph into sentences.

    A sentence ends with `.`, `!`, `?` or a similar mark, followed by whitespace and anything but a
    lowercase letter or a closing mark, or with `。`, `！` or `？`. A period does not end a sentence
    after one of `ABBREVIATIONS`, after a single letter ("J. Smith") or after a number of one or two
    digits ("am 3. Mai").

    Args:
        text: The paragraph.

    Returns:
        A list of sentences without leading or trailing whitespace, which is empty if the text is.

    Example:
        >>> split_sentences('"Wait!" said Dr. Smith. He left.')
        ['"Wait!" said Dr. Smith.', 'He left.']
    """
    ends = [match.end() for match in _UNSPACED_END.finditer(text)]
    ends += [match.end() for match in _SPACED_END.finditer(text) if _ends_sentence(text, match)]
    bounds = [0, *sorted(ends), len(text)]
    sentences = (text[start:end].strip() for start, end in zip(bounds, bounds[1:], strict=False))
    return [sentence for sentence in sentences if sentence]


def _ends_sentence(text: str, match: re.Match) -> bool:
    if match[1].islower():
        return False
    if not match[0].startswith(".") or match[0].startswith(".."):
        return True
    # Only the end of a very long word matters.
    before = text[max(0, match.start() - 40) : match.start()].split()
    word = before[-1].lstrip("\"'“‘«„([¿¡") if before else ""
    is_initial = len(word) == 1 and word.isalpha()
    is_ordinal = len(word) <= 2 and word.isdigit()
    return not (is_initial or is_ordinal or word.lower() in ABBREVIATIONS)


def translate_paragraphs(
    translate: Callable[[Iterable[str]], Iterator[Translation]], paragraphs: Iterable[str]
) -> Iterator[Translation]:
    """Translates paragraphs sentence by sentence.

    Args:
        translate: A function that translates a stream of sentences, such as `Translator.stream`.
        paragraphs: The paragraphs.

    Yields:
        A `Translation` of each paragraph with one hypothesis, which consists of the best
        translations of its sentences: texts are joined with spaces, tokens are concatenated, and
        scores are added up. It has no attention weights and no beam search tree.

    Raises:
        UserError: If a sentence has too many tokens. The message includes the number of the
            paragraph.

    Example:
        >>> translations = translate_paragraphs(translator.stream, ["Ein Mann. Ein Hund."])
        >>> next(translations).text
        'A man. A dog.'
    """
    counts: deque[int] = deque()
    number = 0

    def sentences() -> Iterator[str]:
        nonlocal number
        for paragraph in paragraphs:
            number += 1
            parts = split_sentences(paragraph) or [""]
            counts.append(len(parts))
            yield from parts

    translations = translate(sentences())
    try:
        for first in translations:
            yield _join([first, *islice(translations, counts.popleft() - 1)])
    except TooLongError as error:
        # Of the sentences that have been read, the last one is too long.
        raise TooLongError(f"a {error.name} in line", number, error.problem) from None


def _join(translations: list[Translation]) -> Translation:
    best = [translation.best for translation in translations]
    text = ""
    for hypothesis in best:
        separator = "" if not text or text.endswith(("。", "！", "？")) else " "
        text += separator + hypothesis.text if hypothesis.text else ""
    has_scores = best[0].score is not None
    joined = Hypothesis(
        text,
        [token for hypothesis in best for token in hypothesis.tokens],
        sum(hypothesis.score for hypothesis in best) if has_scores else None,
        [score for hypothesis in best for score in hypothesis.token_scores] if has_scores else None,
        ids=tuple(id_ for hypothesis in best for id_ in hypothesis.ids),
        truncated=any(hypothesis.truncated for hypothesis in best),
    )
    tokens = [token for translation in translations for token in translation.source_tokens]
    return Translation(tokens, [joined])
