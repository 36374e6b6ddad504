"""The model directory, which training writes and all other commands read."""

import filecmp
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from keras_seq2seq.building.data import build_text_encoders
from keras_seq2seq.config import (
    Config,
    describe_difference,
    identity,
    is_saved_config,
    set_if_open,
)
from keras_seq2seq.data.lines import FileLines
from keras_seq2seq.data.pairs import AlignedPairs, Pairs
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.directories import DirectoryLock, check_not_deleted, remove_outputs
from keras_seq2seq.files.reading import exists, open_regular_file
from keras_seq2seq.files.writing import (
    atomic_file,
    make_directory,
    remove_unfinished_files,
    replace_file,
)
from keras_seq2seq.model_directory.run_files import find_checkpoints, has_notes, read_run_record
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.models.saving import read_model, write_model
from keras_seq2seq.runtime.exported_model import EXPORT_FILE
from keras_seq2seq.special_tokens import SPECIAL_TOKENS
from keras_seq2seq.text import TextEncoder, Tokenizer
from keras_seq2seq.text.tokenizer import tokenizer_config_path
from keras_seq2seq.translator.scorer import differing_sizes

_TEMPORARY = ".model-"


class ModelDirectory:
    """Paths of the files of a model, and methods to read and write them.

    Files are written to a temporary file, then renamed, so a kill at any moment leaves a readable
    directory. The directory is self-contained and can be moved.

    Args:
        path: The directory. It need not exist until something is written.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.config_path = self.path / "config.yaml"
        # Prefixes of the files of the tokenizers.
        self.source_path = self.path / "source"
        self.target_path = self.path / "target"
        # Dev data drawn from the training text, one file per side.
        self.dev_paths = self.path / "dev.source", self.path / "dev.target"
        self.model_path = self.path / "model.keras"
        self.checkpoints_path = self.path / "checkpoints"
        self.logs_path = self.path / "logs"
        self.metrics_path = self.path / "metrics.jsonl"
        self.run_path = self.path / "run.json"
        # What a run writes besides its configuration and tokenizers.
        self.outputs = (
            self.checkpoints_path,
            self.logs_path,
            self.model_path,
            self.metrics_path,
            self.run_path,
            *self.dev_paths,
        )

    def check_is_directory(self):
        """Checks that the path is a directory or does not exist.

        Raises:
            UserError: If not.
        """
        if exists(self.path) and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; expected a directory for the model")
        if self.is_exported():
            raise UserError(f"{self.path}: contains an exported model; choose another directory")

    def is_exported(self) -> bool:
        """Returns whether the directory contains a model that was exported for deployment."""
        return exists(self.path / EXPORT_FILE)

    def check_usable_for(self, config: Config):
        """Checks that a run with this configuration can start or resume here.

        Raises:
            UserError: If the directory contains a model with another configuration.
        """
        difference = describe_difference(identity(self.load_config()), identity(config))
        if difference:
            raise UserError(
                f"{self.path}: contains another model, trained with {difference}; choose another "
                "--output_dir, or start over with --resume never"
            )

    def check_can_resume(self):
        """Checks that a run can start or resume here.

        Raises:
            UserError: If the directory contains a model without a run, which `Translator.save` or
                `average` wrote, a configuration that a person wrote, or files that no run wrote.
        """
        if exists(self.model_path) and not self.has_started():
            raise UserError(
                f"{self.path}: contains a model, but no checkpoint to resume from; choose another "
                f"--output_dir, with --init_from {self._quoted()} to start from its weights"
            )
        self.check_config()
        is_run = self.has_checkpoints() and self._has_own_files()
        if not (exists(self.config_path) or is_run):
            self._check_is_free()

    def has_started(self) -> bool:
        """Returns whether a run started here, even if it wrote no checkpoint."""
        return self.has_checkpoints() or exists(self.run_path)

    def _has_own_files(self) -> bool:
        """Returns whether there is a record or checkpoint that only this package writes."""
        checkpoints = find_checkpoints(self.checkpoints_path).values()
        return bool(read_run_record(self.run_path)) or any(map(has_notes, checkpoints))

    def _check_is_free(self):
        """Checks that a new run would not replace files, nor truncate those of TensorBoard."""
        for path in self.outputs:
            if os.path.lexists(path):
                raise UserError(
                    f"{path}: not written by a training run, which also writes "
                    f"{self.config_path.name}; move it, or choose another --output_dir"
                )

    def check_config(self):
        """Checks that there is no configuration file that a person wrote.

        Raises:
            UserError: If there is one. Files of version 0.1 have no mark; they are recognized by
                their options and the other files of the run.
        """
        if not exists(self.config_path) or is_saved_config(self.config_path):
            return
        if not (self._has_own_files() and _is_config(self.config_path)):
            raise UserError(
                f"{self.config_path}: not written by this package, and would be replaced; rename "
                "it, or choose another directory"
            )

    def check_can_start_over(self, inputs: Iterable[str | os.PathLike]):
        """Checks that `clear` removes the output of an earlier run, and nothing else.

        Args:
            inputs: The files that the new run reads.

        Raises:
            UserError: If it would remove an input, or files that are not those of a run.
        """
        if not exists(self.config_path):
            self._check_is_free()
        self.check_config()
        check_not_deleted(inputs, self.outputs)

    def has_run(self) -> bool:
        """Returns whether something was trained here, so that its configuration matters."""
        # Without weights, nothing was trained: the run failed before its first checkpoint.
        has_weights = self.has_checkpoints() or exists(self.model_path)
        return exists(self.config_path) and has_weights

    def has_checkpoints(self) -> bool:
        """Returns whether there is a checkpoint to resume from."""
        return bool(find_checkpoints(self.checkpoints_path))

    def reserved(self) -> DirectoryLock:
        """Returns a context manager that keeps other processes from training here.

        Raises:
            UserError: On entering the block, if another process is training here, or the
                directory cannot be written.
        """
        return DirectoryLock(self.path)

    def clear(self):
        """Removes the output of a run, and nothing else."""
        remove_outputs(self.outputs)

    def create(
        self,
        config: Config,
        source: Tokenizer,
        target: Tokenizer,
        dev: Sequence[tuple[str, str]] | None = None,
    ):
        """Writes the configuration and the tokenizers.

        Args:
            config: The configuration.
            source: The tokenizer of the sources.
            target: The tokenizer of the targets.
            dev: Dev data to store with the model, as pairs of lines.

        Raises:
            UserError: If the directory cannot be written, or contains no run but other files with
                the names of those of the tokenizers.
        """
        is_new = not (exists(self.config_path) or self.has_started())
        try:
            make_directory(self.path)
            self._remove_unfinished()
            if is_new:
                self._check_not_replaced(source, target)
            # First, since it shows that the other files are those of a run.
            config.save(self.config_path)
            source.save(self.source_path)
            target.save(self.target_path)
            if dev is not None:
                self._write_dev(dev)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def _check_not_replaced(self, source: Tokenizer, target: Tokenizer):
        """Checks that the files of the tokenizers replace none with other content."""
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=self.path) as directory:
            source.save(Path(directory) / self.source_path.name)
            target.save(Path(directory) / self.target_path.name)
            for file in sorted(Path(directory).iterdir()):
                path = self.path / file.name
                if os.path.lexists(path) and not filecmp.cmp(path, file, shallow=False):
                    raise UserError(
                        f"{path}: would be replaced by another file of the same name; move it, or "
                        "choose another directory"
                    )

    def _write_dev(self, pairs: Sequence[tuple[str, str]]):
        for path, lines in zip(self.dev_paths, zip(*pairs, strict=True), strict=True):
            with atomic_file(path) as file:
                file.writelines(f"{line}\n" for line in lines)

    def open_dev(self) -> Pairs:
        """Returns the dev data that `create` wrote.

        Raises:
            UserError: If there are none, or they cannot be read, or if they have different numbers
                of lines.
        """
        for path in self.dev_paths:
            if not exists(path):
                raise UserError(
                    f"{path}: no such file; restore it, or, if the run in {self.path} started with "
                    "dev data that were given, set --dev_source and --dev_target, or --dev_data"
                )
        pairs = AlignedPairs(*(FileLines([os.fspath(path)]) for path in self.dev_paths))
        pairs.check_counts()
        return pairs

    def _remove_unfinished(self):
        """Removes temporary files left behind by a kill during a write."""
        for path in self.path.glob(f"{_TEMPORARY}*"):
            # The names of `tempfile`.
            if re.fullmatch(r"[a-z0-9_]{8}", path.name.removeprefix(_TEMPORARY)):
                shutil.rmtree(path, ignore_errors=True)
        remove_unfinished_files(self.path)

    def load_config(self) -> Config:
        """Reads the configuration.

        Raises:
            UserError: If there is no model, or the file is damaged.
        """
        if not exists(self.path):
            raise UserError(f"{self.path}: no such directory; expected a trained model")
        if not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; expected the directory of a model")
        if self.is_exported():
            raise UserError(
                f"{self.path}: contains an exported model, which keras_seq2seq.runtime.Translator "
                "and the commands translate and serve read; expected a trained model"
            )
        if not exists(self.config_path):
            raise UserError(f"{self.path}: contains no model (no {self.config_path.name})")
        # Version 0.1 did not write the default, a constant rate.
        return set_if_open(Config.load(self.config_path), "optimizer", lr_decay_type="none")

    def load_tokenizers(self) -> tuple[Tokenizer, Tokenizer]:
        """Reads the source and target tokenizers.

        Raises:
            UserError: If there is no model, or a file is damaged.
        """
        hparams = self.load_config().hparams
        prefixes, names = (self.source_path, self.target_path), (None, None)
        # Version 0.1 wrote neither of these files.
        if not any(os.path.lexists(tokenizer_config_path(prefix)) for prefix in prefixes):
            names = [side.tokenizer or "whitespace" for side in (hparams.source, hparams.target)]
        source, target = map(Tokenizer.load, prefixes, names)
        return source, target

    def load_text_encoders(self) -> tuple[TextEncoder, TextEncoder]:
        """Returns the source and target text encoders, with the options of the model.

        Raises:
            UserError: If there is no model, or a file is damaged.
        """
        return build_text_encoders(self.load_config(), *self.load_tokenizers())

    def save_model(self, model: Seq2Seq):
        """Writes the model and its weights, without its optimizer, and replaces an existing one."""
        # Through links, so that they are not replaced.
        path = Path(os.path.realpath(self.model_path))
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=path.parent) as directory:
            file = Path(directory) / self.model_path.name
            write_model(model, file)
            replace_file(path, file)

    def load_model(self, dtype: str | None = None) -> Seq2Seq:
        """Reads the model.

        Args:
            dtype: The dtype of its weights and computations, such as `"bfloat16"`. Defaults to
                that of the saved model.

        Raises:
            UserError: If training has not written one yet, or the file is damaged.
        """
        if not exists(self.model_path):
            hint = "training writes it at the first evaluation"
            if self.has_checkpoints():
                hint = (
                    "the run was killed before its first evaluation; to use its latest checkpoint, "
                    f"run {self.command_for_latest_weights()}"
                )
            raise UserError(f"{self.model_path}: no such file; {hint}")
        # A file that cannot be opened may be intact, so the message below does not apply.
        open_regular_file(self.model_path).close()
        try:
            return read_model(self.model_path, dtype)
        except UserError as error:
            if not self.has_checkpoints():
                raise
            raise UserError(
                f"{error}, or make a new one of the latest checkpoint: "
                f"{self.command_for_latest_weights()}"
            ) from error

    def command_for_latest_weights(self) -> str:
        """Returns the command that makes a model of the latest checkpoint."""
        return f"keras-seq2seq average --model_dir {self._quoted()} --last 1 --output_dir NEW_DIR"

    def _quoted(self) -> str:
        return shlex.quote(os.fspath(self.path))

    def check_vocabularies(self, model: Seq2Seq, source: Tokenizer, target: Tokenizer):
        """Checks that the vocabularies have the sizes that the model was made for.

        Raises:
            UserError: If one has another size.
        """
        for side, found, size in differing_sizes(model, source, target):
            tokenizer, prefix = (
                (source, self.source_path) if side == "source" else (target, self.target_path)
            )
            special, suffix = len(SPECIAL_TOKENS), tokenizer.vocabulary_suffix or ""
            raise UserError(
                f"{prefix}{suffix}: contains {found - special:,} tokens, but the model has "
                f"{size - special:,}; restore the file that was written with the model"
            )


def _is_config(path: Path) -> bool:
    """Returns whether a file is a valid configuration of a run."""
    try:
        Config.load(path)
    except UserError:
        return False
    return True
