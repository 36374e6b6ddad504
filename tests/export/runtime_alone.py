"""Translates with an exported model where only the packages of the runtime are installed.

`tox -e runtime` runs this with a Python that has TensorFlow and with one that does not:

    python tests/export/runtime_alone.py write DIR
    python tests/export/runtime_alone.py check DIR
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

LINES = ["Der Mann schläft.", "", "福 is not 10:30?"]
MISSING = ("keras", "tensorflow", "tensorflow_text", "pydantic", "matplotlib", "rich")


def write(directory: Path):
    """Writes an exported model of SentencePiece pieces, and its translations."""
    from keras_seq2seq import AttentionSeq2Seq, BeamSearch, SentencePieceTokenizer, Translator

    tokenizer = SentencePieceTokenizer.build([*LINES, "Er liest's um 10:30 Uhr."], 285)
    size = tokenizer.vocabulary_size()
    model = AttentionSeq2Seq(size, size, num_units=8)
    translator = Translator(model, tokenizer, tokenizer, search=BeamSearch(2))
    translator.export(directory / "exported", check_lines=LINES)
    (directory / "expected.json").write_text(json.dumps(translator(LINES)), encoding="utf-8")


def check(directory: Path):
    """Translates with Python and the command, and compares."""
    found = [name for name in MISSING if importlib.util.find_spec(name)]
    if found:
        sys.exit(f"this environment has {', '.join(found)}")
    from keras_seq2seq.runtime import Translator

    expected = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    if Translator(directory / "exported")(LINES) != expected:
        sys.exit("the translations differ")
    command = [sys.executable, "-m", "keras_seq2seq", "translate"]
    process = subprocess.run(
        [*command, "--model_dir", directory / "exported", "--beam_dir", directory / "beams"],
        input="\n".join(LINES),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    if process.stdout.splitlines() != expected:
        sys.exit("the translations of the command differ")
    if not (directory / "beams" / "000001.html").exists():
        sys.exit("the pages of beam searches are missing")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](Path(sys.argv[2]))
