"""Dates as people write them, and in ISO 8601."""

import string
from datetime import date, timedelta
from random import Random

from keras_seq2seq.data.corpora.date_forms import DATE_FORMS, format_date

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)

# Every 20th day from the first one on is kept for the dev set, the tenth after each for the test
# set.
_SPLIT_PERIOD = 20
_SPLIT_OF_REMAINDER = {0: "dev", 10: "test"}

_CASES = (str, str.lower, str.upper)

# No form has a word with these letters.
_UNUSED_LETTERS = "kqz"


class DatesCorpus:
    """English dates of the years 1900 to 2099, to be written in ISO 8601.

    "the 3rd of March, 1998", "tuesday, march 3, 1998" and "3-MAR-1998" all become "1998-03-03".
    A date is written in any of `DATE_FORMS`, as English has it, in lower case or in upper case.

    Held out are whole days, not only ways to write them: a day of the dev or test set is in no
    form in the training set, and which days these are is the same for each seed. One day in 20
    is in the dev set, one in the test set.

    Tokens are characters, "▁" standing for the blank.
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
        """Draws a pair `(source, target)` with a day of one split: "train", "dev" or "test"."""
        day = _draw_day(random)
        while split_of(day) != split:
            day = _draw_day(random)
        write = random.choice(_CASES)
        return write(format_date(day, random.choice(DATE_FORMS))), day.isoformat()


def split_of(day: date) -> str:
    """The split that a day belongs to: "train", "dev" or "test"."""
    return _SPLIT_OF_REMAINDER.get((day - FIRST_DAY).days % _SPLIT_PERIOD, "train")


def _draw_day(random: Random) -> date:
    return FIRST_DAY + timedelta(days=random.randint(0, (LAST_DAY - FIRST_DAY).days))
