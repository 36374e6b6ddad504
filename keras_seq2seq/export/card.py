"""The model card of an exported model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_seq2seq import __version__
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.runtime import ExportedModel

if TYPE_CHECKING:
    from keras_seq2seq.export.directory import Agreement

_USAGE = """
## Use

```shell
pip install numpy ai-edge-litert sentencepiece
pip install --no-deps keras-seq2seq
```

```python
from keras_seq2seq.runtime import Translator

translator = Translator("path/of/this/directory")
translator("text")
```
"""


def write_card(directory: ExportedModel, facts: Mapping[str, Any], agreement: "Agreement | None"):
    """Writes `README.md`.

    Args:
        directory: The exported model, complete except for its card.
        facts: Facts about the model: names and values.
        agreement: The comparison with the original model, or `None` if there was none.
    """
    options = directory.load_options()
    size = sum(file.stat().st_size for file in directory.path.iterdir())
    rows = {
        **facts,
        "search": f"{options.search}, up to {options.max_length} tokens",
        "weights": {"none": "float32"}.get(options.quantize, options.quantize),
        "size": f"{size / 1e6:.1f} MB",
        "exported by": f"keras-seq2seq {__version__}",
        "compared with the original": describe_agreement(agreement),
    }
    with atomic_file(directory.card_path) as file:
        file.write("# Exported keras-seq2seq model\n\n| | |\n|---|---|\n")
        for name, value in rows.items():
            file.write(f"| {_cell(name)} | {_cell(value)} |\n")
        file.write(_USAGE)


def describe_agreement(agreement: "Agreement | None") -> str:
    """Returns a comparison as text."""
    if agreement is None:
        return "no"
    return (
        f"{agreement.equal:,} of {agreement.lines:,} translations equal, scores of equal ones "
        f"within {agreement.largest_difference:.1e}"
    )


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
