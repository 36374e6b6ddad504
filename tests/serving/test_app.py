"""Requests and responses, in one process."""

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from functools import partial

import httpx
import numpy as np
import pytest
from harness.gated_translator import GatedTranslator
from harness.toy_model import SOURCES

from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.runtime import Translator
from keras_seq2seq.serving import Limits, ServedModels, make_app
from keras_seq2seq.serving.app import _encode
from keras_seq2seq.translator.translation import Hypothesis, Translation

TOKEN = "s3cret"


@asynccontextmanager
async def open_client(loaders, limits=None, token=None, headers=None):
    models = ServedModels(
        loaders, threads=1, batch_size=8, max_queue=(limits or Limits()).max_queue
    )
    app = make_app(models, limits, token)
    await models.start()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            client.app, client.models = app, models
            yield client
    finally:
        await models.close()


def run(work, loaders, **options):
    """Runs a coroutine function with a client of an application."""

    async def run_with_client():
        async with open_client(loaders, **options) as client:
            return await asyncio.wait_for(work(client), 60)

    return asyncio.run(run_with_client())


def ask(loaders, path, body=None, **options):
    """Sends a request to a new application, and returns the response."""

    async def work(client):
        if body is None:
            return await client.get(path)
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return await client.post(path, content=content)

    return run(work, loaders, **options)


@pytest.fixture(scope="module")
def loaders(directories):
    return {name: partial(Translator, directories / name) for name in ("greedy", "beam")}


@pytest.fixture(scope="module")
def expected(directories):
    return {name: Translator(directories / name).translate(SOURCES) for name in ("greedy", "beam")}


def gated(translator=None):
    translator = translator or GatedTranslator()
    return {"gated": lambda: translator}


def test_translate(loaders, expected):
    response = ask(loaders, "/translate", {"text": SOURCES})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["model"], answer["version"]) == ("greedy", "1")
    assert answer["translations"] == [
        {"text": translation.text, "score": pytest.approx(translation.score)}
        for translation in expected["greedy"]
    ]


def test_translate_with_details(loaders, expected):
    body = {"text": [*SOURCES, ""], "model": "beam", "n_best": 2, "details": True, "tree": True}
    *answers, empty = ask(loaders, "/translate", body).json()["translations"]
    for answer, translation in zip(answers, expected["beam"], strict=True):
        assert answer["source_tokens"] == translation.source_tokens
        for found, hypothesis in zip(answer["hypotheses"], translation.hypotheses, strict=True):
            assert found["text"] == hypothesis.text
            assert found["tokens"] == hypothesis.tokens
            assert found["score"] == pytest.approx(hypothesis.score)
            attention = np.reshape(found["attention"], hypothesis.attention.shape)
            np.testing.assert_allclose(attention, hypothesis.attention, atol=1e-6)
        nodes = answer["tree"]["nodes"]
        path, node = [], answer["tree"]["hypotheses"][0]["node"]
        while node > 0:
            path.insert(0, nodes[node][1])
            node = nodes[node][0]
        assert path[:-1] == translation.target_tokens
    assert (empty["text"], empty["score"]) == ("", 0)
    assert "tree" not in empty


def test_prefixes(loaders):
    body = {"text": ["ein hund", "ein hund"], "prefix": ["dog sleeps", ""]}
    first, second = ask(loaders, "/translate", body).json()["translations"]
    assert first["text"].startswith("dog sleeps")
    assert not second["text"].startswith("dog sleeps")


PREDICTIONS = {
    "rows": ({"instances": SOURCES}, "predictions"),
    "named rows": ({"instances": [{"text": text} for text in SOURCES]}, "predictions"),
    "columns": ({"inputs": SOURCES}, "outputs"),
    "named columns": ({"inputs": {"text": SOURCES}}, "outputs"),
}


@pytest.mark.parametrize("name", PREDICTIONS)
def test_predict(name, loaders, expected):
    body, key = PREDICTIONS[name]
    response = ask(loaders, "/v1/models/beam:predict", body)
    assert response.json() == {key: [translation.text for translation in expected["beam"]]}


def test_predict_details(loaders, expected):
    best = [translation.text for translation in expected["beam"]]
    body = {"signature_name": "details", "instances": SOURCES}
    rows = ask(loaders, "/v1/models/beam:predict", body).json()["predictions"]
    assert [row["text"] for row in rows] == best
    assert all(len(row["hypotheses"]) == 2 and "attention" in row["hypotheses"][0] for row in rows)
    body = {"signature_name": "details", "inputs": SOURCES}
    columns = ask(loaders, "/v1/models/beam:predict", body).json()["outputs"]
    assert columns["text"] == best
    assert columns["score"] == [row["score"] for row in rows]


def test_models(loaders):
    answer = ask(loaders, "/v1/models").json()
    assert answer["limits"] == {"max_texts": 64, "max_text_length": 2000}
    abilities = {"version": "1", "state": "AVAILABLE", "attention": True}
    assert answer["models"] == [
        {"name": "greedy", "n_best": 1, "beam_tree": False, **abilities},
        {"name": "beam", "n_best": 2, "beam_tree": True, **abilities},
    ]
    status = {"error_code": "OK", "error_message": ""}
    assert ask(loaders, "/v1/models/beam").json() == {
        "model_version_status": [{"version": "1", "state": "AVAILABLE", "status": status}]
    }


LIMITS = Limits(max_texts=2, max_text_length=10, max_body=200)

MISTAKES = {
    "no JSON": ("{", 400, "the body is not valid JSON"),
    "no UTF-8": (b"\xff", 400, "error parsing the body"),
    "empty": ("", 422, "Field required"),
    "a list": ("[]", 422, ": Input should be a valid dictionary"),
    "no text": ({}, 422, "text: Field required"),
    "a string": ({"text": "a"}, 422, "text: Input should be a valid list"),
    "a number": ({"text": [1]}, 422, "text.0: Input should be a valid string"),
    "no text in Unicode": ('{"text": ["\\ud800"]}', 422, "text.0: Input should be a valid string"),
    "many texts": ({"text": ["a"] * 3}, 422, "text: List should have at most 2 items"),
    "a long text": ({"text": ["a" * 11]}, 422, "text.0: String should have at most 10 characters"),
    "a large body": ({"text": ["a" * 200]}, 413, "too large; expected at most 200 bytes"),
    "a huge body": (b"a" * 10_000, 413, "too large; expected at most 200 bytes"),
    "unknown field": ({"text": [], "beam": 1}, 422, "beam: Extra inputs are not permitted"),
    "unknown model": ({"text": [], "model": "x"}, 404, "no such model; expected one of: greedy, "),
    "large n_best": ({"text": [], "n_best": 2}, 422, "n_best: expected at most 1"),
    "small n_best": ({"text": [], "n_best": 0}, 422, "n_best: Input should be greater"),
    "no tree": ({"text": [], "tree": True}, 422, "tree: the model does not use beam search"),
    "few prefixes": ({"text": ["a"], "prefix": []}, 422, "0 prefixes for 1 texts"),
    "long prefix": ({"text": ["a"], "prefix": ["a a a a a"] * 1}, 200, ""),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name, loaders):
    body, status, message = MISTAKES[name]
    response = ask(loaders, "/translate", body, limits=LIMITS)
    assert response.status_code == status, response.text
    assert message in response.json().get("error", "")


def test_a_prefix_that_is_too_long(loaders):
    response = ask(loaders, "/translate", {"text": ["ein"], "prefix": ["a " * 20]})
    assert response.status_code == 422
    assert "prefix 1 has 20 tokens" in response.json()["error"]


def test_a_prefix_that_is_too_long_is_reported_with_its_number(loaders):
    body = {"text": ["ein", "hund"], "prefix": ["", "a " * 20]}
    response = ask(loaders, "/translate", body)
    assert response.status_code == 422
    assert "prefix 2 has 20 tokens" in response.json()["error"]


@pytest.mark.parametrize(
    "body", [{}, {"inputs": [], "instances": []}, {"inputs": [], "signature_name": "x"}]
)
def test_mistakes_of_predictions(body, loaders):
    assert ask(loaders, "/v1/models/beam:predict", body).status_code == 422
    assert ask(loaders, "/v1/models/x:predict", {"inputs": []}).status_code == 404


def test_unknown_paths_and_methods(loaders):
    assert ask(loaders, "/x").json() == {"error": "Not Found"}
    assert ask(loaders, "/v1/models/").status_code == 404
    response = ask(loaders, "/translate")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_an_unexpected_error_is_a_500_without_details():
    response = ask(gated(), "/translate", {"text": ["fail"]})
    assert response.status_code == 500
    assert "it fails" not in response.text
    assert response.json() == {"error": "internal error"}


def test_a_model_that_fails_is_no_mistake_of_the_client(directories):
    class Runners(dict):
        def __missing__(self, name):
            raise RuntimeError("no memory")

    translator = Translator(directories / "greedy")
    (interpreter,) = translator._interpreters._free
    interpreter._runners = Runners()
    with pytest.raises(RunError, match=r"cannot be run \(no memory\)"):
        translator("ein")


@pytest.mark.parametrize(("weights", "status"), [(9, 200), (8, 422)])
def test_responses_do_not_contain_too_many_attention_weights(weights, status, monkeypatch):
    monkeypatch.setattr("keras_seq2seq.serving.messages.MAX_WEIGHTS", weights)

    class Attentive(GatedTranslator):
        def stream(self, texts, *args, **options):
            for text in texts:
                attention = np.zeros((1, 3), "float32")
                hypothesis = Hypothesis(text, [text], -1.0, [], attention)
                yield Translation(list("abc"), [hypothesis])

    body = {"text": ["a"] * 3, "details": True}
    response = ask(gated(Attentive()), "/translate", body)
    assert response.status_code == status
    if status == 422:
        assert response.json()["error"] == (
            "details: the response would contain 9 attention weights; expected at most 8; send "
            "fewer or shorter texts, or a smaller n_best"
        )
    response = ask(gated(Attentive()), "/translate", body | {"details": False})
    assert response.status_code == 200


def test_messages_name_the_body_and_not_the_type_of_the_error(loaders):
    def error(body):
        return ask(loaders, "/translate", body).json()["error"]

    assert error("") == "body: Field required"
    assert error("[]").startswith("body: Input should be a valid dictionary")
    assert error({"text": ["a"], "prefix": []}) == "body: 0 prefixes for 1 texts"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_state_can_be_asked_for_without_its_description(path):
    async def work(client):
        return await client.head(path)

    assert run(work, gated()).status_code == 200


def test_a_full_queue():
    translator = GatedTranslator()

    async def work(client):
        translator.gate.clear()
        running = asyncio.create_task(client.post("/translate", json={"text": ["a"]}))
        while not translator.batches:
            await asyncio.sleep(0.001)
        waiting = asyncio.create_task(client.post("/translate", json={"text": ["b", "c"]}))
        await asyncio.sleep(0.05)
        response = await client.post("/translate", json={"text": ["d"]})
        translator.gate.set()
        assert (await running).status_code == (await waiting).status_code == 200
        assert (await client.post("/translate", json={"text": ["d"]})).status_code == 200
        return response

    response = run(work, gated(translator), limits=Limits(max_queue=2))
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"


def test_too_many_requests():
    translator = GatedTranslator()

    async def work(client):
        translator.gate.clear()
        running = asyncio.create_task(client.post("/translate", json={"text": ["a"]}))
        while not translator.batches:
            await asyncio.sleep(0.001)
        response = await client.post("/translate", json={"text": ["d"]})
        # Load balancers still learn the state.
        assert (await client.get("/readyz")).status_code == 200
        translator.gate.set()
        await running
        return response

    response = run(work, gated(translator), limits=Limits(max_requests=1))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


def test_a_timeout():
    translator = GatedTranslator()

    async def work(client):
        translator.gate.clear()
        response = await client.post("/translate", json={"text": ["a"]})
        translator.gate.set()
        return response

    response = run(work, gated(translator), limits=Limits(timeout=0.1))
    assert response.status_code == 504
    assert "more than 0.1 seconds" in response.json()["error"]


def test_other_requests_are_answered_while_attention_is_encoded():
    is_encoding, may_go_on = threading.Event(), threading.Event()

    class SlowHypothesis(Hypothesis):
        def to_dict(self, with_attention=False):
            is_encoding.set()
            assert may_go_on.wait(10)
            return super().to_dict(with_attention)

    class SlowTranslator(GatedTranslator):
        def stream(self, texts, *args, **options):
            for text in texts:
                yield Translation(text.split(), [SlowHypothesis(text, [], -1.0, [])])

    async def work(client):
        body = {"text": ["a"], "details": True}
        running = asyncio.create_task(client.post("/translate", json=body))
        while not is_encoding.is_set():
            await asyncio.sleep(0.001)
        assert (await client.get("/v1/models")).status_code == 200
        may_go_on.set()
        assert (await running).json()["translations"][0]["hypotheses"][0]["text"] == "a"

    run(work, gated(SlowTranslator()))


@pytest.mark.parametrize(
    "value",
    [
        {"a": [], "b": {}, "ä\udcff": [1, "ö\udcff", None, True]},
        [[0.5, float("nan")], [{"c": [[1.0], []]}, (1, None, -float("inf"))]],
        "a",
    ],
)
def test_responses_are_encoded_as_json_in_parts(value):
    assert _encode(value) == to_json(value, separators=(",", ":"))


def test_clients_that_leave_while_they_send_are_counted_as_such():
    async def work(client):
        messages = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive():
            return messages.pop(0)

        async def send(message):
            raise AssertionError("nobody receives this")

        scope = {"type": "http", "path": "/translate", "method": "POST", "headers": []}
        await client.app(scope, receive, send)
        return (await client.get("/metrics")).text

    line = 'keras_seq2seq_requests_total{endpoint="none",status="499"} 1.0'
    assert line in run(work, gated()).splitlines()


def test_clients_learn_when_to_retry_while_the_server_shuts_down():
    async def work(client):
        client.app.ready = client.app.accepting = False
        return [await client.get(path) for path in ("/readyz", "/v1/models")]

    for response in run(work, gated()):
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_the_token(loaders):
    async def work(client):
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}):
            for path in ("/v1/models", "/metrics", "/openapi.json", "/x"):
                response = await client.get(path, headers=headers)
                assert response.status_code == 401
                assert response.headers["www-authenticate"] == "Bearer"
        for path in ("/", "/page.css", "/page.js", "/beam.html", "/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/v1/models", headers=headers)).status_code == 200

    run(work, loaders, token=TOKEN)


AUTHORIZED = {"token": TOKEN, "headers": {"Authorization": f"Bearer {TOKEN}"}}


def test_reload_answers_with_the_new_version():
    loaded = []

    def load():
        loaded.append(GatedTranslator(suffix=str(len(loaded) + 1)))
        return loaded[-1]

    async def work(client):
        async def translate():
            answer = (await client.post("/translate", json={"text": ["a"]})).json()
            return answer["version"], answer["translations"][0]["text"]

        assert await translate() == ("1", "A1")
        loaded[0].gate.clear()
        running = asyncio.create_task(translate())
        while len(loaded[0].batches) < 2:
            await asyncio.sleep(0.001)
        response = await client.post("/v1/models/model:reload")
        assert response.json()["version"] == "2"
        later = asyncio.create_task(translate())
        await asyncio.sleep(0.05)
        loaded[0].gate.set()
        assert await running == ("1", "A1")
        assert await later == ("2", "A2")

    run(work, {"model": load}, **AUTHORIZED)


def test_a_version_that_cannot_be_loaded_keeps_the_old_one():
    loaded = []

    def load():
        if loaded:
            raise UserError("damaged file")
        loaded.append(GatedTranslator())
        return loaded[-1]

    async def work(client):
        response = await client.post("/v1/models/model:reload")
        assert response.status_code == 409
        assert response.json() == {"error": "the old version remains: damaged file"}
        answer = (await client.post("/translate", json={"text": ["a"]})).json()
        assert (answer["version"], answer["translations"][0]["text"]) == ("1", "A")
        metrics = (await client.get("/metrics")).text
        assert 'keras_seq2seq_reloads_total{model="model",result="failure"} 1.0' in metrics

    run(work, {"model": load}, **AUTHORIZED)


def test_reload_needs_a_token_and_a_model():
    assert ask(gated(), "/v1/models/gated:reload", "").status_code == 403
    assert ask(gated(), "/v1/models/x:reload", "", **AUTHORIZED).status_code == 404


def test_metrics(loaders):
    async def work(client):
        await client.post("/translate", json={"text": SOURCES})
        await client.post("/translate", content="{")
        return (await client.get("/metrics")).text

    lines = run(work, loaders).splitlines()
    for line in (
        'keras_seq2seq_requests_total{endpoint="translate",status="200"} 1.0',
        'keras_seq2seq_requests_total{endpoint="translate",status="400"} 1.0',
        f'keras_seq2seq_texts_total{{model="greedy"}} {len(SOURCES)}.0',
        'keras_seq2seq_queue_length{model="greedy"} 0.0',
        "keras_seq2seq_requests_in_progress 1.0",
    ):
        assert line in lines


def test_openapi_describes_the_limits(loaders):
    schema = ask(loaders, "/openapi.json").json()
    assert schema["openapi"].startswith("3.")
    assert {"/translate", "/v1/models/{name}:predict", "/metrics"} <= schema["paths"].keys()
    text = schema["components"]["schemas"]["TranslateRequest"]["properties"]["text"]
    assert (text["maxItems"], text["items"]["maxLength"]) == (64, 2000)
