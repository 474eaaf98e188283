"""The live page and the documentation, in a headless Chromium."""

from __future__ import annotations

import contextlib
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, Page, browser
from http_client import (HILO_HTTP, HttpServer, both_lanes_used, http_port, serving_apart,
                         serving_http, stop)
from processes import ROOT, Engine

KEY = "k" * 40
ASKED = "document.querySelector('#key-dialog').open"
READY = "document.body.dataset.state === 'ready'"
# The second report is there: the lanes have figures.
LOOKED = "!document.querySelector('#share-text b').textContent.includes('–')"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("logs"), "--model", model_folder) as serving:
        yield serving


@contextlib.contextmanager
def opened(
    chromium: Browser, server: HttpServer, path: str = "/", **look: object
) -> Iterator[Page]:
    """The test fails if the page has asked anybody else, or complained."""
    origin = f"http://127.0.0.1:{server.port}/"
    page = chromium.open(origin.rstrip("/") + path, **look)
    yield page
    assert [url for url in page.requests if not url.startswith(origin)] == []
    assert page.problems == []
    page.close()


def embedding(server: HttpServer) -> contextlib.AbstractContextManager[None]:
    return both_lanes_used(server, ["resize photos"], ["a longer text of an index"] * 16)


def server_figure(name: str) -> str:
    figure = f"document.querySelector('#server [data-figure={name}]').textContent"
    return f"parseFloat({figure}.replace(/[,k]/g, ''))"


def figure(lane: str, name: str) -> str:
    return f"document.querySelector('.lane.{lane} [data-figure={name}]').textContent"


# ---- What it shows


def test_the_lanes_move_while_clients_embed(chromium: Browser, server: HttpServer) -> None:
    with opened(chromium, server) as page:
        page.until(READY)
        assert page.text("#state") == "Ready"
        assert page.text("h1") == server.ask("GET", "/v1/models").json["data"][0]["id"]
        page.until(LOOKED)
        with embedding(server):
            for lane in ("high", "low"):
                page.until(f"parseFloat({figure(lane, 'texts')}) > 0")
                assert re.fullmatch(r"[\d.]+(µs|ms|s)", page.evaluate(figure(lane, "p50")))
                curve = f"document.querySelector('.lane.{lane} [data-curve=latency] .line')"
                page.until(f"{curve}.getAttribute('d') !== ''")
            page.until("document.querySelector('#share .low').width.baseVal.value > 0")
            # For texts and, of the same name, for vectors of tokens, each in both lanes.
            page.until("document.querySelectorAll('#clients tr').length === 4")
            assert "hilo-http" in page.text("#clients")
            before = page.evaluate(server_figure("requests"))
            page.until(f"{server_figure('requests')} > {before}")
        assert page.failed_loads == []


def test_its_quantiles_are_the_engines(chromium: Browser, server: HttpServer) -> None:
    with opened(chromium, server) as page, embedding(server):
        page.until(LOOKED)
        for told in page.evaluate("""
            const { quantile } = await import("/page/figures.js");
            const { engine } = await (await fetch("/status")).json();
            Object.values(engine.lanes).map(({ whole_buckets: { counts, max }, stages_ns }) =>
              [0.5, 0.9, 0.99, 0.999].map((q) =>
                [quantile(counts, q, max), stages_ns.whole[`p${q * 100}`]]))
        """):
            for ours, engines in told:
                assert ours == engines > 0


def test_two_texts_are_compared(chromium: Browser, server: HttpServer) -> None:
    texts = ["a cat sat on the mat", "ein Kater saß auf der Matte"]
    a, b = (row["embedding"] for row in server.embed({"input": texts}).json["data"])
    cosine = sum(x * y for x, y in zip(a, b, strict=True))
    with opened(chromium, server) as page:
        fill(page, *texts)
        page.evaluate("document.querySelector('#try-form').requestSubmit()")
        page.until("document.querySelector('#try-summary').textContent !== ''")
        assert page.text("#measure-value") == f"{cosine:.3f}"
        assert page.text("#try-summary").startswith(f"The cosine is {cosine:.3f}: ")
        assert page.text("#try-summary").endswith("lane HIGH.")
        assert page.evaluate("document.querySelectorAll('canvas').length") == 2
        fill(page, "alone", "")
        assert page.text("#try-form button") == "Embed"
        page.evaluate("document.querySelector('#try-form').requestSubmit()")
        page.until("document.querySelectorAll('canvas').length === 1")
        assert not page.evaluate("document.querySelector('#measure').checkVisibility()")
        fill(page, "word " * 30_000, "")
        page.evaluate("document.querySelector('#try-form').requestSubmit()")
        page.until("document.querySelector('#result').hidden")
        assert "may have 131072" in page.text("#try-summary")


def test_a_cross_encoder_scores(chromium: Browser, runtime: Path, tmp_path: Path) -> None:
    folder = ROOT / "tests/golden/families/bert_cross_encoder"
    with serving_http(tmp_path, runtime / "s", "--model", folder) as server:
        body = {"query": "resize photos", "documents": ["a cat"]}
        score = server.ask("POST", "/v1/rerank", body).json["results"][0]["relevance_score"]
        with opened(chromium, server) as page:
            page.until("document.querySelector('[for=text-a]').textContent === 'Query'")
            fill(page, "resize photos", "a cat")
            page.evaluate("document.querySelector('#try-form').requestSubmit()")
            page.until("document.querySelectorAll('.tokens').length === 2")
            assert page.text("#measure-value") == f"{score:.3f}"


def fill(page: Page, *texts: str) -> None:
    for name, text in zip("ab", texts, strict=True):
        page.evaluate(f"""
            document.querySelector("#text-{name}").value = {json.dumps(text)};
            document.querySelector("#text-{name}").dispatchEvent(new Event("input"));
        """)


def test_the_tokens_are_shown(chromium: Browser, server: HttpServer) -> None:
    with opened(chromium, server) as page:
        fill(page, "resize photos", "")
        page.evaluate("document.querySelector('#try-form').requestSubmit()")
        page.until("document.querySelectorAll('.tokens li').length === 5")
        tokens = server.ask("POST", "/tokenize", {"inputs": "resize photos"}).json[0]
        shown = page.text(".tokens").split()
        assert shown == [part for token in tokens for part in (token["text"], str(token["id"]))]
        assert "5 tokens" in page.text("#texts-shown h3")


# ---- For everybody


def test_the_keyboard_is_enough(chromium: Browser, server: HttpServer) -> None:
    focused = "document.activeElement.id || document.activeElement.textContent.trim()"

    def tab_to(place: str) -> None:
        for _ in range(20):
            page.press("Tab")
            if page.evaluate(focused) == place:
                assert page.evaluate("document.activeElement.matches(':focus-visible')")
                return
        raise AssertionError(f"the focus does not come to {place}")

    with opened(chromium, server) as page:
        page.press("Tab")
        assert page.evaluate(focused) == "Skip to the text box"
        page.press("Enter")
        tab_to("text-a")
        page.type("resize photos")
        tab_to("text-b")
        page.press("Tab")
        page.press("ArrowRight")
        tab_to("Compare")
        page.press("Enter")
        page.until("document.querySelector('#try-summary').textContent !== ''")
        assert page.text("#try-summary").endswith("lane LOW.")
        assert page.evaluate(focused) == "Compare", "the focus stays where it was"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_every_control_has_a_name(chromium: Browser, server: HttpServer, path: str) -> None:
    with opened(chromium, server, path) as page:
        page.until(CONTENT[path])
        page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        controls = {"button", "textbox", "radio", "combobox", "link", "image", "spinbutton"}
        found = [node for node in nodes if node.get("role", {}).get("value") in controls]
        assert len(found) >= 8
        assert [node for node in found if not node.get("name", {}).get("value")] == []


CONTENT = {"/": LOOKED, "/docs": "document.querySelectorAll('.operation').length > 5"}
# The least contrast of a text with what is behind it, of those below the 4.5 of WCAG's AA.
TOO_FAINT = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (c) => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    return .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(each).backgroundColor);
      if (alpha > 0) return [r, g, b];
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (walker.nextNode()) {
    const { parentElement: element, textContent: text } = walker.currentNode;
    if (!text.trim() || !element.checkVisibility()) continue;
    const pair = [numbers(getComputedStyle(element).color), behind(element)].map(luminance);
    const contrast = (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
    if (contrast < 4.5) faint.push([text.trim(), contrast]);
  }
  return faint;
})()
"""


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_light_dark_and_narrow(chromium: Browser, server: HttpServer, path: str) -> None:
    with opened(chromium, server, path, width=360, height=740) as page:
        page.until(CONTENT[path])
        page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
        if path == "/":
            page.evaluate("document.querySelector('#try-form').requestSubmit()")
            page.until("document.querySelectorAll('canvas').length === 2")
        papers = []
        for dark in (False, True):
            page.look(360, 740, dark)
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert page.evaluate(TOO_FAINT) == []
        assert papers[0] != papers[1]
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


# ---- With keys


def test_a_key_is_asked_for_once(chromium: Browser, runtime: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n")
    keys.chmod(0o600)
    options = ("--backend", "echo", "--http-api-keys", keys)
    with serving_http(tmp_path, runtime / "s", *options) as server, opened(
        chromium, server
    ) as page:
        page.until(ASKED)
        assert page.evaluate("document.activeElement.id") == "key"
        page.type("wrong" * 8)
        page.press("Enter")
        page.until(f"{ASKED} && document.querySelector('#key-dialog .wrong').checkVisibility()")
        page.press("Escape")
        page.until("document.body.dataset.state === 'key'")
        page.evaluate("document.querySelector('#try-form').requestSubmit()")
        page.until(ASKED)
        page.type(KEY)
        page.press("Enter")
        page.until("document.querySelector('#try-summary').textContent.startsWith('The cosine')")
        page.until(READY)
        assert page.evaluate("sessionStorage.length") == 1
        assert page.evaluate("localStorage.length") == 0


# ---- When processes die


def test_an_engine_that_goes_and_comes(chromium: Browser, runtime: Path, tmp_path: Path) -> None:
    serve = ("serve", "--backend", "echo", "--socket", runtime / "s")
    with Engine(tmp_path, "--socket", runtime / "s", "--listen", "0", program=HILO_HTTP) as front:
        front.await_log("listening")
        server = HttpServer(front, http_port(front))
        with opened(chromium, server) as page:
            page.until("document.body.dataset.state === 'absent'")
            assert page.text("#state").startswith("No engine listens at ")
            with Engine(tmp_path, *serve) as engine:
                page.until(READY)
                page.until(LOOKED)
                engine.signal(signal.SIGKILL)
                engine.wait()
            page.until("document.body.dataset.state === 'absent'")
            assert page.evaluate(figure("high", "texts")) == "–"
            with Engine(tmp_path, *serve) as engine:
                page.until(READY)
                stop(front)
                page.until("document.body.dataset.state === 'gone'")
                assert page.text("#state") == "This server does not answer"
                stop(engine)


# ---- The documentation


def test_routes_can_be_tried(chromium: Browser, server: HttpServer) -> None:
    with opened(chromium, server, "/docs#embeddings") as page:
        page.until(CONTENT["/docs"])
        described = server.ask("GET", "/openapi.json").json["paths"]
        drawn = page.evaluate("document.querySelectorAll('.operation').length")
        assert drawn == sum(len(item) for item in described.values())
        assert page.evaluate("document.querySelector('#embeddings').open")
        page.evaluate("document.querySelector('#embeddings form').requestSubmit()")
        page.until("document.querySelector('#embeddings .answer').textContent !== ''")
        assert page.text("#embeddings .outcome").startswith("200 in ")
        assert page.text("#embeddings .outcome").endswith("lane HIGH")
        page.evaluate("""
            document.querySelector("#model input").value = "gpt";
            document.querySelector("#model").open = true;
            document.querySelector("#model form").requestSubmit();
        """)
        page.until("document.querySelector('#model .answer').textContent !== ''")
        assert page.text("#model .outcome").startswith("404 in ")
        assert "model_not_found" in page.text("#model .answer")
