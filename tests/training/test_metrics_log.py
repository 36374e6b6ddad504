from keras_seq2seq.training.metrics_log import MetricsLog


def test_records_survive(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append({"step": 10, "dev_loss": 2.0})
    log.append({"step": 20, "dev_loss": 1.0})
    assert (tmp_path / "metrics.jsonl").read_text().count("\n") == 2
    assert MetricsLog(tmp_path / "metrics.jsonl").records == log.records


def test_is_set_back_to_the_records_of_a_checkpoint(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in (10, 20, 30):
        log.append({"step": step, "dev_loss": 1 / 3})
    log.reset(log.records[:2])
    assert [record["step"] for record in MetricsLog(log.path).records] == [10, 20]


def test_a_crash_of_the_machine_may_leave_half_a_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 10}\n{"step": 2')
    assert MetricsLog(path).records == [{"step": 10}]
