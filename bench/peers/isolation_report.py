#!/usr/bin/env python3
"""The figures of `./dev bench isolation` as words: for the terminal and, made from a file in
bench/results, for the documents.

    python bench/peers/isolation_report.py bench/results/isolation-....json [--publish]
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import isolation_figures as figures
from figures import table

ROOT = Path(__file__).resolve().parents[2]
# Where the documents show the figures.
BEGIN, END = "<!-- isolation: begin -->", "<!-- isolation: end -->"
PLOT = "bench/results/isolation.svg"
COLUMNS = 140  # Of a line of prose in the documents.
# The rate at which hilo and its rivals are compared.
COMPARED_AT = 20.0
STOLEN_MAX = 0.002  # More is said.

Table = tuple[list[str], list[list[str]]]


def tokens_told(words: str) -> int:
    """How many there were, from the last line that `hilo embed` says."""
    found = re.findall(r"([\d,]+) tokens in ", words)
    if not found:
        raise OSError(f"hilo embed told no number of tokens, but: {words.strip()}")
    return int(found[-1].replace(",", ""))


def milliseconds(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def missed(fits: bool) -> str:
    return "" if fits else " (missed)"


def row_of(result: dict, name: str, per_second: float, low: str) -> dict | None:
    for row in result["arrangements"][name]["conditions"]:
        if (row["per_second"], row["low"]) == (per_second, low):
            return row
    return None


# ---- tables, as head and rows


def latencies(result: dict) -> Table:
    head = ["HIGH ms", "HIGH/s", "LOW", "n", "p50", "p99", "p99.9", "max", "LOW tokens/s",
            "of what HIGH leaves"]
    rows = []
    for name, of in result["arrangements"].items():
        for row in of["conditions"]:
            values = [milliseconds(row[key]) for key in (*figures.QUANTILES, "max")]
            low = ["", ""] if row["low"] == "off" else [
                f"{row['low_tokens_per_second']:,.0f}",
                kept_of_what_is_left(result, name, row)]
            rows.append([name, f"{row['per_second']:g}", row["low"], f"{row['texts']:,}", *values,
                         *low])
    return head, rows


def kept_of_what_is_left(result: dict, name: str, row: dict) -> str:
    # How long a text takes at a server says little of the compute that it needs.
    known = row["low"] == "saturating" and name not in result["servers"]
    return f"{row['kept_of_what_is_left']:.1%}" if known else ""


def alone(result: dict) -> Table:
    head = ["alone", "LOW tokens/s", f"of hilo embed (>= {figures.KEPT_IDLE_MIN:.0%})",
            "one HIGH text after the other", "memory"]
    rows = []
    for name, of in result["arrangements"].items():
        share = of["low_alone_of_embed"]
        rows.append([name, f"{of['low_alone_tokens_per_second']:,.0f}",
                     f"{share:.1%}{missed(share >= figures.KEPT_IDLE_MIN)}" if share else "",
                     f"{of['hot_ms']:.2f} ms", f"{of['memory_mib']:,.0f} MiB"])
    return head, rows


def promises(result: dict) -> Table:
    """hilo beside what is asked of it."""
    most = figures.RATIOS_MAX
    head = ["HIGH beside saturating LOW : alone [95 %]", "HIGH/s", f"p50 (<= {most['p50']})",
            f"p99 (<= {most['p99']})", f"p99.9 (<= {most['p999']:g})",
            f"LOW of what HIGH leaves (>= {figures.KEPT_MIN:.0%})"]
    rows = []
    for name, of in result["arrangements"].items():
        for ratios in of["saturating_to_off"] if name.startswith("hilo") else []:
            rate = ratios["per_second"]
            kept = row_of(result, name, rate, "saturating")["kept_of_what_is_left"]
            cells = []
            for key in figures.QUANTILES:
                ratio = ratios[key]
                cells.append(f"{ratio['ratio']:.2f} [{ratio['from']:.2f}, {ratio['to']:.2f}]"
                             f"{missed(ratio['ratio'] <= most[key])}")
            rows.append([name, f"{rate:g}", *cells,
                         f"{kept:.1%}{missed(kept >= figures.KEPT_MIN)}"])
    return head, rows


def comparison(result: dict) -> Table:
    """hilo's figures beside saturating LOW, and how many times better than the best rival's. The
    servers are compared at p99 alone."""
    head = [f"times the best int8 rival, HIGH at {COMPARED_AT:g}/s", "p50", "p99", "p99.9",
            "LOW tokens/s", "memory", "servers' p99"]
    found = {name: row for name in result["arrangements"]
             if (row := row_of(result, name, COMPARED_AT, "saturating"))}
    local = {name: row for name, row in found.items() if name not in result["servers"]}
    memory = {name: result["arrangements"][name]["memory_mib"] for name in local}
    rows = []
    for name in (name for name in found if name.startswith("hilo")):
        def times(value_of: Callable[[dict], float], lowest: bool, rows: dict = local) -> str:
            values = {other: value_of(row) for other, row in rows.items()}
            best = figures.best_rival(values, lowest)
            if best is None:
                return "-"
            own = value_of(found[name])
            return f"{best[1] / own if lowest else own / best[1]:.2f}"

        rivals_memory = figures.best_rival(memory, lowest=True)
        servers = {other: row for other, row in found.items() if other in result["servers"]}
        rows.append([
            name, *(times(lambda row, key=key: row[key], lowest=True) for key in figures.QUANTILES),
            times(lambda row: row["low_tokens_per_second"], lowest=False),
            f"{memory[name] / rivals_memory[1]:.2f} of it" if rivals_memory else "-",
            times(lambda row: row["p99"], lowest=True, rows=servers)])
    return head, rows


def all_tables(result: dict) -> list[Table]:
    return [made for make in (latencies, alone, promises, comparison) if (made := make(result))[1]]


def remarks(result: dict) -> list[str]:
    said = [f"{name} did not run, or not to the end: {reason}."
            for name, reason in result["not_run"].items()]
    if not result["complete"]:
        said.append("The run was stopped before its end.")
    if result["stolen_share"] > STOLEN_MAX:
        said.append(f"The host took {result['stolen_share']:.1%} of the time from this machine.")
    return said


def tables(result: dict) -> str:
    return "\n\n".join([*(table(head, rows) for head, rows in all_tables(result)),
                        *remarks(result)])


# ---- for the documents


def markdown(result: dict) -> str:
    parts = []
    for head, rows in all_tables(result):
        lines = [head, ["---"] * len(head), *rows]
        parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    return "\n\n".join([*parts, *remarks(result)])


def in_plain_words(result: dict, cores: int) -> str:
    """What the README says below the plot."""
    name = next(name for name in result["arrangements"] if name.startswith("hilo"))
    off, on = (row_of(result, name, COMPARED_AT, low) for low in ("off", "saturating"))
    rivals = {other: row["p99"] for other in result["arrangements"]
              if (row := row_of(result, other, COMPARED_AT, "saturating"))}
    best = figures.best_rival(rivals, lowest=True)
    if not off or not on or not best:
        raise SystemExit("the documents need hilo and its rivals, with LOW off and saturating")
    return (f"{COMPARED_AT:g} questions a second at random moments, {cores} cores: the share that "
            f"takes longer than so many milliseconds. With {name}, 99 of 100 are answered within "
            f"{milliseconds(on['p99'])} ms beside a LOW that takes all it gets "
            f"({milliseconds(off['p99'])} ms with LOW off), within {milliseconds(best[1])} ms with "
            f"the best of what one would set up without hilo ({best[0]}).")


def put(path: Path, block: str) -> None:
    """Writes the block between the marks of a document."""
    before, found, rest = path.read_text().partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise SystemExit(f"{path} has no lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{block}\n{END}{after}")


def publish(result: dict, about: dict) -> None:
    machine = about["machine"]
    said = (f"{machine['cpu']}, {machine['cores']} cores, {about['date'][:10]}, commit "
            f"{about['commit']}, `{about['command']}`:")
    title = "How long HIGH takes beside LOW, hilo and its rivals"
    words = in_plain_words(result, machine["cores"])
    put(ROOT / "docs/SCHEDULING.md", f"![{title}](../{PLOT})\n\n{said}\n\n{markdown(result)}")
    words = textwrap.fill(f"{words} [All figures](docs/SCHEDULING.md#measured)", COLUMNS,
                          break_long_words=False, break_on_hyphens=False)
    put(ROOT / "README.md", f"![{title}]({PLOT})\n\n{words}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path, help="a file of bench/results")
    parser.add_argument("--publish", action="store_true",
                        help="put them into README.md and docs/SCHEDULING.md")
    parser.add_argument("--plot", type=Path, help="draw the curves as an SVG file")
    arguments = parser.parse_args()
    about = json.loads(arguments.result.read_text())
    result = about.get("figures", about)  # An unfinished run has nothing but figures.
    print(tables(result))
    if arguments.publish:
        publish(result, about)
    if arguments.plot:
        import plot

        plot.draw_distributions(result, arguments.plot)


if __name__ == "__main__":
    main()
