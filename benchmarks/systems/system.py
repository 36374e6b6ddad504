"""What the benchmark asks of every system that it compares."""

import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from measuring import Reading, run, watch

from systems.corpus import Corpus


@dataclass(frozen=True)
class Shape:
    """Model M256 and how it is trained: a GRU encoder of one bidirectional layer, a GRU decoder
    of one layer with Bahdanau attention and input feeding, and Adam at a constant rate.

    Attributes:
        encoder_units: Units of each direction of the encoder.
        units: Units of decoder and attention, and size of the embeddings.
        batch_size: Sentences in a batch.
        dropout: Rate of dropout, wherever the system applies it.
        learning_rate: Adam's.
        clip: Largest global norm of the gradients.
    """

    encoder_units: int = 256
    units: int = 256
    batch_size: int = 64
    dropout: float = 0.2
    learning_rate: float = 1e-3
    clip: float = 1.0


M256 = Shape()
# Where encoder and decoder have to be of one size, both directions together.
M256_NARROW_ENCODER = replace(M256, encoder_units=128)


class System(ABC):
    """A system in a virtual environment of its own, run by its own commands.

    Args:
        corpus: What it is trained on.
        work_dir: Where environments, configurations, models and logs go.
        threads: Threads it may use.
        python: The interpreter to make its environment with.
    """

    name: str
    """As it stands in the tables."""
    environment: str
    """Folder of the virtual environment."""
    model_of: str | None = None
    """The environment of the system whose model it translates with, where that is another's."""
    shape = M256
    deviation = ""
    """What the system does otherwise than the others."""

    def __init__(self, corpus: Corpus, work_dir: Path, threads: int, python: str = sys.executable):
        self.corpus = corpus
        self.threads = threads
        self.python = python
        self.venv = work_dir / self.environment
        self.model_dir = work_dir / "models" / (self.model_of or self.environment)
        self.log = work_dir / "logs" / f"{self.environment}.log"
        for folder in (self.model_dir.parent, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)

    def install(self):
        """Makes the virtual environment, unless it is there already."""
        ready = self.venv / "ready"
        if ready.exists():
            return
        run([self.python, "-m", "venv", self.venv], self.log)
        for requirements in self.requirements:
            run([self.venv / "bin" / "pip", "install", "-q", *requirements], self.log)
        ready.touch()

    requirements: tuple[tuple[str, ...], ...] = ()
    """What pip is given, call by call."""

    def train(self, folder: Path, steps: int, report_every: int) -> list[Reading]:
        """Trains a new model in an empty folder by the system's own command."""
        folder.mkdir(parents=True)
        command = self.training_command(folder, steps, report_every)
        return watch(command, self.log, self._steps_done, **self.variables())

    def translate(self, model: Path, source: Path, output: Path, beam: int, batch_size: int):
        """Translates a file by the system's own command.

        Returns:
            The seconds it took, and the processor's seconds.
        """
        command = self.translation_command(model, source, output, beam, batch_size)
        return run(command, self.log, **self.variables())

    def variables(self) -> Mapping[str, str]:
        """Returns environment variables: the number of threads, and no GPU."""
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
        return {
            **dict.fromkeys((*names, "TF_NUM_INTEROP_THREADS"), str(self.threads)),
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }

    step_pattern: str
    """Expression whose group is the number of steps, in what the training command prints."""

    def _steps_done(self, text: str) -> int | None:
        found = re.findall(self.step_pattern, text)
        return int(found[-1].replace(",", "")) if found else None

    @abstractmethod
    def training_command(
        self, folder: Path, steps: int, report_every: int
    ) -> list[str | os.PathLike]:
        """Writes the configuration into the folder and returns the command."""

    @abstractmethod
    def translation_command(
        self, model: Path, source: Path, output: Path, beam: int, batch_size: int
    ) -> list[str | os.PathLike]:
        """Returns the command that translates `source` with the model that training left."""
