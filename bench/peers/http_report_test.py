"""The arithmetic behind `./dev bench http`: a wrong ratio would be believed."""

import http_report as report
from over_http import BASE64, FLOAT, FLOOD, IN_PROCESS, OFF, Condition, Measured


def measured() -> dict[Condition, Measured]:
    return {
        Condition("hilo", IN_PROCESS): Measured(low_rates=[900.0, 1000.0, 1100.0]),
        Condition("hilo", BASE64): Measured(low_rates=[970.0]),
        Condition("hilo", FLOAT): Measured(low_rates=[940.0]),
        Condition("hilo", OFF, 20): Measured([[1.0] * 98 + [2.0] * 2]),
        Condition("hilo", FLOOD, 20): Measured([[1.0] * 98 + [3.0] * 2], 0, [800.0]),
        Condition("infinity", OFF, 20): Measured([[5.0] * 10]),
        Condition("infinity", FLOOD, 20): Measured([[50.0] * 10], 1, [400.0]),
    }


def result_of(of: dict[Condition, Measured]) -> dict:
    found = report.figures_of(of, (IN_PROCESS, BASE64, FLOAT), OFF)
    requests = [{"backend": "null", "connections": 64, "p50_ms": 1.0, "p99_ms": 2.0,
                 "per_second": 19_000.0, "cpu_us": 61.0, "refused": 1, "broken": 2}]
    return {"precision": "int8", "stolen_share": 0.0, "requests": requests,
            "not_run": {"other": "it is not here"}, **found}


def test_low_is_compared_with_shared_memory() -> None:
    kept = {row["way"]: row["kept"] for row in result_of(measured())["low"]}
    assert kept == {IN_PROCESS: 1.0, BASE64: 0.97, FLOAT: 0.94}


def test_high_is_compared_with_the_same_server_alone() -> None:
    rows = {(row["server"], row["low"]): row for row in result_of(measured())["high"]}
    assert len(rows) == 4
    assert "to_alone" not in rows["hilo", OFF]
    assert rows["hilo", FLOOD]["to_alone"]["p99"]["ratio"] == 1.5
    assert rows["hilo", FLOOD]["to_alone"]["p50"]["ratio"] == 1.0
    assert rows["infinity", FLOOD]["to_alone"]["p99"]["ratio"] == 10.0


def test_what_falls_short_is_said() -> None:
    said = report.tables(result_of(measured()))
    # Requests a second, time of a request, LOW as floats, HIGH beside LOW; a rival misses nothing.
    assert said.count("(missed)") == 4
    assert "other was not compared: it is not here" in said
    assert "1 HIGH texts failed" in said and "3 single texts failed" in said
