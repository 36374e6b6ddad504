"""The web application."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Path, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException

from keras_seq2seq import __version__
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.serving.engine import QueueFullError
from keras_seq2seq.serving.guard import RETRY, Guard, Limits
from keras_seq2seq.serving.messages import (
    ErrorAnswer,
    PredictAnswer,
    TranslateAnswer,
    check_attention_size,
    describe_translation,
    make_request_types,
)
from keras_seq2seq.serving.metrics import Metrics
from keras_seq2seq.serving.models import ServedModels
from keras_seq2seq.serving.page import add_page
from keras_seq2seq.translator.translation import Translation

_ERRORS = {
    400: "The body is not JSON.",
    401: "The token is missing or wrong.",
    403: "This request requires a server with a token.",
    404: "There is no such model.",
    408: "The body did not arrive in time.",
    409: "The model could not be loaded; the old version remains.",
    413: "The body is too large.",
    422: "A field of the body is invalid, a text is too long, or there is too much attention.",
    429: "Too many texts are waiting; retry after the seconds in Retry-After.",
    503: "Too many requests, or the server is shutting down.",
    504: "The translation took too long.",
}


def _errors(*statuses: int) -> dict[int, dict[str, Any]]:
    return {
        status: {"model": ErrorAnswer, "description": _ERRORS[status]}
        for status in (401, *statuses, 503)
    }


def make_app(models: ServedModels, limits: Limits | None = None, token: str | None = None) -> Guard:
    """Returns the web application, an ASGI application.

    Args:
        models: The models.
        limits: The limits. Defaults to those of `Limits`.
        token: The token that requests must contain, or `None` if none is needed.

    Example:
        >>> uvicorn.run(make_app(models))
    """
    limits = limits or Limits()
    metrics = Metrics()
    types = make_request_types(limits)
    models.on_batch = metrics.count_batch
    models.on_reload = metrics.count_reload
    for model in models.names:
        metrics.watch_queue(model, lambda model=model: models.engine(model).queue_length)

    @asynccontextmanager
    async def lifespan(app):
        await models.start()
        yield
        await models.close()

    app = FastAPI(
        title="keras-seq2seq",
        version=__version__,
        lifespan=lifespan,
        # Their pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    # For the schema; the guard checks the token.
    api = APIRouter(dependencies=[Security(HTTPBearer(auto_error=False))] if token else [])
    guard = Guard(app, limits, token, metrics)

    # The schema lists the names; other names are a 404.
    name_type = Annotated[str, Path(json_schema_extra={"enum": models.names})]

    def check_name(name: str) -> str:
        if name not in models.names:
            raise HTTPException(404, f"no such model; expected one of: {', '.join(models.names)}")
        return name

    async def run(
        request: Request,
        work: Coroutine[Any, Any, list[Translation]],
        describe: Callable[[list[Translation]], Any],
        is_large: bool,
    ) -> Response:
        """Responds with the description of the translations that a coroutine returns.

        The coroutine is canceled if the client disconnects. A large response is encoded in a
        thread.
        """

        async def answer() -> Response:
            translations = await work
            if is_large:
                return await asyncio.to_thread(lambda: _respond(describe(translations)))
            return _respond(describe(translations))

        task = asyncio.ensure_future(answer())
        # The body has been read, so nothing else can arrive.
        disconnect = asyncio.ensure_future(request.receive())
        try:
            done, _ = await asyncio.wait(
                {task, disconnect}, timeout=limits.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if task in done:
                return task.result()
        except QueueFullError:
            message = "too many texts are waiting; try again later"
            raise HTTPException(429, message, RETRY) from None
        except UserError as error:
            raise HTTPException(422, str(error)) from None
        finally:
            task.cancel()
            disconnect.cancel()
        if disconnect in done:
            # Nobody receives this response, but it is counted.
            raise HTTPException(499, "the client disconnected")
        raise HTTPException(504, f"the translation took more than {limits.timeout:g} seconds")

    @api.post(
        "/translate",
        response_model=TranslateAnswer,
        responses=_errors(400, 404, 408, 413, 422, 429, 504),
    )
    async def translate(request: Request, body: types.Translate):
        """Translates texts."""
        name = models.names[0] if body.model is None else check_name(body.model)
        engine, version = models.engine(name), models.version(name)
        n_best = engine.translator.n_best
        if body.n_best is not None and body.n_best > n_best:
            raise HTTPException(422, f"n_best: expected at most {n_best}, the n_best of the model")
        if body.tree and not models.describe(name)["beam_tree"]:
            raise HTTPException(422, "tree: the model does not use beam search")

        def describe(translations: list[Translation]) -> Any:
            if body.details:
                check_attention_size(translations, body.n_best)
            answers = [
                describe_translation(
                    translation,
                    engine.translator,
                    n_best=body.n_best,
                    details=body.details,
                    with_tree=body.tree,
                )
                for translation in translations
            ]
            return {"model": name, "version": str(version), "translations": answers}

        work = engine.translate(body.text, body.prefix, with_attention=body.details)
        return await run(request, work, describe, is_large=body.details or body.tree)

    @api.post(
        "/v1/models/{name}:predict",
        response_model=PredictAnswer,
        responses=_errors(400, 404, 408, 413, 422, 429, 504),
    )
    async def predict(request: Request, name: name_type, body: types.Predict):
        """Translates texts, in the format of TensorFlow Serving."""
        engine = models.engine(check_name(name))
        details = body.signature_name == "details"

        def describe(translations: list[Translation]) -> Any:
            rows: list[Any] = [translation.text for translation in translations]
            if details:
                check_attention_size(translations)
                rows = [
                    describe_translation(translation, engine.translator, details=True)
                    for translation in translations
                ]
            if body.instances is not None:
                return {"predictions": rows}
            if details:
                columns = ("text", "score", "source_tokens", "hypotheses")
                return {"outputs": {key: [row[key] for row in rows] for key in columns}}
            return {"outputs": rows}

        work = engine.translate(body.texts, with_scores=details, with_attention=details)
        return await run(request, work, describe, is_large=details)

    @api.post("/v1/models/{name}:reload", responses=_errors(403, 404, 408, 409, 413, 422))
    async def reload_model(name: name_type):
        """Reloads a model from the same directory. Requires a server with a token."""
        if token is None:
            message = "reloading over HTTP requires a server with --token; send SIGHUP instead"
            raise HTTPException(403, message)
        try:
            await models.reload(check_name(name))
        except HTTPException:
            raise
        except Exception as error:
            raise HTTPException(409, f"the old version remains: {error}") from None
        return _respond(models.describe(name))

    @api.get("/v1/models", responses=_errors())
    async def list_models():
        """Returns the models and the request limits."""
        described = [models.describe(name) for name in models.names]
        sizes = {"max_texts": limits.max_texts, "max_text_length": limits.max_text_length}
        return _respond({"models": described, "limits": sizes})

    @api.get("/v1/models/{name}", responses=_errors(404, 422))
    async def model_status(name: name_type):
        """Returns the status of a model, in the format of TensorFlow Serving."""
        described = models.describe(check_name(name))
        status = {
            "version": described["version"],
            "state": described["state"],
            "status": {"error_code": "OK", "error_message": ""},
        }
        return _respond({"model_version_status": [status]})

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz")
    async def healthz():
        """Returns 200 while the process responds."""
        return _respond({"status": "ok"})

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", responses={503: {"model": ErrorAnswer, "description": _ERRORS[503]}})
    async def readyz():
        """Returns 200 if the server accepts requests, and 503 while it shuts down."""
        if not guard.ready:
            raise HTTPException(503, "the server is shutting down", RETRY)
        return _respond({"status": "ready"})

    @api.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **_errors()},
    )
    async def show_metrics():
        """Returns metrics in the text format of Prometheus."""
        return Response(metrics.as_text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.exception_handler(StarletteHTTPException)
    async def report(request: Request, error: StarletteHTTPException):
        return _respond({"error": error.detail}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def report_invalid(request: Request, error: RequestValidationError):
        problems = error.errors()
        if any(problem["type"] == "json_invalid" for problem in problems):
            return _respond({"error": "the body is not valid JSON"}, 400)
        # Omits the input, which may be large.
        lines = [
            ".".join(map(str, problem["loc"][1:] or ["body"]))
            + f": {problem['msg'].removeprefix('Value error, ')}"
            for problem in problems
        ]
        return _respond({"error": "; ".join(lines[:5])[:1000]}, 422)

    # The server logs the error.
    @app.exception_handler(Exception)
    async def report_failure(request: Request, error: Exception):
        return _respond({"error": "internal error"}, 500)

    app.include_router(api)
    add_page(app)
    return guard


def _respond(value: Any, status: int = 200, headers: Any = None) -> Response:
    return Response(_encode(value).encode(), status, headers, media_type="application/json")


def _encode(value: Any) -> str:
    """Returns JSON text. Lists and dictionaries are encoded one by one.

    Encoding a large value as a whole would keep all other threads from running.
    """
    if isinstance(value, dict):
        items = (f"{to_json(key)}:{_encode(item)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[" + ",".join(map(_encode, value)) + "]"
    return to_json(value, separators=(",", ":"))
