"""Searches by name, config or object."""

from difflib import get_close_matches

import keras

from keras_seq2seq.decoding.beam_search import BeamSearch
from keras_seq2seq.decoding.search import Search
from keras_seq2seq.decoding.stepwise import GreedySearch, SamplingSearch

SEARCHES = {"greedy": GreedySearch, "beam": BeamSearch, "sampling": SamplingSearch}


def get_search(search):
    """Returns the search that a name, a config or an object stands for, as Keras's `get` functions.

    Args:
        search: A name in `SEARCHES`, which stands for the search with its default arguments; a
            dictionary, as `keras.saving.serialize_keras_object` returns it; or a `Search`.

    Returns:
        The `Search`.

    Raises:
        ValueError: If it is none of these.

    Example:
        >>> get_search("beam").width
        5
    """
    if isinstance(search, str) and search in SEARCHES:
        return SEARCHES[search]()
    if isinstance(search, dict):
        search = keras.saving.deserialize_keras_object(search)
    if isinstance(search, Search):
        return search
    near = get_close_matches(search, SEARCHES, n=1) if isinstance(search, str) else ()
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(
        f"`search` must be one of {', '.join(SEARCHES)}, a search, or the config of one. "
        f"Received: search={search!r}{hint}"
    )
