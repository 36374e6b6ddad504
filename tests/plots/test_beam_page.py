import io
import math
import re

import numpy as np
import pytest
from decoding.searching import arrays_of, run
from decoding.table_model import TableModel
from harness.browser import console_of, open_browser
from plots.toy_tree import to_tokens, toy_tree

from keras_seq2seq.decoding import BeamSearch, BeamTree
from keras_seq2seq.plots import write_beam_page
from keras_seq2seq.plots.beam_page import find_end, find_ends, read_nodes

HYPOTHESES = [([4, 5, 7], math.log(0.216)), ([4, 6], math.log(0.06))]


def test_reads_nodes_and_their_parents():
    nodes = read_nodes(toy_tree())
    parents_and_ids = [(node.parent, node.id) for node in nodes]
    assert parents_and_ids == [
        (-1, 2),
        (0, 4),
        (0, 5),
        # The second step: "man" ends, and "a" continues.
        (2, 3),
        (1, 5),
        (1, 6),
        (5, 3),
        (4, 7),
        (7, 3),
    ]
    probabilities = np.exp([node.score for node in nodes])
    np.testing.assert_allclose(probabilities, [1, 0.6, 0.3, 0.1, 0.5, 0.25, 0.4, 0.8, 0.9])


def test_finds_the_ends_of_hypotheses():
    nodes = read_nodes(toy_tree())
    assert [find_end(nodes, ids) for ids in ([4, 5, 7], [4, 6], [5])] == [8, 6, 3]
    for ids in ([4, 5], [], [4, 5, 7, 3]):
        with pytest.raises(ValueError, match="no hypothesis of the tree has these tokens"):
            find_end(nodes, ids)


def test_the_nodes_of_many_hypotheses_are_indexed_once():
    class Nodes(list):
        read = 0

        def __iter__(self):
            self.read += 1
            return super().__iter__()

    nodes = Nodes(read_nodes(toy_tree()))
    assert find_ends(nodes, [[4, 5, 7], [4, 6], [5]]) == [8, 6, 3]
    assert nodes.read == 1


def test_paths_have_the_scores_of_their_hypotheses():
    search = BeamSearch(3, n_best=3, max_length=5, return_tree=True)
    found = arrays_of(run(search, TableModel(3, 9, seed=5)))
    tree = arrays_of(found.tree)
    for row in range(3):
        nodes = read_nodes(BeamTree(*(part[row] for part in tree)))
        for ids, score in zip(found.ids[row].tolist(), found.scores[row], strict=True):
            index, total = find_end(nodes, ids[: ids.index(3)]), 0.0
            while index >= 0:
                total, index = total + nodes[index].score, nodes[index].parent
            assert total == pytest.approx(score, abs=1e-4)


def chain(steps):
    """Returns the tree of a search with one beam, which ends after a number of steps."""
    ids = np.full((steps + 1, 1), 4)
    ids[steps] = 0
    scores = np.full(ids.shape, -0.1)
    ends = np.arange(steps + 1)[:, None] == steps
    return BeamTree(ids, np.zeros_like(ids), scores, ends, scores)


def page_of(tree=None, to_tokens=to_tokens, hypotheses=HYPOTHESES, **options) -> str:
    file = io.StringIO()
    write_beam_page(file, tree or toy_tree(), to_tokens, hypotheses, **options)
    return file.getvalue()


def test_the_page_is_self_contained():
    page = page_of()
    addresses = set(re.findall(r"\w+://[^\"' ]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"<link|<img|<iframe|@import|url\(|\bsrc=|fetch\(", page)


def test_a_hypothesis_must_be_in_the_tree():
    with pytest.raises(ValueError, match="no hypothesis of the tree"):
        page_of(hypotheses=[([7], -1.0)])


@pytest.fixture(scope="module")
def browser():
    with open_browser() as driver:
        yield driver


@pytest.fixture
def open_page(browser, tmp_path):
    def open_page(**options):
        path = tmp_path / "page.html"
        path.write_text(page_of(**options), encoding="utf-8")
        browser.get(path.as_uri())
        return browser

    yield open_page
    assert console_of(browser) == []


def texts(browser, selector):
    script = "return [...document.querySelectorAll(arguments[0])].map(n => n.textContent)"
    return browser.execute_script(script, selector)


def transform(browser):
    text = browser.execute_script("return scene.getAttribute('transform')")
    x, y, scale = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", text))
    return x, y, scale


def test_shows_all_nodes_with_their_probabilities(open_page):
    labels = texts(open_page(), "#tree .node text")
    assert labels[0] == "start"
    pairs = sorted(zip(labels[1::2], labels[2::2], strict=True))
    assert pairs == [
        ("a", "60 %"),
        ("dog", "25 %"),
        ("end", "10 %"),
        ("end", "40 %"),
        ("man", "30 %"),
        ("man", "50 %"),
        ("sleeps", "80 %"),
        ("★ end", "90 %"),
    ]


def test_highlights_the_best_hypothesis(open_page):
    browser = open_page(source="ein mann schläft")
    words = "#tree .node.winner text:not(.probability)"
    assert texts(browser, words) == ["start", "a", "man", "sleeps", "★ end"]
    assert len(browser.find_elements("css selector", "path.edge.winner")) == 4
    colors = browser.execute_script(
        "return ['.node.winner:not(.end) > .box', '.node:not(.winner):not(.end) > .box'].map("
        "s => getComputedStyle(document.querySelector(s)).stroke)"
    )
    assert colors[0] != colors[1]
    assert texts(browser, "h1 bdi") == ["ein mann schläft", "★ a man sleeps"]
    assert browser.title == "ein mann schläft"


def test_lists_finished_hypotheses_best_first(open_page):
    browser = open_page()
    assert texts(browser, "#finished") == ["3 finished hypotheses"]
    assert texts(browser, "#hypotheses bdi") == ["a man sleeps", "a dog", "man"]
    assert texts(browser, "#hypotheses .rank") == ["★ 1  ", "2  ", ""]
    figures = texts(browser, "#hypotheses .figures")
    # ln 0.216, ln 0.06, ln 0.03
    assert figures[0] == "score -1.5325, log-probability -1.5325"
    assert figures[2] == "log-probability -3.5066"


def test_nodes_do_not_overlap(open_page):
    boxes = open_page().execute_script(
        "return [...document.querySelectorAll('.node > .box')].map(n => {"
        "const r = n.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]})"
    )
    assert len(boxes) == 9
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and top >= 0 and right > left
        for left2, top2, right2, bottom2 in boxes[:i]:
            assert right < left2 or right2 < left or bottom < top2 or bottom2 < top


def test_zooming(open_page):
    browser = open_page()
    before = transform(browser)
    browser.find_element("id", "in").click()
    assert transform(browser)[2] == pytest.approx(1.25 * before[2])
    browser.find_element("id", "out").click()
    assert transform(browser) == pytest.approx(before)
    # The point under the pointer does not move.
    place = "const r = nodes[4].group.getBoundingClientRect(); return [r.left, r.top]"
    left, top = browser.execute_script(place)
    browser.execute_script(
        "const r = tree.getBoundingClientRect(); tree.dispatchEvent(new WheelEvent('wheel', "
        "{deltaY: -240, clientX: arguments[0], clientY: arguments[1], cancelable: true}))",
        left,
        top,
    )
    assert transform(browser)[2] == pytest.approx(before[2] * math.exp(0.48))
    assert browser.execute_script(place) == pytest.approx([left, top], abs=2.5)


def test_dragging_pans(open_page):
    from selenium.webdriver import ActionChains

    browser = open_page()
    x, y, scale = transform(browser)
    tree = browser.find_element("id", "tree")
    drag = ActionChains(browser).move_to_element_with_offset(tree, 0, 200)
    drag.click_and_hold().move_by_offset(60, -35).release().perform()
    assert transform(browser) == pytest.approx((x + 60, y - 35, scale), abs=0.5)


def test_keys(open_page):
    browser = open_page()
    before = transform(browser)
    body = browser.find_element("tag name", "body")
    body.send_keys("+")
    assert transform(browser)[2] > before[2]
    body.send_keys("0")
    assert transform(browser) == pytest.approx(before)
    body.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "search"


def test_searching(open_page):
    browser = open_page()
    field = browser.find_element("id", "search")
    field.send_keys("MA")
    found = "#tree .node.found text:not(.probability)"
    assert texts(browser, found) == ["man", "man"]
    assert texts(browser, "#matches") == ["2 found"]
    field.send_keys("\ue007")
    assert texts(browser, "#matches") == ["1 of 2"]
    field.send_keys("x")
    assert texts(browser, found) == []


def test_selecting_a_word_shows_its_hypothesis(open_page):
    browser = open_page()
    browser.execute_script(
        "document.querySelectorAll('.node')[5].dispatchEvent("
        "new MouseEvent('click', {bubbles: true}))"
    )
    assert texts(browser, "#prefix") == ["a dog"]
    assert texts(browser, "#probability") == ["25 %"]
    assert texts(browser, "#total") == ["-1.8971"]  # ln 0.15
    assert texts(browser, "#tree .node.on text:not(.probability)") == ["start", "a", "dog"]


def test_tokens_are_escaped(open_page):
    evil = [
        "</script><script>document.title='broken'</script>",
        "<b>bold</b>",
        "{{title}}",
        "&amp;",
        "\u2028",
        " ",
    ]

    def to_tokens(ids):
        return [evil[i % len(evil)] for i in ids]

    source = "</title><script>document.title='broken'</script> {{data}} &lt;"
    browser = open_page(to_tokens=to_tokens, source=source)
    assert browser.title == source
    # The best hypothesis has the tokens 4, 5 and 7.
    translation = f"★ {evil[4]} {evil[5]} {evil[1]}"
    assert texts(browser, "h1 bdi") == [source, translation]
    assert len(browser.find_elements("tag name", "script")) == 2
    assert browser.find_elements("css selector", "h1 b, #hypotheses b, svg b") == []


def test_a_long_tree_starts_at_its_first_word(open_page):
    browser = open_page(tree=chain(100), hypotheses=[([4] * 100, -10.1)])
    x, _, scale = transform(browser)
    assert x > 0 and scale >= 0.75
    assert browser.find_element("id", "minimap").is_displayed()
    # Each column is at least 60 pixels wide, and the page 1,060.
    browser.find_element("id", "fit").click()
    assert transform(browser)[2] < 1060 / 6000
