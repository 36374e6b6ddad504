"""`keras-seq2seq serve`"""

from __future__ import annotations

import ipaddress
import re
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.input_output import check_readable, warnings_in_lines
from keras_seq2seq.cli.options import (
    WholeNumber,
    decoding_options,
    model_dirs_option,
    unk_mapping_option,
)
from keras_seq2seq.errors import UserError

if TYPE_CHECKING:
    from keras_seq2seq.translator import TextTranslator

DEFAULT_NAME = "default"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TOKEN = re.compile(r"[!-~]{1,1000}")


def _number(name: str, default: int, help_text: str, least: int = 1, **limits: int):
    return click.option(
        name, type=WholeNumber(least, **limits), default=default, show_default=True, help=help_text
    )


@click.command(
    epilog="Omitted decoding flags default to the model's inference.* options. On SIGTERM, "
    "the server completes running requests and exits; on SIGHUP, it reloads the models."
)
@model_dirs_option(
    "Model directory or exported model; repeat to decode with an ensemble.",
)
@click.option(
    "--model",
    "named_models",
    metavar="NAME=DIR",
    multiple=True,
    help="Name of a model in requests, and its directory; repeat to serve several models.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_number("--port", 8000, "Port to listen on; 0 for any free port.", least=0, most=65_535)
@click.option(
    "--token",
    envvar="KERAS_SEQ2SEQ_TOKEN",
    help="Token that requests must contain; required unless the host is a loopback address.  "
    "[default: the environment variable KERAS_SEQ2SEQ_TOKEN]",
)
@click.option(
    "--threads",
    type=WholeNumber(1, 1024),
    help="Threads per exported model, one CPU core each.  [default: the number of cores]",
)
@_number("--batch_size", 64, "Maximum batch size of models that are not exported.")
@_number("--max_texts", 64, "Maximum number of texts per request.")
@_number("--max_text_length", 2_000, "Maximum number of characters per text.")
@_number("--max_body", 1_000_000, "Maximum size of a request in bytes.", most=1_000_000_000)
@_number("--max_queue", 256, "Maximum number of waiting texts per model.")
@_number("--max_requests", 256, "Maximum number of concurrent requests.")
@_number("--timeout", 30, "Time limit of a request in seconds.", most=86_400)
@_number(
    "--shutdown_delay",
    0,
    "Seconds to keep accepting requests after SIGTERM, while /readyz returns 503.",
    least=0,
    most=3_600,
)
@decoding_options
@unk_mapping_option()
def serve(
    model_dirs: tuple[str, ...],
    named_models: tuple[str, ...],
    host: str,
    port: int,
    token: str | None,
    threads: int | None,
    batch_size: int,
    max_texts: int,
    max_text_length: int,
    max_body: int,
    max_queue: int,
    max_requests: int,
    timeout: int,
    shutdown_delay: int,
    unk_mapping: str | None,
    **options: Any,
):
    """Serve models over HTTP, with a web page."""
    early_reloads = []
    if hasattr(signal, "SIGHUP"):
        # Until the server handles the signal, it would end the process.
        signal.signal(signal.SIGHUP, lambda number, frame: early_reloads.append(number))
    directories = _directories(model_dirs, named_models)
    _check_token(token, host)
    if max_texts > max_queue:
        raise UserError(
            f"--max_texts {max_texts}: expected at most --max_queue, which is {max_queue}"
        )
    if unk_mapping is not None:
        check_readable(unk_mapping)
    try:
        from keras_seq2seq.serving import Limits, ServedModels, make_app
        from keras_seq2seq.serving.server import open_socket
        from keras_seq2seq.serving.server import serve as run_server
    except ModuleNotFoundError as error:
        raise UserError(
            f'serve needs more packages: pip install "keras-seq2seq[serve]" ({error})'
        ) from None
    from keras_seq2seq.tensorflow_settings import count_cores

    # Before the models are loaded, which takes longer.
    with open_socket(host, port) as listener, warnings_in_lines():
        models = ServedModels(
            {
                name: partial(_load, dirs, unk_mapping, options)
                for name, dirs in directories.items()
            },
            threads=threads or count_cores(),
            batch_size=batch_size,
            max_queue=max_queue,
        )
        limits = Limits(max_texts, max_text_length, max_body, max_queue, max_requests, timeout)
        app = make_app(models, limits, token)
        shown_host, shown_port = listener.getsockname()[:2]
        shown_host = f"[{shown_host}]" if ":" in shown_host else shown_host
        message = f"Serving {', '.join(directories)} at http://{shown_host}:{shown_port}/"

        def announce():
            click.echo(message, err=True)
            if early_reloads:
                signal.raise_signal(signal.SIGHUP)

        number = run_server(
            app,
            models,
            listener,
            on_start=announce,
            timeout=timeout,
            shutdown_delay=shutdown_delay,
        )
    if number == signal.SIGINT:
        raise click.Abort


def _directories(
    model_dirs: tuple[str, ...], named_models: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Returns the directories of each model by name."""
    directories = {DEFAULT_NAME: model_dirs} if model_dirs else {}
    for text in named_models:
        name, _, path = text.partition("=")
        if not _NAME.fullmatch(name) or not path:
            raise click.UsageError(
                f'--model "{text}": expected NAME=DIR, where NAME consists of letters, digits and '
                "the characters - _ ."
            )
        if name in directories:
            raise click.UsageError(f'--model: two models are named "{name}".')
        directories[name] = (path,)
    if not directories:
        raise click.UsageError("Expected --model_dir, or --model at least once.")
    return directories


def _check_token(token: str | None, host: str):
    if token is not None and not _TOKEN.fullmatch(token):
        raise click.UsageError("--token: expected 1 to 1000 ASCII characters without spaces.")
    if not host.strip():
        raise click.UsageError("--host is empty; expected an address, such as 127.0.0.1.")
    if token is None and not _is_loopback(host):
        raise click.UsageError(
            f"--host {host} is not a loopback address: other machines may reach it; add --token."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _load(
    model_dirs: tuple[str, ...], unk_mapping: str | None, options: dict[str, Any]
) -> TextTranslator:
    from keras_seq2seq.cli.translate import load_translator

    translator = load_translator(model_dirs, unk_mapping, False, options)
    search = getattr(translator, "search", None)
    if hasattr(search, "return_tree"):
        # Nothing has been traced yet.
        search.return_tree = True
    return translator
