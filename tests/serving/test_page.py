"""The web page, in a browser."""

import re
import time
from pathlib import Path

import pytest
from harness.browser import console_of, open_browser
from harness.server_process import start_server

from keras_seq2seq.runtime import Translator
from keras_seq2seq.serving import page as page_module

Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

TEXT = "ein mann schläft ."


@pytest.fixture(scope="module")
def browser():
    with open_browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def server(directories, browser):
    models = [f"--model={name}={directories / name}" for name in ("beam", "greedy")]
    with start_server(*models) as server:
        yield server


@pytest.fixture
def page(browser, server):
    browser.get(server.url)
    wait_until(lambda: texts(browser, "#model option") == ["beam", "greedy"])
    yield browser
    assert console_of(browser) == []


@pytest.fixture(scope="module")
def expected(directories):
    return {name: Translator(directories / name) for name in ("beam", "greedy")}


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def texts(browser, selector):
    script = "return [...document.querySelectorAll(arguments[0])].map(n => n.textContent)"
    return browser.execute_script(script, selector)


def find(browser, selector):
    return browser.find_element("css selector", selector)


def replace_text(browser, text):
    # `clear` emits no event of a keyboard.
    find(browser, "#source").send_keys(Keys.CONTROL + "a", Keys.DELETE)
    find(browser, "#source").send_keys(text)


def type_text(browser, text):
    """Types a text, and waits until it is translated."""
    replace_text(browser, text)
    count = len(text.split("\n")) if text else 0
    wait_until(lambda: len(texts(browser, "#output p")) == count)
    # The debounce has passed, and the answer is there.
    time.sleep(0.3)
    wait_until(lambda: find(browser, "#output").get_attribute("aria-busy") == "false")


def test_the_page_loads_nothing_from_elsewhere():
    files = Path(page_module.__file__).parent.iterdir()
    content = "".join(
        path.read_text(encoding="utf-8")
        for path in files
        if path.suffix in (".html", ".css", ".js")
    )
    assert not re.search(r"\w+://|url\(|@import|innerHTML|\bon\w+=", content)


def test_translates_while_typing(page, expected):
    type_text(page, TEXT + "\nhund")
    assert texts(page, "#output p") == expected["beam"]([TEXT, "hund"])
    type_text(page, "")
    assert find(page, "#attention").is_displayed() is False


def test_changes_the_model(page, expected):
    type_text(page, TEXT)
    find(page, "#model option:nth-child(2)").click()
    wait_until(lambda: texts(page, "#output p") == [expected["greedy"](TEXT)])
    assert not find(page, "#alternatives").is_displayed()
    assert not find(page, "#beam").is_displayed()


def test_shows_hypotheses_with_scores(page, expected):
    type_text(page, TEXT)
    hypotheses = expected["beam"].translate(TEXT).hypotheses
    assert texts(page, "#hypotheses bdi") == [item.text or "(no words)" for item in hypotheses]
    assert texts(page, "#hypotheses .score") == [f"{item.score:.3f}" for item in hypotheses]
    find(page, "#hypotheses li:nth-child(2) button").click()
    assert texts(page, "#output p") == [hypotheses[1].text]
    pressed = [
        button.get_attribute("aria-pressed")
        for button in page.find_elements("css selector", "#hypotheses button")
    ]
    assert pressed == ["false", "true"]


def test_the_keyboard_shows_attention(page, expected):
    # The best translation of this one has several words.
    find(page, "#model option:nth-child(2)").click()
    type_text(page, TEXT)
    best = expected["greedy"].translate(TEXT).best
    assert texts(page, ".word") == best.tokens
    assert len(best.tokens) > 1
    page.execute_script("document.querySelector('.word').focus()")
    for tokens_before in range(2):
        assert page.switch_to.active_element.text == best.tokens[tokens_before]
        percents = [f"{100 * weight:.0f} %" for weight in best.attention[tokens_before]]
        shown = texts(page, "#words small")
        for found, percent in zip(shown, percents, strict=True):
            assert found == percent or (found == "" and percent in ("0 %", "1 %"))
        description = re.sub("[\u2068\u2069]", "", texts(page, "#attention-text")[0])
        assert description.startswith(best.tokens[tokens_before] + ": ")
        page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert len(page.find_elements("css selector", '.word[tabindex="0"]')) == 1


def test_shows_the_beam_tree(page, expected):
    type_text(page, TEXT)
    find(page, "#beam summary").click()
    wait_until(lambda: find(page, "#tree").get_attribute("srcdoc"))
    page.switch_to.frame(find(page, "#tree"))
    wait_until(lambda: texts(page, "#tree .node text"))
    assert texts(page, "h1 .source") == [TEXT]
    best = expected["beam"].translate(TEXT).best
    words = texts(page, "#tree .node.winner text:not(.probability)")
    assert words == ["start", *best.tokens, "★ end"]
    page.switch_to.default_content()


def test_ignores_answers_that_arrive_late(page, expected):
    type_text(page, "mann")
    page.execute_script(
        """
        const fetch = window.fetch;
        window.fetch = (path, options) => {
          const isSlow = options.body?.includes("schläft");
          // Without the signal, so that the answer arrives although it was aborted.
          return new Promise(resolve => setTimeout(() => resolve(
            fetch(path, { ...options, signal: null })), isSlow ? 1000 : 0));
        };
        """
    )
    replace_text(page, TEXT)
    time.sleep(0.5)
    type_text(page, "hund")
    time.sleep(1)
    assert texts(page, "#output p") == [expected["beam"]("hund")]


def test_reports_errors_and_long_texts(page):
    page.execute_script("arguments[0].value = 'a'.repeat(3000)", find(page, "#source"))
    find(page, "#source").send_keys("a")
    wait_until(lambda: "at most 2000 characters" in find(page, "#status").text)
    assert find(page, "#status").get_attribute("class") == "quiet error"
    logged = console_of(page)
    assert len(logged) == 1 and "422" in logged[0]


def test_markup_is_shown_as_text(page):
    type_text(page, "<img src=x onerror=alert(1)> </script><b>")
    assert texts(page, "#words bdi") == ["<img", "src=x", "onerror=alert(1)>", "</script><b>"]
    find(page, "#beam summary").click()
    wait_until(lambda: find(page, "#tree").get_attribute("srcdoc"))
    page.switch_to.frame(find(page, "#tree"))
    wait_until(lambda: texts(page, "h1 .source"))
    assert texts(page, "h1 .source") == ["<img src=x onerror=alert(1)> </script><b>"]
    page.switch_to.default_content()


def test_right_to_left_scripts(page):
    type_text(page, "رجل ينام hund")
    words = page.find_elements("css selector", ".source-word")
    places = [word.location["x"] for word in words]
    assert places == sorted(places, reverse=True)
    type_text(page, TEXT)
    assert page.execute_script("return words.dir") == "ltr"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_the_width_and_follows_the_color_scheme(width, scheme, page):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        type_text(page, TEXT + " " + "langeswort" * 30)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        color = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        is_dark = int(re.findall(r"\d+", color)[0]) < 128
        assert is_dark == (scheme == "dark")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_every_control_has_a_name(page):
    type_text(page, TEXT)
    unnamed = page.execute_script(
        """
        return [...document.querySelectorAll("button, input, select, textarea, iframe")].filter(
          item => !item.labels?.length && !item.textContent.trim() && !item.title).length
        """
    )
    assert unnamed == 0


def test_asks_for_a_token(browser, directories, expected):
    with start_server("--model_dir", directories / "greedy", "--token", "secret") as server:
        browser.get(server.url)
        wait_until(lambda: find(browser, "#token-form").is_displayed())
        find(browser, "#token").send_keys("wrong\n")
        wait_until(lambda: "Bearer" in find(browser, "#status").text)
        find(browser, "#token").send_keys("secret\n")
        wait_until(lambda: not find(browser, "#token-form").is_displayed())
        type_text(browser, TEXT)
        assert texts(browser, "#output p") == [expected["greedy"](TEXT)]
    assert all("401" in line for line in console_of(browser))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A dog.", ["A", "dog", "￭."]),
        ("“A” 中国", ["“￭", "A", "￭”", "中", "￭国"]),
        ("A Hund@@ a@b", ["A", "Hund@@", "a￭", "￭@￭", "￭b"]),
        ("Hundehütte", ["Hund@@", "e@@", "hütte"]),
        ("a @@ b", ["a", "@@", "b"]),
        ("a dog", ["▁a", "▁d", "og"]),
    ],
)
def test_tokens_with_the_marks_of_tokenizers_are_found_in_the_text(text, tokens, page):
    script = "return [...locate(...arguments)].map(([, , index]) => index)"
    assert page.execute_script(script, text, tokens) == list(range(len(tokens)))


def test_starts_again_if_the_server_is_busy_at_first(browser, server, expected):
    script = """
        const original = window.fetch;
        let calls = 0;
        window.fetch = (...args) => calls++ ? original(...args) : Promise.resolve(
          new Response("{}", { status: 503, headers: { "Retry-After": "1" } }));
    """
    command = "Page.addScriptToEvaluateOnNewDocument"
    added = browser.execute_cdp_cmd(command, {"source": script})
    try:
        browser.get(server.url)
        wait_until(lambda: find(browser, "#status").get_attribute("class") == "quiet error")
        wait_until(lambda: texts(browser, "#model option") == ["beam", "greedy"])
        type_text(browser, TEXT)
        assert texts(browser, "#output p") == [expected["beam"](TEXT)]
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
