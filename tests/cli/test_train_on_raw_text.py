"""One command for raw text, from the files to translations."""

import random

import pytest

ANIMALS = "The cat,A dog,The horse,My bird".split(",")
PLACES = "in the house,on a tree,near the river,at home".split(",")


@pytest.fixture
def table(tmp_path):
    draw = random.Random(1)
    rows = set()
    while len(rows) < 120:
        animals = " and ".join(draw.choices(ANIMALS, k=2))
        rows.add(f"{animals} sleeps {draw.choice(PLACES)}, {draw.randint(1, 99)} times.")
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{row}\t{row.upper()}\n" for row in sorted(rows)))
    return path


def test_from_a_table_to_translations(run, table, tmp_path):
    model = str(tmp_path / "model")
    command = [
        "train",
        f"--train_data={table}",
        "--joint_vocabulary",
        f"--output_dir={model}",
        "--train_steps=2",
        "--hparams=rnn_cell.num_units=8,embedding.dim=8,attention.dim=8,"
        "inference.max_decode_length=20",
    ]
    result = run(*command, "--dry_run")
    assert result.status == 0
    assert "joint_vocabulary: true" in result.output
    assert "share: true" in result.output
    result = run(*command)
    assert result.status == 0, result.errors
    assert "dev: drew 6 pairs from the training text with --seed 1" in result.errors
    assert "source and target: sentencepiece tokenizer for raw text, " in result.errors
    result = run("translate", "--model_dir", model, stdin=b"The cat sleeps at home.\n\n")
    assert result.status == 0
    assert result.output.count("\n") == 2
    result = run(
        *["evaluate", "--model_dir", model, "--metrics", "bleu"],
        *["--source", f"{model}/dev.source", "--target", f"{model}/dev.target"],
    )
    assert result.status == 0, result.errors
    assert "BLEU" in result.output + result.errors
