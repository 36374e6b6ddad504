import io
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from harness.browser import console_of, open_browser
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.data import Batching, inspect_pairs
from keras_seq2seq.data.inspection import PaddingEstimate
from keras_seq2seq.plots import write_inspection_page
from keras_seq2seq.plots.svg_charts import Bar, bar_chart, heat_map, histogram
from keras_seq2seq.text import Vocabulary

HOSTILE = [
    "</script><script>document.title = 'hacked'</script>",
    "<img src=x onerror=\"document.title = 'hacked'\">",
    "\u202eabc \u2066x \u2029 y",
    "{{title}} {{charts}} \\g<0>",
    "\x1b[31mred [bold]x[/bold]",
    "x" * 100_000,
    "w " * 5000,
    "مرحبا hello שלום",
    "&amp; ' \" `",
]


def page_of(sources, targets, padding=(), **options) -> str:
    file = io.StringIO()
    write_inspection_page(file, inspect_pairs(sources, targets, **options), padding)
    return file.getvalue()


class Elements(HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.names, self.text = Counter(), []
        self.feed(page)

    def handle_starttag(self, name, attributes):
        self.names[name] += 1
        self.attributes = attributes

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def hostile_page():
    vocabulary = Vocabulary(["a"])
    return page_of(HOSTILE, HOSTILE[::-1], source=vocabulary, target=vocabulary)


def test_hostile_text_stays_text(hostile_page):
    elements = Elements(hostile_page)
    assert not elements.names.keys() & {"script", "img", "iframe", "link", "object"}
    assert "".join(HOSTILE[0]) in elements.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", hostile_page)
    assert "<U+202E>abc <U+2066>x" in "".join(elements.text)


def test_long_lines_make_no_long_page(hostile_page):
    assert len(hostile_page) < 60_000


def test_the_page_loads_nothing(hostile_page):
    assert "default-src 'none'; style-src 'unsafe-inline'" in hostile_page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']|url\(|@import", hostile_page)
    assert "{{" not in hostile_page.replace("{{title}} {{charts}}", "")


def test_tables_and_charts_show_the_numbers():
    lengths = {(2, 3): 2}
    padding = [PaddingEstimate.of("given", Batching.of_pairs(((4, 6),), 8), lengths)]
    page = page_of(["a", "b"], ["a b", "c d"], padding)
    assert "<title>length 2: 2</title>" in page
    assert "<title>source 2, target 3: 2</title>" in page
    assert "<title>about 2.00: 2</title>" in page
    assert "<title>given, source: 0.0%</title>" in page
    assert "given: --buckets=4x6" in page
    assert page.count('role="img"') == 5


def test_histogram_scales_to_the_highest_bar():
    svg = histogram([Bar("one", 2, "1"), Bar("two", 4)], "Title <", "axis", "target", marker=1)
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"', svg)]
    assert heights[0] * 2 == pytest.approx(heights[1])
    assert 'aria-label="Title &lt;"' in svg
    assert svg.count('class="marker"') == 1


def test_charts_of_nothing():
    assert "<svg" in histogram([Bar("one", 0)], "title", "axis")
    assert "<svg" in bar_chart({"none": (0.0, 0.0)}, "title")
    assert "<svg" in heat_map({(0, 0): 1}, (1, 1), 1, "title")


def test_extreme_lengths():
    page = page_of(["a " * 10_000, "b"], ["c", "d " * 20_000], source_max_length=10_000)
    assert page.count("<rect") < 500


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_in_a_browser(hostile_page, tmp_path, width, scheme):
    path = tmp_path / "page.html"
    path.write_text(hostile_page, encoding="utf-8")
    with open_browser() as driver:
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(path.as_uri())
        assert driver.title == "sources and targets"
        assert console_of(driver) == []
        # Nothing is wider than the window, and tables can be reached with the keyboard.
        script = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert driver.execute_script(script)
        script = "return getComputedStyle(document.body).backgroundColor"
        color = driver.execute_script(script)
        assert color == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(20, 24, 30)")
        script = "return [...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0)"
        assert driver.execute_script(script)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_the_page(pairs):
    pairs = [
        tuple(line.encode("utf-8", "replace").decode() for line in pair)
        for pair in [*pairs, ("a", "b")]
    ]
    elements = Elements(page_of(pairs, None))
    plain = Elements(page_of([("a", "b")], None))
    assert elements.names.keys() <= plain.names.keys()
