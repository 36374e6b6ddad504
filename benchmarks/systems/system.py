"""The base class of the systems in the benchmark."""

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
    """The size of a model and its training options.

    The model has a bidirectional GRU encoder with one layer, and a GRU decoder with one layer,
    Bahdanau attention and input feeding. It is trained with Adam and a constant learning rate.

    Attributes:
        encoder_units: The number of units per direction of the encoder.
        units: The number of units of decoder, attention and embeddings.
        batch_size: The number of sentences per batch.
        dropout: The dropout rate.
        learning_rate: The learning rate of Adam.
        clip: The maximum global norm of the gradients.
    """

    encoder_units: int = 256
    units: int = 256
    batch_size: int = 64
    dropout: float = 0.2
    learning_rate: float = 1e-3
    clip: float = 1.0


M256 = Shape()
# For systems in which both encoder directions together have the size of the decoder.
M256_NARROW_ENCODER = replace(M256, encoder_units=128)


class System(ABC):
    """A system in its own virtual environment, run with its own commands.

    Args:
        corpus: The training text.
        work_dir: The directory of environments, configurations, models and logs.
        threads: The number of threads to use.
        python: The Python interpreter of the environment.
    """

    name: str
    """The name in tables."""
    environment: str
    """The directory name of the virtual environment."""
    model_of: str | None = None
    """The environment of the system whose trained model is used for decoding, if different."""
    shape = M256
    deviation = ""
    """Differences from the other systems."""

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
        """Creates the virtual environment, unless it exists."""
        ready = self.venv / "ready"
        if ready.exists():
            return
        run([self.python, "-m", "venv", self.venv], self.log)
        for requirements in self.requirements:
            run([self.venv / "bin" / "pip", "install", "-q", *requirements], self.log)
        ready.touch()

    requirements: tuple[tuple[str, ...], ...] = ()
    """The arguments of each call of `pip install`."""

    def train(self, folder: Path, steps: int, report_every: int) -> list[Reading]:
        """Trains a new model in an empty directory and returns the readings."""
        folder.mkdir(parents=True)
        command = self.training_command(folder, steps, report_every)
        return watch(command, self.log, self._steps_done, **self.variables())

    def translate(self, model: Path, source: Path, output: Path, beam: int, batch_size: int):
        """Translates a file.

        Returns:
            The wall-clock and the CPU seconds.
        """
        command = self.translation_command(model, source, output, beam, batch_size)
        return run(command, self.log, **self.variables())

    def variables(self) -> Mapping[str, str]:
        """Returns environment variables that set the number of threads and disable GPUs."""
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
        return {
            **dict.fromkeys((*names, "TF_NUM_INTEROP_THREADS"), str(self.threads)),
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }

    step_pattern: str
    """A regular expression for the output of training, whose group is the number of steps."""

    def _steps_done(self, text: str) -> int | None:
        found = re.findall(self.step_pattern, text)
        return int(found[-1].replace(",", "")) if found else None

    @abstractmethod
    def training_command(
        self, folder: Path, steps: int, report_every: int
    ) -> list[str | os.PathLike]:
        """Writes the configuration to the directory and returns the training command."""

    @abstractmethod
    def translation_command(
        self, model: Path, source: Path, output: Path, beam: int, batch_size: int
    ) -> list[str | os.PathLike]:
        """Returns the command that translates `source` with the trained model."""


class QualitySystem(System):
    """A system whose quality `quality.py` measures while it trains."""

    evaluation_pattern: str
    """A regular expression for the line that reports an evaluation."""

    @abstractmethod
    def quality_command(
        self, folder: Path, steps: int, evaluate_every: int
    ) -> list[str | os.PathLike]:
        """Writes the configuration to the directory and returns the training command.

        Args:
            folder: An empty directory.
            steps: The number of training steps.
            evaluate_every: The number of steps after which the dev text is translated greedily.
        """

    @abstractmethod
    def dev_bleu(self, folder: Path, step: int, report: re.Match) -> float:
        """Returns the BLEU of an evaluation.

        Args:
            folder: The directory of the run.
            step: The training step of the evaluation.
            report: The match of `evaluation_pattern` in the output.
        """
