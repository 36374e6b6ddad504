from keras_seq2seq.training.metrics_log import MetricsLog


def test_records_survive(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append({"step": 10, "dev_loss": 2.0})
    log.append({"step": 20, "dev_loss": 1.0})
    assert (tmp_path / "metrics.jsonl").read_text().count("\n") == 2
    assert MetricsLog(tmp_path / "metrics.jsonl").records == log.records


def test_forgets_what_came_after_the_checkpoint(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in (10, 20, 30):
        log.append({"step": step, "dev_loss": 1.0})
    log.forget_after(20)
    assert [record["step"] for record in MetricsLog(log.path).records] == [10, 20]


def test_tells_the_best_in_either_direction(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    best = []
    for step, (loss, bleu) in enumerate([(2.0, 10.0), (1.0, 9.0), (1.0, 12.0)]):
        log.append({"step": step, "dev_loss": loss, "dev_bleu": bleu})
        best.append((log.is_best("dev_loss", True), log.is_best("dev_bleu", False)))
    assert best == [(True, True), (True, False), (False, True)]
