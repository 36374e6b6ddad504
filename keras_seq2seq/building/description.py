"""From a model to a configuration that describes it."""

import keras

from keras_seq2seq.config import Config, InferenceOptions
from keras_seq2seq.config.section import OptionSource, validate_sources
from keras_seq2seq.config.text_options import TOKENIZER_NAMES
from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch, Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import ATTENTIONS, BRIDGES, CELLS, ENCODERS, AttentionDecoder, Encoder
from keras_seq2seq.layers.recurrent_layer import RecurrentStack
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID
from keras_seq2seq.text import TextEncoder


def describe(
    model: Seq2Seq, source: TextEncoder, target: TextEncoder, search: Search, unk_replace: bool
) -> Config:
    """Returns the configuration of a model that was created without one.

    It describes the model as far as its options can: layers of other packages are left out, so
    that a model with such layers must be loaded from its file.

    Args:
        model: The model.
        source: The text encoder of the sources.
        target: The text encoder of the targets.
        search: The search, whose options become the `inference.*` options.
        unk_replace: Whether unknown tokens in translations are replaced.

    Raises:
        UserError: If no options describe the search, or a value is not valid for its option.
    """
    decoder_stack = _stack(model.decoder)
    encoder_stack = _stack(model.encoder)
    overrides = {
        name: value for name, value in encoder_stack.items() if value != decoder_stack.get(name)
    }
    attention = getattr(model.decoder, "attention", None)
    encoder = {"type": _name(model.encoder, ENCODERS), "rnn_cell": overrides}
    if isinstance(model.encoder, Encoder) and model.has_attention:
        encoder["concat_inputs"] = model.encoder.concat_inputs
    decoder = {}
    if isinstance(model.decoder, AttentionDecoder):
        decoder["context_skip"] = model.decoder.context_skip
    hparams = {
        "rnn_cell": decoder_stack,
        "encoder": encoder,
        "decoder": decoder,
        "bridge": {"type": _name(model.bridge, BRIDGES)},
        "embedding": {
            "dim": model.embedding_dim,
            "share": model.share_embeddings,
            "tie_output": model.tie_output,
            "word_dropout": model.word_dropout,
        },
        "source": {**_text(source), "reverse": source.reverse},
        "target": _text(target),
        "inference": _inference(search, target, unk_replace),
    }
    if _name(attention, ATTENTIONS):
        hparams["attention"] = {
            "dim": attention.num_units,
            "score_type": _name(attention, ATTENTIONS),
        }
    dtype = model.output_layer.dtype_policy.name
    options = {
        "model": "AttentionSeq2Seq" if model.has_attention else "BasicSeq2Seq",
        # Other dtypes are known from the file of the model only.
        **({"dtype": dtype} if dtype == "mixed_bfloat16" else {}),
        "hparams": hparams,
    }
    return validate_sources(
        Config, [OptionSource("the model cannot be described", options, ("hparams",))]
    )


def _name(layer, registry: dict) -> str | None:
    """Returns the name of a layer in a registry, or `None` if its class is not in there."""
    return next((name for name, cls in registry.items() if type(layer) is cls), None)


def _stack(layer) -> dict:
    """Returns the options `rnn_cell.*` of an encoder or a decoder, as far as they apply."""
    if not isinstance(layer, RecurrentStack):
        return {}
    options = {
        "num_units": layer.num_units,
        "num_layers": layer.num_layers,
        "dropout_input_keep_prob": round(1.0 - layer.input_dropout, 10),
        "dropout_output_keep_prob": round(1.0 - layer.output_dropout, 10),
        "residual_connections": layer.residual_connections,
        "variational_dropout": layer.variational_dropout,
    }
    if layer.cell_config["class_name"] in CELLS:
        options["type"] = layer.cell_config["class_name"]
        options["layer_normalization"] = layer.cell_config["config"]["layer_normalization"]
    return options


def _text(encoder: TextEncoder) -> dict:
    options = {"max_seq_len": encoder.max_length}
    # The tokenizer's own file names its class; the option knows those of this package only.
    if encoder.tokenizer.name in TOKENIZER_NAMES:
        options["tokenizer"] = encoder.tokenizer.name
        options |= {
            name: getattr(encoder.tokenizer, name) for name in encoder.tokenizer.hyperparameters
        }
    if encoder.sampling_alpha:
        options["sampling_alpha"] = encoder.sampling_alpha
        options["nbest_size"] = encoder.nbest_size
    return options


def _inference(search: Search, target: TextEncoder, unk_replace: bool) -> dict:
    """Returns the options `inference.*` of a search."""
    if type(search) not in (GreedySearch, BeamSearch, SamplingSearch):
        raise UserError(
            f"the search {type(search).__name__} cannot be saved; save the translator with a "
            "search of this package, and pass yours to Translator.load"
        )
    has_penalties = isinstance(search, BeamSearch) and (
        search.length_penalty or search.coverage_penalty
    )
    # Without penalties, a beam search of width 1 is greedy.
    if has_penalties and search.width == 1:
        raise UserError(
            "a beam search of width 1 with penalties cannot be saved; use a width of at least 2, "
            "or no penalties"
        )
    constraints = search.constraints
    banned = [id for id in constraints.banned_ids if id >= len(SPECIAL_TOKENS)]
    options = {
        "max_decode_length": constraints.max_length,
        "max_length_ratio": constraints.max_length_ratio,
        "min_length": constraints.min_length,
        "min_length_ratio": constraints.min_length_ratio,
        "no_repeat_ngram_size": constraints.no_repeat_ngram_size,
        "ban_unk": UNKNOWN_ID in constraints.banned_ids,
        "ban": tuple(target.vocabulary.to_tokens(banned)),
        "unk_replace": unk_replace and UNKNOWN_ID not in constraints.banned_ids,
    }
    if isinstance(search, BeamSearch) and search.width > 1:
        options["n_best"] = search.n_best
        options["beam_search"] = {
            "beam_width": search.width,
            "length_penalty_weight": search.length_penalty,
            "coverage_penalty_weight": search.coverage_penalty,
        }
    if isinstance(search, SamplingSearch):
        seed = search.seed
        if isinstance(seed, keras.random.SeedGenerator):
            seed = seed.get_config()["seed"]
        options["n_best"] = search.n_best
        options["sample"] = True
        options["sampling"] = {
            "temperature": search.temperature,
            "top_k": search.top_k,
            "top_p": search.top_p,
            **({} if seed is None else {"seed": seed}),
        }
    # Defaults are left out, since some options are errors where they have no effect.
    defaults = InferenceOptions()
    return {
        name: value
        for name, value in options.items()
        if isinstance(value, dict) or value != getattr(defaults, name)
    }
