import io
import json
import re

import numpy as np
import pytest
from harness.browser import console_of, open_browser

from keras_seq2seq.config import resolve_config
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import (
    Objective,
    SearchDirectory,
    SearchPlan,
    TrialRecord,
    parse_space,
    print_trials,
    write_report,
)
from keras_seq2seq.tuning.report import option_importance
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, RUNNING

SPACE = {
    "optimizer.learning_rate": {"log": [1e-4, 1e-1]},
    "batch_size": {"choice": [16, 32, 64]},
    "rnn_cell.type": {"choice": ["GRUCell", "LSTMCell"]},
    "rnn_cell.num_layers": {"range": [1, 3]},
    "rnn_cell.residual_connections": {
        "choice": [True, False],
        "when": {"rnn_cell.num_layers": [2, 3]},
    },
}
# For the importance of options.
IMPORTANCE_SPACE = parse_space(
    {
        "optimizer.learning_rate": {"log": [1e-4, 1e-1]},
        "batch_size": {"choice": [8, 16, 32]},
        "source.reverse": {"choice": [True, False]},
    }
)


def make_record(number, rng):
    layers = int(rng.integers(1, 4))
    values = {
        "optimizer.learning_rate": float(f"{10 ** rng.uniform(-4, -1):.4g}"),
        "batch_size": int(rng.choice([16, 32, 64])),
        "rnn_cell.type": str(rng.choice(["GRUCell", "LSTMCell"])),
        "rnn_cell.num_layers": layers,
    }
    if layers > 1:
        values["rnn_cell.residual_connections"] = bool(rng.choice([True, False]))
    off = np.log10(values["optimizer.learning_rate"]) + 2.4
    bleu = 34 - 9 * off**2 - 2 * (layers == 3) + float(rng.normal(0, 0.7))
    return TrialRecord(
        f"{number:04}", values, 9, status=COMPLETED, objective=bleu, seconds=100.0 + number
    )


@pytest.fixture
def write_search(tmp_path):
    """Writes the files of a search without running it."""

    def write(count=30):
        plan = SearchPlan(
            resolve_config(),
            parse_space(SPACE),
            Objective.parse("dev_bleu"),
            SearchDirectory(tmp_path / "search"),
            max_epochs=9,
        )
        plan.save()
        rng = np.random.default_rng(7)
        records = [make_record(number, rng) for number in range(count)]
        if count > 5:
            records[3] = records[3].changed(
                status=FAILED, message="the loss is nan </script><b>", objective=None
            )
            records[-1] = records[-1].changed(status=RUNNING, objective=None)
        for record in records:
            record.save(plan.directory.trial_path(record.trial))
        return plan.directory, records

    return write


def data_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r"^const data = (.*);$", text, re.MULTILINE).group(1))


def test_the_page_contains_all_trials_and_is_self_contained(write_search):
    directory, records = write_search()
    page = write_report(directory.path)
    assert page == directory.report_path
    data = data_of(page)
    assert [trial["objective"] for trial in data["trials"]] == [r.objective for r in records]
    assert data["trials"][3]["message"] == "the loss is nan </script><b>"
    assert data["lowerIsBetter"] is False
    assert data["importance"][0][0] == "optimizer.learning_rate"
    marks = {option["name"]: option["marks"] for option in data["options"]}
    assert marks["batch_size"] == [[0.0, "16"], [0.5, "32"], [1.0, "64"]]
    assert marks["optimizer.learning_rate"] == [[0.0, "0.0001"], [0.5, "0.003162"], [1.0, "0.1"]]
    text = page.read_text(encoding="utf-8")
    assert text.count("</script>") == 1
    assert not re.search(r"(src|href)=|url\(|https?://(?!www\.w3\.org)", text)


def test_a_browser_shows_all_trials(write_search):
    directory, records = write_search()
    page = write_report(directory.path)
    best = max((r for r in records if r.status == COMPLETED), key=lambda r: r.objective)
    with open_browser(1300, 1300) as driver:
        driver.get(page.as_uri())
        assert console_of(driver) == []
        count = "return document.querySelectorAll(arguments[0]).length"
        assert driver.execute_script(count, "#history .dot") == 30
        assert driver.execute_script(count, "#parallel path.trial") == 28
        assert driver.execute_script(count, "#trials tbody tr") == 30
        assert driver.execute_script(count, "#importance rect") == 5
        first = "return document.querySelector('#trials tbody tr').textContent"
        assert driver.execute_script(first).startswith(best.trial)
        driver.execute_script("document.querySelector('#trials th button').click()")
        assert driver.execute_script(first).startswith("0000")
        driver.execute_script(
            "document.querySelector('#parallel path.trial')"
            ".dispatchEvent(new Event('pointerenter'))"
        )
        assert driver.execute_script(count, "#trials tr.on") == 1


@pytest.mark.parametrize("width", [700, 1400])
def test_labels_are_readable(write_search, width):
    directory, _ = write_search()
    page = write_report(directory.path)
    boxes = (
        "return [...document.querySelectorAll(arguments[0])].map((node) => {"
        "const { left, top, right, bottom } = node.getBoundingClientRect();"
        "return [left, top, right, bottom]; })"
    )
    with open_browser(width, 1300) as driver:
        driver.get(page.as_uri())
        assert driver.title == "Hyperparameter search: search"
        titles = driver.find_elements("css selector", "#history .title")
        assert [title.text for title in titles] == ["dev_bleu (higher is better)", "Trial"]
        names = "".join(t.text for t in driver.find_elements("css selector", "#parallel .title"))
        assert names == "".join(SPACE) + "dev_bleu"
        titles = driver.execute_script(boxes, "#parallel .title")
        for i, (left, top, right, bottom) in enumerate(titles):
            assert 0 <= left and right <= width and bottom - top >= 12
            for left2, top2, right2, bottom2 in titles[:i]:
                # Lines of a name may touch.
                assert right <= left2 or right2 <= left or bottom <= top2 + 2 or bottom2 <= top + 2
        (left, _, right, _), *_ = driver.execute_script(boxes, "#history svg")
        assert 0 <= left and right <= width


@pytest.mark.parametrize("count", [0, 1])
def test_a_search_without_results_has_a_page(write_search, count):
    directory, _ = write_search(count)
    page = write_report(directory.path)
    assert len(data_of(page)["trials"]) == count
    with open_browser() as driver:
        driver.get(page.as_uri())
        assert console_of(driver) == []


def test_without_a_search_there_is_no_page(tmp_path):
    with pytest.raises(UserError, match="contains no search"):
        write_report(tmp_path)


def make_records(objective, count=40, units=lambda number: 9):
    rng = np.random.default_rng(1)
    records = []
    for number in range(count):
        values = {
            "optimizer.learning_rate": float(10 ** rng.uniform(-4, -1)),
            "batch_size": int(rng.choice([8, 16, 32])),
            "source.reverse": bool(rng.choice([True, False])),
        }
        value = objective(values, units(number))
        records.append(
            TrialRecord(str(number), values, units=units(number), status=COMPLETED, objective=value)
        )
    return records


@pytest.mark.parametrize("name", ["dev_loss", "dev_bleu"])
def test_finds_the_most_important_option(name):
    records = make_records(lambda values, _: abs(np.log10(values["optimizer.learning_rate"]) + 2.5))
    shares = option_importance(records, IMPORTANCE_SPACE, Objective.parse(name))
    assert list(shares)[0] == "optimizer.learning_rate"
    assert shares["optimizer.learning_rate"] > 0.85
    assert sum(shares.values()) == pytest.approx(1)


def test_booleans_can_be_important():
    records = make_records(lambda values, _: 1.0 if values["source.reverse"] else 2.0)
    assert list(option_importance(records, IMPORTANCE_SPACE, Objective.parse("dev_loss")))[0] == (
        "source.reverse"
    )


def test_the_effect_of_long_training_is_not_attributed_to_options():
    records = make_records(lambda values, units: 1 / units, units=lambda number: 3 ** (number % 3))
    shares = option_importance(records, IMPORTANCE_SPACE, Objective.parse("dev_loss"))
    assert list(shares)[0] == "length of training"
    assert shares["length of training"] > 0.85


def test_too_few_trials_have_no_importance():
    objective = Objective.parse("dev_loss")
    records = make_records(lambda values, _: values["optimizer.learning_rate"])
    failed = [record.changed(status=FAILED) for record in records[5:]]
    assert option_importance(records[:5] + failed, IMPORTANCE_SPACE, objective) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"unknown": 1},
        {"batch_size": "16"},
        {"batch_size": 17},
        {"optimizer.learning_rate": None},
        {"optimizer.learning_rate": 0},
        {"optimizer.learning_rate": []},
    ],
)
def test_trials_with_foreign_values_are_left_out(write_search, values):
    directory, records = write_search()
    records[5].changed(values=values).save(directory.trial_path(records[5].trial))
    trials = [trial["trial"] for trial in data_of(write_report(directory.path))["trials"]]
    assert trials == [record.trial for record in records if record is not records[5]]
    print_trials(directory.path, io.StringIO())


def test_a_message_may_name_a_file_that_is_not_utf8(write_search):
    directory, records = write_search()
    message = "x\udcff: no such file"
    records[3].changed(message=message).save(directory.trial_path(records[3].trial))
    assert directory.records()[3].message == message
    assert data_of(write_report(directory.path))["trials"][3]["message"] == message


@pytest.mark.parametrize(
    "line",
    [
        "config: 3",
        "config: [1]",
        "space: []",
        "objective: [1]",
        "tuner: []",
        "tuner: other",
        "max_trials: x",
        "keep_trials: 0",
        "budget_minutes: null",
        "text: 1",
        "resume: never",
        "directory: x",
    ],
)
def test_a_damaged_search_is_one_line(write_search, line):
    directory, _ = write_search(0)
    name = line.partition(":")[0]
    text = directory.search_path.read_text(encoding="utf-8")
    text = re.sub(rf"^{name}:.*\n( .*\n|-.*\n)*", "", text, flags=re.MULTILINE)
    directory.search_path.write_text(f"{text}{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match="search.yaml: ") as error:
        write_report(directory.path)
    assert "\n" not in str(error.value)
