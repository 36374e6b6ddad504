"""Creation of a search from the options `inference.*`."""

import keras

from keras_seq2seq.config import InferenceOptions
from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch, Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.special_tokens import UNKNOWN_ID
from keras_seq2seq.text import Vocabulary


def make_search(
    options: InferenceOptions, target_vocabulary: Vocabulary, return_tree: bool = False
) -> Search:
    """Returns the search of the options `inference.*`.

    Args:
        options: The options.
        target_vocabulary: The target vocabulary, which must contain the banned tokens.
        return_tree: Whether to return the hypotheses of all steps too, see `BeamSearch`.

    Raises:
        UserError: If a banned token is not in the vocabulary, or if `return_tree` is requested
            without beam search.
    """
    beam, sampling = options.beam_search, options.sampling
    has_beam = beam.beam_width > 1 and not options.sample
    if return_tree and not has_beam:
        raise UserError("the beam search tree needs a beam_width of at least 2 and no sample")
    constraints = {
        "max_length": options.max_decode_length,
        "max_length_ratio": options.max_length_ratio,
        "min_length": options.min_length,
        "min_length_ratio": options.min_length_ratio,
        "banned_ids": _banned_ids(options, target_vocabulary),
        "no_repeat_ngram_size": options.no_repeat_ngram_size,
    }
    if options.sample:
        return SamplingSearch(
            n_best=options.n_best,
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            # Draws differ between batches, but not between runs.
            seed=keras.random.SeedGenerator(sampling.seed),
            **constraints,
        )
    if has_beam:
        return BeamSearch(
            width=beam.beam_width,
            length_penalty=beam.length_penalty_weight,
            coverage_penalty=beam.coverage_penalty_weight,
            n_best=min(options.n_best, beam.beam_width),
            return_tree=return_tree,
            **constraints,
        )
    return GreedySearch(**constraints)


def _banned_ids(options: InferenceOptions, target_vocabulary: Vocabulary) -> list[int]:
    for token in options.ban:
        if token not in target_vocabulary:
            raise UserError(
                f'ban: "{token}" is not in the target vocabulary, so it is never generated'
                + ("; use ban_unk for unknown words" if token == "<unk>" else "")
            )
    unknown = [UNKNOWN_ID] if options.ban_unk else []
    return [*unknown, *target_vocabulary.to_ids(options.ban)]
