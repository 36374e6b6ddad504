"""Days and years in English words."""

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
    """Writes a number from 0 to 99: 42 is "forty-two"."""
    if number < 20:
        return _UNITS[number]
    tens, units = divmod(number, 10)
    return f"{_TENS[tens]}-{_UNITS[units]}" if units else _TENS[tens]


def ordinal_in_words(day: int) -> str:
    """Writes the number of a day: 23 is "twenty-third"."""
    head, hyphen, last = number_in_words(day).rpartition("-")
    return f"{head}{hyphen}{_IRREGULAR.get(last, f'{last}th')}"


def ordinal_in_digits(day: int) -> str:
    """Writes the number of a day: 23 is "23rd"."""
    if day in (11, 12, 13):
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def year_in_words(year: int) -> str:
    """Writes a year from 1900 to 2099 as it is read.

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
