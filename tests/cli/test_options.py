from keras_seq2seq.cli.translate import translate
from keras_seq2seq.config import DECODING_OPTIONS

OWN = {"model_dirs", "source", "output", "batch_size", "interactive", "prefix", "unk_mapping"}
OWN |= {"output_format", "scores", "attention", "attention_dir", "beam_dir"}


def test_every_option_of_decoding_has_a_flag():
    assert {option.name for option in translate.params} - OWN == DECODING_OPTIONS.keys()
