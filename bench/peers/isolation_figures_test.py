"""The arithmetic behind `./dev bench isolation`: a wrong ratio would be believed."""

import random

import isolation_figures as figures
import isolation_report as report
import pytest


def test_arrivals_are_all_there_in_order_and_as_random_as_asked() -> None:
    moments = figures.poisson(2000, 100.0, random.Random(1))
    gaps = [after - before for before, after in zip(moments, moments[1:])]
    assert len(moments) == 2000 and 0 <= moments[0] and moments[-1] <= 100
    assert min(gaps) >= 0
    # Exponential gaps: the share longer than the mean is 1/e. Even spacing would have none.
    assert sum(gap > 0.05 for gap in gaps) / len(gaps) == pytest.approx(0.37, abs=0.04)


def test_slices_are_spread_over_the_whole_run() -> None:
    order = figures.interleaved({"a": 20, "b": 20, "c": 1}, random.Random(5))
    assert sorted(order) == ["a"] * 20 + ["b"] * 20 + ["c"]
    # At no moment is one ahead of the other by more than a slice.
    assert all(abs(order[:i].count("a") - order[:i].count("b")) <= 1 for i in range(len(order)))
    assert order != figures.interleaved({"a": 20, "b": 20, "c": 1}, random.Random(6))


def test_a_curve_ends_where_less_than_one_text_is_slower() -> None:
    of = figures.latency([float(ms) for ms in range(1, 101)])
    assert (of["p50"], of["p99"], of["p999"], of["max"]) == (50.0, 99.0, 100.0, 100.0)
    assert len(of["curve_ms"]) == 21 and figures.LEVELS[20] == 0.01
    assert of["curve_ms"][10] == 90.0  # A tenth of the texts are slower than the 90th.
    assert of["curve_ms"][20] == 99.0


def test_low_is_judged_by_what_high_leaves() -> None:
    # 20 texts a second of 5 ms each take a tenth of the machine.
    share = figures.share_of_compute(20, 5.0)
    assert share == pytest.approx(0.1)
    assert figures.kept_of_what_is_left(900.0, 1000.0, share) == pytest.approx(1.0)
    assert figures.kept_of_what_is_left(450.0, 1000.0, share) == pytest.approx(0.5)
    # HIGH that takes the whole machine leaves nothing to judge by.
    assert figures.share_of_compute(300, 5.0) == 1.0
    assert figures.kept_of_what_is_left(10.0, 1000.0, 1.0) == 0.0
    # Nor do slices that were too short for a slow LOW to have anything ready.
    assert figures.kept_of_what_is_left(10.0, 0.0, share) == 0.0


def test_ratios_come_with_what_chance_does_to_them() -> None:
    off = [[1.0] * 200 for _ in range(10)]
    # One slice of ten was disturbed: the median does not know, the tail depends on that slice.
    on = [*off[:9], [1.0] * 150 + [4.0] * 50]
    of = figures.ratios(on, off)
    assert of["p50"] == {"ratio": 1.0, "from": 1.0, "to": 1.0}
    assert of["p99"] == {"ratio": 4.0, "from": 1.0, "to": 4.0}


def test_the_best_rival_is_never_hilo() -> None:
    values = {"hilo int8": 1.0, "good": 2.0, "bad": 3.0}
    assert figures.best_rival(values, lowest=True) == ("good", 2.0)
    assert figures.best_rival(values, lowest=False) == ("bad", 3.0)
    assert figures.best_rival({"hilo int8": 1.0}, lowest=True) is None


def arrangement(p50: float, low: float, memory: float) -> dict:
    def row(load: str, times: float) -> dict:
        return {"per_second": 20.0, "low": load, "texts": 10, "p50": p50 * times,
                "p99": 2 * p50 * times, "p999": 3 * p50 * times, "max": 4 * p50 * times,
                "curve_ms": [p50], "low_tokens_per_second": low, "kept_of_what_is_left": 0.955}
    ratio = {"ratio": 1.1, "from": 1.0, "to": 1.2}
    return {"conditions": [row("off", 1), row("saturating", 1.1)], "memory_mib": memory,
            "saturating_to_off": [
                {"per_second": 20.0, "p50": ratio, "p99": ratio, "p999": ratio}],
            "hot_ms": p50, "low_alone_tokens_per_second": low, "low_alone_of_embed": None}


@pytest.fixture
def result() -> dict:
    return {"complete": True, "stolen_share": 0.0, "servers": ["served"],
            "not_run": {"absent": "not installed"},
            "arrangements": {"hilo int8": arrangement(1.0, 300.0, 50.0),
                             "rival": arrangement(3.0, 100.0, 200.0),
                             "served": arrangement(400.0, 10.0, 10.0)}}


def test_what_is_missed_is_said(result: dict) -> None:
    _, rows = report.promises(result)
    assert rows == [["hilo int8", "20", "1.10 [1.00, 1.20] (missed)", "1.10 [1.00, 1.20]",
                     "1.10 [1.00, 1.20]", "95.5% (missed)"]]


def test_servers_are_compared_apart(result: dict) -> None:
    _, rows = report.comparison(result)
    assert rows == [["hilo int8", "3.00", "3.00", "3.00", "3.00", "0.25 of it", "400.00"]]


def test_an_arrangement_that_did_not_run_is_named(result: dict) -> None:
    assert "absent did not run, or not to the end: not installed." in report.tables(result)
    assert "absent" in report.markdown(result)


def test_the_tokens_of_embed_are_read_from_its_last_words() -> None:
    words = "hilo: 10,000 texts, 207,936 tokens in 14.2 s: 702 texts/s, 14,611 tokens/s"
    assert report.tokens_told(words) == 207936
    with pytest.raises(OSError, match="no such model"):
        report.tokens_told("hilo: no such model")
