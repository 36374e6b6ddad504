from keras_seq2seq import demo


def test_directory(run, monkeypatch):
    directories = []
    monkeypatch.setattr(demo, "run_demo", directories.append)
    run("demo")
    run("demo", "elsewhere")
    assert directories == ["keras-seq2seq-demo", "elsewhere"]
