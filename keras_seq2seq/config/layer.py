"""One source of options."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """Options from one source, which error messages name.

    Args:
        source: the name of the source: a file's path, `--hparams`, `--batch_size`.
        options: nested dict of the options.
        section: the path at which the source's own names start: `("hparams",)` for
            `--hparams`, the whole path for a flag, which sets one option.
    """

    source: str
    options: dict
    section: tuple[str, ...] = ()

    def own_name(self, path: Sequence[str]) -> str:
        """Returns the dotted name of the option at `path` in this source, "" for a flag."""
        return ".".join(path[len(self.section) :])
