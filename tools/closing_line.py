#!/usr/bin/env python3
"""Adds up test reports and says so in one closing line: N passed, N failed, N skipped.

Each skipped test is named with its reason, and each failed one by its name: a closing line that
hides either would be worth nothing. Exit status 0 only when something passed and nothing failed.
"""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome_of(case: ElementTree.Element) -> tuple[str, str]:
    """A JUnit test case's outcome as ctest and pytest write it, and the reason if it has one."""
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        element = case.find(tag)
        if element is not None:
            return outcome, skip_reason(case, element) if outcome == "skipped" else ""
    return ("failed", "not run") if case.get("status") == "notrun" else ("passed", "")


def skip_reason(case: ElementTree.Element, skipped: ElementTree.Element) -> str:
    """pytest gives the reason; of a GoogleTest run by ctest it is a line of the test's output."""
    message = skipped.get("message", "")
    if message and not message.startswith("SKIP_"):
        return message
    lines = [line.strip() for line in case.findtext("system-out", "").splitlines()]
    for index, line in enumerate(lines):
        if line.endswith(": Skipped") and index + 1 < len(lines):
            return lines[index + 1]
    return message


def read_report(path: Path) -> list[tuple[str, str, str]]:
    """(name, outcome, reason) for each case. A report that cannot be read is itself a failure."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        return [(str(path), "failed", f"no readable report: {error}")]
    cases = []
    for case in root.iter("testcase"):
        folder, name = case.get("classname", ""), case.get("name", "")
        full_name = name if folder in ("", name) else f"{folder} {name}"
        cases.append((f"{path.stem}: {full_name}", *outcome_of(case)))
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="*", type=Path, help="JUnit XML files")
    parser.add_argument("--stage", action="append", default=[], metavar="NAME=passed|failed",
                        help="something without a report that counts as one test")
    arguments = parser.parse_args()

    cases = [case for report in arguments.reports for case in read_report(report)]
    for stage in arguments.stage:
        name, _, outcome = stage.rpartition("=")
        cases.append((name, outcome, ""))

    for shown in ("skipped", "failed"):
        for name, outcome, reason in cases:
            if outcome == shown:
                print(f"{shown}: {name}{': ' + reason if reason else ''}")
    counts = Counter(outcome for _, outcome, _ in cases)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
