import pytest

from keras_seq2seq.data.corpora.number_words import (
    number_in_words,
    ordinal_in_digits,
    ordinal_in_words,
    year_in_words,
)

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
