import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import Objective


@pytest.mark.parametrize(
    ("name", "best_metric", "lower_is_better"),
    [
        ("dev_loss", "loss", True),
        ("dev_perplexity", "loss", True),
        ("dev_bleu", "bleu", False),
        ("dev_ter", "ter", True),
        ("dev_exact_match", "exact_match", False),
    ],
)
def test_the_metric_determines_the_direction(name, best_metric, lower_is_better):
    objective = Objective.parse(name)
    assert (objective.best_metric, objective.lower_is_better) == (best_metric, lower_is_better)
    assert objective.to_keras_tuner().direction == ("min" if lower_is_better else "max")
    records = [{name: 2.0}, {name: 1.0}, {name: 3.0}]
    assert objective.best(records) == (1.0 if lower_is_better else 3.0)
    assert objective.best([]) is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("dev_blue", "did you mean dev_bleu"),
        ("bleu", "did you mean dev_bleu"),
        ("speed_of_light", "choose from .*dev_loss"),
    ],
)
def test_unknown_objectives_are_errors_with_suggestions(name, hint):
    with pytest.raises(UserError, match=f'--objective: unknown objective "{name}".*{hint}'):
        Objective.parse(name)
