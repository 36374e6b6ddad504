"""The bodies of requests and responses."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from keras_seq2seq.errors import UserError
from keras_seq2seq.plots.beam_page import describe_tree, tree_arguments
from keras_seq2seq.serving.guard import Limits
from keras_seq2seq.translator.text_translator import TextTranslator
from keras_seq2seq.translator.translation import Translation

# Maximum number of attention weights of a response, each of which takes about 20 bytes.
MAX_WEIGHTS = 2_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class HypothesisAnswer(BaseModel):
    """One of the translations of a text. The last fields are only present with `details`."""

    text: str
    score: float | None = Field(description="Log-probability in nats, with the model's penalties.")
    tokens: list[str] = []
    token_scores: list[float | None] = []
    log_probability: float | None = None
    alignment: list[int] | None = None
    attention: list[list[float]] | None = None
    truncated: bool = False


class TreeAnswer(BaseModel):
    """The hypotheses that beam search kept at each step."""

    separator: str = Field(description="The string between two tokens.")
    nodes: list[tuple[int, str | None, float]] = Field(
        description="Index of the parent, token (null at the start and at an end), log-probability."
    )
    hypotheses: list[dict[str, float]] = Field(
        description="The node at which each hypothesis ends, and its score."
    )


class TranslationAnswer(BaseModel):
    """The translation of a text. Fields that were not requested are omitted."""

    text: str
    score: float | None
    hypotheses: list[HypothesisAnswer] = []
    source_tokens: list[str] = []
    tree: TreeAnswer | None = None


class TranslateAnswer(BaseModel):
    """The response of `/translate`."""

    model: str
    version: str
    translations: list[TranslationAnswer]


class PredictAnswer(BaseModel):
    """The response of `:predict`: `predictions` for `instances`, `outputs` for `inputs`."""

    predictions: list[str | dict[str, Any]] = []
    outputs: list[str] | dict[str, list] = []


class ErrorAnswer(BaseModel):
    """What went wrong."""

    error: str


def make_request_types(limits: Limits) -> SimpleNamespace:
    """Returns the types of request bodies, whose schemas contain the limits.

    Args:
        limits: The limits.

    Returns:
        An object with the attributes `Translate` and `Predict`.
    """
    text_type = Annotated[str, Field(max_length=limits.max_text_length)]
    texts_type = Annotated[list[text_type], Field(max_length=limits.max_texts)]

    class TextInput(_Strict):
        text: text_type

    class TextsInput(_Strict):
        text: texts_type

    class TranslateRequest(_Strict):
        text: texts_type = Field(description="The texts to translate.")
        model: str | None = Field(None, description="Name of the model; the first one if omitted.")
        n_best: int | None = Field(
            None, ge=1, le=1000, description="Number of translations per text, at most the model's."
        )
        prefix: texts_type | None = Field(
            None,
            description='Prefix that the translation of each text must begin with; "" for none.',
        )
        details: bool = Field(False, description="Whether to return tokens, attention and so on.")
        tree: bool = Field(False, description="Whether to return the beam search tree.")

        @model_validator(mode="after")
        def _check_prefix(self):
            if self.prefix is not None and len(self.prefix) != len(self.text):
                raise ValueError(f"{len(self.prefix)} prefixes for {len(self.text)} texts")
            return self

    class PredictRequest(_Strict):
        model_config = ConfigDict(
            json_schema_extra={"oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}]}
        )
        signature_name: str = Field(
            "serving_default",
            description='"serving_default" returns texts, "details" all hypotheses with scores, '
            "tokens and attention.",
            pattern="^(serving_default|details)$",
        )
        instances: list[text_type | TextInput] = Field(None, max_length=limits.max_texts)
        inputs: texts_type | TextsInput = None

        @model_validator(mode="after")
        def _check_inputs(self):
            if (self.instances is None) == (self.inputs is None):
                raise ValueError('expected either "instances" or "inputs"')
            return self

        @property
        def texts(self) -> list[str]:
            if self.instances is not None:
                return [item if isinstance(item, str) else item.text for item in self.instances]
            return self.inputs if isinstance(self.inputs, list) else self.inputs.text

    return SimpleNamespace(Translate=TranslateRequest, Predict=PredictRequest)


def check_attention_size(translations: Iterable[Translation], n_best: int | None = None):
    """Checks that the attention weights of a response are not too many.

    Args:
        translations: The translations.
        n_best: Number of hypotheses to include, or `None` for all of them.

    Raises:
        UserError: If they are.
    """
    number = sum(
        hypothesis.attention.size
        for translation in translations
        for hypothesis in translation.hypotheses[:n_best]
        if hypothesis.attention is not None
    )
    if number > MAX_WEIGHTS:
        raise UserError(
            f"details: the response would contain {number:,} attention weights; expected at most "
            f"{MAX_WEIGHTS:,}; send fewer or shorter texts, or a smaller n_best"
        )


def describe_translation(
    translation: Translation,
    translator: TextTranslator,
    *,
    n_best: int | None = None,
    details: bool = False,
    with_tree: bool = False,
) -> dict[str, Any]:
    """Returns a translation as JSON values, see `TranslationAnswer`.

    Args:
        translation: The translation.
        translator: The translator.
        n_best: Number of hypotheses to include, or `None` for no list of hypotheses; with details,
            for all of them.
        details: Whether to include tokens, scores of tokens and attention.
        with_tree: Whether to include the beam search tree.
    """
    answer: dict[str, Any] = {"text": translation.text, "score": translation.score}
    hypotheses = translation.hypotheses[:n_best]
    if details:
        answer["source_tokens"] = translation.source_tokens
        answer["hypotheses"] = [item.to_dict(with_attention=True) for item in hypotheses]
    elif n_best is not None:
        answer["hypotheses"] = [{"text": item.text, "score": item.score} for item in hypotheses]
    if with_tree and translation.tree is not None:
        arguments = tree_arguments(translation, translator.target)
        answer["tree"] = {"separator": arguments.pop("separator"), **describe_tree(**arguments)}
    return answer
