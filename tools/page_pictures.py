#!/usr/bin/env python3
"""Takes pictures of the pages of hilo-http while both lanes work, light and dark, wide and narrow.

    HILO_MODEL=DIR .venv/bin/python tools/page_pictures.py FOLDER [SECONDS]

docs/page.webp is live-1280-light.webp of a minute. Needs a release build and Chromium.
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))
from browser import Page, browser  # noqa: E402  (beside the tests, which are no package)
from http_client import both_lanes_used, serving_apart  # noqa: E402

SIZES = ((1280, 900), (360, 740))
QUESTION = ["resize photos from the command line"]
DESCRIPTION = "a program that does something useful, with a manual and an example of its use"


def take(page: Page, folder: Path, name: str) -> None:
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            page.look(width, height, dark=scheme == "dark")
            picture = page.picture(format="webp", quality=80)
            (folder / f"{name}-{width}-{scheme}.webp").write_bytes(picture)


def main() -> None:
    folder = Path(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="hilo-") as scratch,
        serving_apart(Path(scratch), "--model", os.environ["HILO_MODEL"]) as server,
        browser(Path(scratch)) as chromium,
        both_lanes_used(server, QUESTION, [DESCRIPTION] * 256, pauses_s=(0.05, 0.1)),
    ):
        address = f"http://127.0.0.1:{server.port}"
        live = chromium.open(f"{address}/")
        live.evaluate(f"await new Promise((done) => setTimeout(done, {seconds * 1000}))")
        live.evaluate("document.querySelector('#try-form').requestSubmit()")
        live.until("!document.querySelector('#result').hidden")
        take(live, folder, "live")
        docs = chromium.open(f"{address}/docs#embeddings")
        docs.until("document.querySelector('#embeddings')?.open")
        docs.evaluate("document.querySelector('#embeddings form').requestSubmit()")
        docs.until("document.querySelector('#embeddings .answer').textContent !== ''")
        take(docs, folder, "docs")


if __name__ == "__main__":
    main()
