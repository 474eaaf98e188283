"""The closing line counts everything, hides nothing, and fails when nothing was tested."""

import subprocess
import sys
from pathlib import Path

CLOSING_LINE = Path(__file__).resolve().parent / "closing_line.py"

CTEST = """<testsuite tests="4">
  <testcase name="Queue.IsFair" classname="Queue.IsFair" status="run"/>
  <testcase name="Queue.Drops" classname="Queue.Drops" status="fail"><failure/></testcase>
  <testcase name="Gpu.Runs" classname="Gpu.Runs" status="notrun">
    <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
    <system-out>gpu_test.cpp:3: Skipped
this machine has no GPU
</system-out></testcase>
  <testcase name="Lost" classname="Lost" status="notrun"/>
</testsuite>"""
PYTEST = """<testsuites><testsuite>
  <testcase classname="python.tests.test_a" name="test_b"/>
  <testcase classname="python.tests.test_a" name="test_c"><skipped message="no network"/></testcase>
  <testcase classname="python.tests.test_a" name="test_d"><error message="fixture"/></testcase>
</testsuite></testsuites>"""


def close(*arguments) -> tuple[int, list[str]]:
    run = subprocess.run([sys.executable, CLOSING_LINE, *map(str, arguments)],
                         capture_output=True, text=True, check=False)
    return run.returncode, run.stdout.splitlines()


def test_both_kinds_of_report_are_added_up(tmp_path):
    (tmp_path / "debug.xml").write_text(CTEST)
    (tmp_path / "python.xml").write_text(PYTEST)
    status, lines = close(tmp_path / "debug.xml", tmp_path / "python.xml")
    assert status == 1
    assert lines[-1] == "2 passed, 3 failed, 2 skipped"


def test_a_skipped_test_is_named_with_its_reason(tmp_path):
    (tmp_path / "debug.xml").write_text(CTEST)
    _, lines = close(tmp_path / "debug.xml")
    assert "skipped: debug: Gpu.Runs: this machine has no GPU" in lines


def test_a_stage_counts_as_one(tmp_path):
    status, lines = close("--stage", "lint=passed", "--stage", "fuzz 5=failed")
    assert status == 1
    assert lines == ["failed: fuzz 5", "1 passed, 1 failed, 0 skipped"]


def test_a_report_that_cannot_be_read_is_a_failure(tmp_path):
    (tmp_path / "debug.xml").write_text("<testsuite>")
    assert close(tmp_path / "debug.xml")[1][-1] == "0 passed, 1 failed, 0 skipped"


def test_nothing_tested_is_no_success():
    assert close() == (1, ["0 passed, 0 failed, 0 skipped"])


def test_success_needs_only_passes(tmp_path):
    (tmp_path / "a.xml").write_text('<testsuite><testcase name="a" classname="a"/></testsuite>')
    assert close(tmp_path / "a.xml") == (0, ["1 passed, 0 failed, 0 skipped"])
