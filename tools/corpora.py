#!/usr/bin/env python3
"""Collects natural text in many languages for tokenizers: Debian's manual pages and descriptions.

    tools/corpora.py [LANGUAGE...]        all of them unless some are named

Writes build/corpora/LANGUAGE.txt, a paragraph a line, for each package below that apt can fetch,
and descriptions.txt with what apt knows of its packages. Packages are unpacked, not installed. What
is there already stays.
"""

import gzip
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "build/corpora"
PACKAGES = {
    "english": "manpages", "german": "manpages-de", "french": "manpages-fr",
    "spanish": "manpages-es", "italian": "manpages-it", "polish": "manpages-pl",
    "czech": "manpages-cs", "danish": "manpages-da", "dutch": "manpages-nl",
    "portuguese": "manpages-pt-br", "romanian": "manpages-ro", "hungarian": "manpages-hu",
    "turkish": "manpages-tr", "vietnamese": "manpages-vi", "greek": "manpages-el",
    "russian": "manpages-ru", "ukrainian": "manpages-uk", "serbian": "manpages-sr",
    "japanese": "manpages-ja", "chinese": "manpages-zh",
}
ESCAPES = re.compile(r"\\(?:f\(..|f\[[^]]*\]|f.|s[+-]?\d+|[&|^%/,!])")
BREAKS = re.compile(r"\.\s*(?:PP|LP|P|SH|SS|TP|IP|sp|Sh|Ss|Pp|br)\b")


def paragraphs(page):
    """The words of a manual page without its troff: enough for a corpus, not for reading."""
    lines = []
    for line in page.splitlines():
        if line.startswith((".", "'")):
            if BREAKS.match(line) and lines:
                yield " ".join(lines)
                lines = []
            continue
        line = ESCAPES.sub("", line).replace("\\-", "-").replace("\\(aq", "'").replace("\\", "")
        if line.strip():
            lines.append(line.strip())
    if lines:
        yield " ".join(lines)


def manual_pages(package):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "--quiet=2", "download", package], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)
        for archive in list(pathlib.Path(folder).glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(archive), folder], check=True)
        for path in sorted(pathlib.Path(folder).glob("usr/share/man/**/*.gz")):
            if not path.is_symlink():
                yield from paragraphs(gzip.decompress(path.read_bytes()).decode(errors="replace"))


def descriptions():
    fields = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True)
    text = []
    for line in fields.stdout.splitlines():
        if line.startswith("Description:"):
            text = [line.removeprefix("Description:").strip()]
        elif text and line.startswith(" "):
            text.append(line.strip())
        elif text:
            yield " ".join(text)
            text = []


def write(path, lines):
    unique = dict.fromkeys(line for line in lines if line)
    path.write_text("".join(line + "\n" for line in unique), encoding="utf-8")
    print(f"{path}: {len(unique)} paragraphs, {path.stat().st_size / 1e6:.1f} MB")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    sources = {name: (manual_pages, package) for name, package in PACKAGES.items()}
    sources["descriptions"] = (descriptions,)
    for name in sys.argv[1:] or sources:
        make, *arguments = sources[name]
        path = FOLDER / f"{name}.txt"
        if path.exists():
            continue
        try:
            write(path, make(*arguments))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
