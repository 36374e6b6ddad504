"""Corpus of dates in English and in ISO 8601 format."""

import string
from datetime import date, timedelta
from random import Random

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
    "twenty": "twentieth",
    "thirty": "thirtieth",
}


def number_in_words(number: int) -> str:
    """Returns the words of a number from 0 to 99, such as "forty-two"."""
    if number < 20:
        return _UNITS[number]
    tens, units = divmod(number, 10)
    return f"{_TENS[tens]}-{_UNITS[units]}" if units else _TENS[tens]


def ordinal_in_words(day: int) -> str:
    """Returns the ordinal of a day in words, such as "twenty-third"."""
    head, hyphen, last = number_in_words(day).rpartition("-")
    return f"{head}{hyphen}{_IRREGULAR.get(last, f'{last}th')}"


def ordinal_in_digits(day: int) -> str:
    """Returns the ordinal of a day in digits, such as "23rd"."""
    if day in (11, 12, 13):
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def year_in_words(year: int) -> str:
    """Returns a year from 1900 to 2099 in words.

    Examples: "nineteen hundred", "nineteen oh five", "nineteen ninety-eight", "two thousand",
    "two thousand and nine", "twenty twenty-four".
    """
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return f"two thousand and {number_in_words(rest)}" if rest else "two thousand"
    if rest == 0:
        return f"{number_in_words(century)} hundred"
    if rest < 10:
        return f"{number_in_words(century)} oh {number_in_words(rest)}"
    return f"{number_in_words(century)} {number_in_words(rest)}"


# For 3 March 1998, a Tuesday: {d} 3, {dd} 03, {nth} 3rd, {ordinal} third; {m} 3, {mm} 03,
# {mon} Mar, {month} March; {year} 1998, {year_words} nineteen ninety-eight; {day} Tuesday,
# {ddd} Tue.
DATE_FORMS = (
    "{d} {month} {year}",
    "{d} {month}, {year}",
    "{d}. {month} {year}",
    "{d} {mon} {year}",
    "{d} {mon}. {year}",
    "{dd} {mon} {year}",
    "{d}-{mon}-{year}",
    "{dd}-{mon}-{year}",
    "{d}/{mon}/{year}",
    "{dd}.{mm}.{year}",
    "{d}.{m}.{year}",
    "{month} {d}, {year}",
    "{month} {d} {year}",
    "{mon} {d}, {year}",
    "{mon}. {d}, {year}",
    "{month} {nth}, {year}",
    "{month} {nth} {year}",
    "{month} the {nth}, {year}",
    "{nth} {month} {year}",
    "{nth} of {month} {year}",
    "{nth} of {month}, {year}",
    "the {nth} of {month} {year}",
    "the {nth} of {month}, {year}",
    "{day} {d} {month} {year}",
    "{day}, {d} {month} {year}",
    "{day}, {month} {d}, {year}",
    "{day} the {nth} of {month} {year}",
    "{ddd}, {dd} {mon} {year}",
    "{ddd} {mon} {d} {year}",
    "{year}-{mm}-{dd}",
    "{year}/{mm}/{dd}",
    "{year}.{mm}.{dd}",
    "{year}{mm}{dd}",
    "{year} {month} {d}",
    "{year} {month} {nth}",
    "{year}, {month} {d}",
    "{year} {mon} {dd}",
    "{ordinal} of {month} {year}",
    "the {ordinal} of {month}, {year}",
    "{month} the {ordinal}, {year}",
    "{ordinal} of {month} {year_words}",
    "the {ordinal} of {month}, {year_words}",
    "{month} {ordinal}, {year_words}",
)


def format_date(day: date, form: str) -> str:
    """Formats a date in one of `DATE_FORMS`, with capitalized names."""
    # strftime would use the locale of the machine.
    month, weekday = _MONTHS[day.month - 1], _WEEKDAYS[day.weekday()]
    return form.format(
        d=day.day,
        dd=f"{day.day:02}",
        nth=ordinal_in_digits(day.day),
        ordinal=ordinal_in_words(day.day),
        m=day.month,
        mm=f"{day.month:02}",
        mon=month[:3],
        month=month,
        year=day.year,
        year_words=year_in_words(day.year),
        day=weekday,
        ddd=weekday[:3],
    )


_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)

# One day in 20 is in the dev set, and the tenth day after it in the test set.
_SPLIT_PERIOD = 20
_SPLIT_OF_REMAINDER = {0: "dev", 10: "test"}

_CASES = (str, str.lower, str.upper)

# Letters that do not occur in any form.
_UNUSED_LETTERS = "kqz"


class DatesCorpus:
    """English dates of the years 1900 to 2099, to be converted to ISO 8601.

    "the 3rd of March, 1998", "tuesday, march 3, 1998" and "3-MAR-1998" all become "1998-03-03".
    Each date is written in one of `DATE_FORMS`, in mixed, lower or upper case.

    Whole days are held out, not just ways to write them: no form of a day of the dev or test set
    is in the training set. The held-out days do not depend on the seed. One day in 20 is in the dev
    set, and one in 20 in the test set.

    Tokens are characters, with "▁" for a space.
    """

    source_tokens = (
        "▁",
        *",-./",
        *string.digits,
        *(c for c in string.ascii_uppercase if c.lower() not in _UNUSED_LETTERS),
        *(c for c in string.ascii_lowercase if c not in _UNUSED_LETTERS),
    )
    target_tokens = ("-", *string.digits)

    def draw(self, random: Random, split: str) -> tuple[str, str]:
        """Draws a pair `(source, target)` of a split: "train", "dev" or "test"."""
        day = _draw_day(random)
        while split_of(day) != split:
            day = _draw_day(random)
        write = random.choice(_CASES)
        return write(format_date(day, random.choice(DATE_FORMS))), day.isoformat()


def split_of(day: date) -> str:
    """Returns the split of a day: "train", "dev" or "test"."""
    return _SPLIT_OF_REMAINDER.get((day - FIRST_DAY).days % _SPLIT_PERIOD, "train")


def _draw_day(random: Random) -> date:
    return FIRST_DAY + timedelta(days=random.randint(0, (LAST_DAY - FIRST_DAY).days))
