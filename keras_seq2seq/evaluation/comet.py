"""COMET, a metric computed by a neural network."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sacrebleu.metrics.base import Metric, Score, Signature

from keras_seq2seq.columns import plain_items
from keras_seq2seq.errors import UserError

_PACKAGE = "unbabel-comet"


class CometSignature(Signature):
    """The signature of `Comet` in sacrebleu's format."""

    def __init__(self, args: dict):
        super().__init__(args)
        self.info["model"] = args["model"]
        self.info["version"] = f"{_PACKAGE}-{args['version']}"
        self._abbr.update(model="m")


class Comet(Metric):
    """COMET: the quality of each line as estimated by a neural network, averaged over lines.

    Scores are multiplied by 100. If a line has several references, the best score is used. The
    network is loaded when the first lines are scored, and downloaded unless it is a file. It runs
    on a GPU if PyTorch finds one.

    Args:
        sources: The sources of all lines that will be scored.
        model: The name of a COMET model with references, or the path of its checkpoint file.
        batch_size: The number of lines per batch of the network.

    Raises:
        UserError: If there are no sources, or unbabel-comet is not installed.

    Reference:
        - Rei et al., 2020, "COMET: A Neural Framework for MT Evaluation",
          https://aclanthology.org/2020.emnlp-main.213
    """

    _SIGNATURE_TYPE = CometSignature

    def __init__(self, sources: Sequence[str] | None, model: str, batch_size: int = 16):
        super().__init__()
        if sources is None:
            raise UserError("metric 'comet' needs the sources of the translations")
        try:
            self.version = version(_PACKAGE)
        except PackageNotFoundError:
            raise UserError(
                f"metric 'comet' needs {_PACKAGE}, which is not installed: "
                "pip install 'keras-seq2seq[comet]'"
            ) from None
        self.model = model
        self._sources = plain_items(sources)
        self._batch_size = batch_size
        self._network = None

    def _load(self):
        # Imported here, because it imports PyTorch and Transformers.
        from comet import download_model, load_from_checkpoint

        try:
            is_file = Path(self.model).is_file()
            return load_from_checkpoint(self.model if is_file else download_model(self.model))
        except Exception as error:
            # COMET raises `KeyError` for all failures of a download, and `Exception` for files.
            reason = (str(error).splitlines() or [""])[0] or type(error).__name__
            raise UserError(f"COMET model {self.model}: cannot be loaded ({reason})") from error

    def _extract_corpus_statistics(self, hypotheses, references) -> list[list[float]]:
        lines = self._cache_references(references)
        if not len(lines) == len(hypotheses) == len(self._sources):
            raise UserError(
                f"{len(self._sources):,} sources for {len(hypotheses):,} translations; expected "
                "one source for each translation"
            )
        # One sample for each pair of a line and a reference.
        samples = [
            {"src": source, "mt": hypothesis, "ref": reference}
            for source, hypothesis, line in zip(self._sources, hypotheses, lines, strict=True)
            for reference in line["references"]
        ]
        if self._network is None:
            self._network = self._load()
        scores = iter(
            self._network.predict(
                samples,
                batch_size=self._batch_size,
                gpus=_count_gpus(),
                progress_bar=False,
            ).scores
        )
        return [[max(next(scores) for _ in line["references"]), 1] for line in lines]

    def _preprocess_segment(self, sent: str) -> str:
        return sent

    def _extract_reference_info(self, refs) -> dict:
        return {"references": refs}

    def _compute_segment_statistics(self, hypothesis: str, ref_kwargs: dict):
        raise NotImplementedError("all lines are scored together")

    def _aggregate_and_compute(self, stats) -> Score:
        return self._compute_score_from_stats([sum(column) for column in zip(*stats, strict=True)])

    def _compute_score_from_stats(self, stats) -> Score:
        total, lines = (float(number) for number in stats)
        return Score("comet", 100 * total / lines)


def _count_gpus() -> int:
    """Returns 1 if PyTorch, which COMET is written in, finds a GPU, and 0 otherwise."""
    import torch

    return int(torch.cuda.is_available())
