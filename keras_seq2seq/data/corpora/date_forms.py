"""The ways of writing a date that the dates corpus knows.

Each form says which date is meant without a doubt. So a day and a month in digits stand only in
the orders that have one reading (year first, or day first between dots), and years have four
digits.
"""

from datetime import date

from keras_seq2seq.data.corpora.number_words import (
    ordinal_in_digits,
    ordinal_in_words,
    year_in_words,
)

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
    """Writes a date in one of `DATE_FORMS`, names capitalised as in English."""
    # Not strftime: it writes names in the language of the machine.
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
