import pytest

from keras_seq2seq.building.search import make_search
from keras_seq2seq.config import InferenceOptions
from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import Vocabulary

VOCABULARY = Vocabulary(["a", "b", "c"])


def test_greedy_by_default():
    search = make_search(InferenceOptions(max_decode_length=7, min_length_ratio=0.5), VOCABULARY)
    assert type(search) is GreedySearch
    assert search.constraints.max_length == 7
    assert search.constraints.min_length_ratio == 0.5


def test_a_beam():
    beam = {"beam_width": 3, "length_penalty_weight": 0.6, "coverage_penalty_weight": 0.2}
    options = InferenceOptions(
        beam_search=beam, n_best=2, ban_unk=True, ban=("c",), max_length_ratio=2.0
    )
    search = make_search(options, VOCABULARY, return_tree=True)
    assert type(search) is BeamSearch
    assert (search.width, search.length_penalty, search.coverage_penalty) == (3, 0.6, 0.2)
    assert (search.n_best, search.return_tree) == (2, True)
    assert search.constraints.banned_ids == (0, 1, 2, 6)
    assert search.constraints.max_length_ratio == 2.0


def test_sampling():
    sampling = {"temperature": 0.5, "top_k": 4, "top_p": 0.9, "seed": 3}
    search = make_search(InferenceOptions(sample=True, sampling=sampling, n_best=5), VOCABULARY)
    assert type(search) is SamplingSearch
    assert (search.temperature, search.top_k, search.top_p, search.n_best) == (0.5, 4, 0.9, 5)


def test_a_token_that_is_not_there_cannot_be_banned():
    with pytest.raises(UserError, match='ban: "d" is not in the target vocabulary'):
        make_search(InferenceOptions(ban=("a", "d")), VOCABULARY)
    with pytest.raises(UserError, match="use ban_unk for unknown words"):
        make_search(InferenceOptions(ban=("<unk>",)), VOCABULARY)


def test_only_a_beam_has_a_tree():
    with pytest.raises(UserError, match="the beam search tree needs a beam_width of at least 2"):
        make_search(InferenceOptions(), VOCABULARY, return_tree=True)
