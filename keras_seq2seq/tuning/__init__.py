"""Hyperparameter search with KerasTuner."""

from keras_seq2seq.tuning.hyper_model import Seq2SeqHyperModel
from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.report import write_report
from keras_seq2seq.tuning.run import SearchResult, run_search
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.search_plan import SearchPlan, prepare_search
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.space_file import load_space, parse_space
from keras_seq2seq.tuning.trial_record import TrialRecord
from keras_seq2seq.tuning.trial_table import print_trials

__all__ = [
    "Objective",
    "SearchDirectory",
    "SearchPlan",
    "SearchResult",
    "SearchSpace",
    "Seq2SeqHyperModel",
    "TrialRecord",
    "load_space",
    "parse_space",
    "prepare_search",
    "print_trials",
    "run_search",
    "write_report",
]
