def test_takes_one_of_the_two(run):
    result = run("average", "--model_dir=a", "--output_dir=b", "--last=2", "--best=2")
    assert result.status == 2
    assert result.errors.startswith("keras-seq2seq: error: Give either --last or --best.")


def test_a_directory_without_a_model(run, tmp_path):
    result = run("average", "--model_dir", tmp_path, "--output_dir", tmp_path / "new", "--last=2")
    message = f"{tmp_path}: contains no model (no config.yaml)"
    assert result == (2, "", f"keras-seq2seq: error: {message}\n")
