from datetime import date, timedelta
from random import Random

import pytest

from keras_seq2seq.data.character_tokenizer import CharacterTokenizer
from keras_seq2seq.data.corpora.date_forms import DATE_FORMS, format_date
from keras_seq2seq.data.corpora.dates_corpus import FIRST_DAY, LAST_DAY, DatesCorpus, split_of

# Years whose names or digits are most easily taken for one another.
YEARS = (1900, 1901, 1910, 1911, 1920, 2000, 2001, 2010, 2011, 2020, 2021, 2099)


def days_of(years):
    for year in years:
        day = date(year, 1, 1)
        while day.year == year:
            yield day
            day += timedelta(days=1)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("the {nth} of {month}, {year}", "the 3rd of March, 1998"),
        ("{day} {d} {month} {year}", "Tuesday 3 March 1998"),
        ("{ddd}, {dd} {mon} {year}", "Tue, 03 Mar 1998"),
        ("{dd}.{mm}.{year}", "03.03.1998"),
        ("{d}.{m}.{year}", "3.3.1998"),
        ("{d}/{mon}/{year}", "3/Mar/1998"),
        ("{year} {month} {nth}", "1998 March 3rd"),
        ("{ordinal} of {month} {year_words}", "third of March nineteen ninety-eight"),
        ("{year}-{mm}-{dd}", "1998-03-03"),
    ],
)
def test_forms(form, expected):
    assert form in DATE_FORMS
    assert format_date(date(1998, 3, 3), form) == expected


def test_at_least_twenty_different_forms():
    assert len({format_date(date(1998, 3, 23), form) for form in DATE_FORMS}) >= 20


def test_no_source_has_two_targets():
    targets = {}
    for day in days_of(YEARS):
        for form in DATE_FORMS:
            assert targets.setdefault(format_date(day, form).lower(), day) == day


def test_vocabulary_holds_what_occurs_and_no_more():
    # Every day of one year, for the days, months and weekdays; one day of each, for the years.
    days = [*days_of([1998]), *(date(year, 5, 1) for year in range(1900, 2100))]
    written = "".join(format_date(day, form) for day in days for form in DATE_FORMS)
    characters = set(CharacterTokenizer().split(written + written.upper() + written.lower()))
    assert characters == set(DatesCorpus.source_tokens)
    assert len(DatesCorpus.source_tokens) == len(characters)
    assert set(DatesCorpus.target_tokens) == set("0123456789-")


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_draws_days_of_the_split(split):
    random = Random(1)
    corpus = DatesCorpus()
    pairs = [corpus.draw(random, split) for _ in range(500)]
    days = [date.fromisoformat(target) for _, target in pairs]
    assert {split_of(day) for day in days} == {split}
    assert {source == source.lower() for source, _ in pairs} == {True, False}
    assert min(days).year < 1910 and max(days).year > 2089


def test_splits_hold_out_one_day_in_twenty():
    total = (LAST_DAY - FIRST_DAY).days + 1
    splits = [split_of(FIRST_DAY + timedelta(days=n)) for n in range(total)]
    assert splits.count("dev") == pytest.approx(total / 20, abs=1)
    assert splits.count("test") == pytest.approx(total / 20, abs=1)
