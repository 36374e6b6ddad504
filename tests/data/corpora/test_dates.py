from datetime import date, timedelta
from random import Random

import pytest

from keras_seq2seq.data.corpora.dates import (
    DATE_FORMS,
    FIRST_DAY,
    LAST_DAY,
    DatesCorpus,
    format_date,
    number_in_words,
    ordinal_in_digits,
    ordinal_in_words,
    split_of,
    year_in_words,
)
from keras_seq2seq.text.tokenizers import CharacterTokenizer

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


ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first "
    "twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh "
    "twenty-eighth twenty-ninth thirtieth thirty-first"
).split()
DIGITS = (
    "1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th 11th 12th 13th 14th 15th 16th 17th 18th 19th 20th "
    "21st 22nd 23rd 24th 25th 26th 27th 28th 29th 30th 31st"
).split()


def test_ordinals():
    assert [ordinal_in_words(day) for day in range(1, 32)] == ORDINALS
    assert [ordinal_in_digits(day) for day in range(1, 32)] == DIGITS


@pytest.mark.parametrize(
    ("number", "words"), [(7, "seven"), (19, "nineteen"), (40, "forty"), (98, "ninety-eight")]
)
def test_numbers(number, words):
    assert number_in_words(number) == words


@pytest.mark.parametrize(
    ("year", "words"),
    [
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (1910, "nineteen ten"),
        (1998, "nineteen ninety-eight"),
        (2000, "two thousand"),
        (2009, "two thousand and nine"),
        (2010, "twenty ten"),
        (2024, "twenty twenty-four"),
        (2090, "twenty ninety"),
    ],
)
def test_years(year, words):
    assert year_in_words(year) == words


def test_years_differ():
    assert len({year_in_words(year) for year in range(1900, 2100)}) == 200
