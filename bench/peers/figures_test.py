"""The arithmetic behind `./dev bench peers`: a wrong ratio would be believed."""

import figures


def test_quantile_is_a_measured_value_with_enough_of_the_others_below() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert figures.quantile(values, 0.5) == 3.0
    assert figures.quantile(values, 0.99) == 5.0
    assert figures.quantile(values, 0.2) == 1.0
    assert figures.quantile([7.0], 0.01) == 7.0


def test_spread_is_relative_to_the_median() -> None:
    assert figures.spread([90.0, 100.0, 120.0]) == 0.3
    assert figures.spread([100.0]) == 0.0


def test_operations_of_one_tiny_layer_counted_by_hand() -> None:
    config = {"hidden_size": 2, "intermediate_size": 3, "num_hidden_layers": 1}
    # Three tokens: 4 products of 2x2 and 2 of 2x3 each, and 9 pairs of 2 numbers, twice.
    assert figures.operations(config, [3]) == 2 * (3 * (4 * 4 + 2 * 6) + 2 * 9 * 2)
    # Texts do not attend to each other.
    assert figures.operations(config, [3, 3]) == 2 * figures.operations(config, [3])


def test_best_rival_is_of_the_same_precision_and_never_hilo() -> None:
    precisions = {"hilo fp32": "fp32", "slow": "fp32", "fast": "fp32", "faster": "int8"}
    rates = {"hilo fp32": 9.0, "slow": 1.0, "fast": 2.0, "faster": 3.0}
    assert figures.best_rival(rates, precisions, "fp32") == ("fast", 2.0)
    assert figures.best_rival(rates, precisions, "bf16") is None


def test_table_lines_up_and_lets_a_sentence_run() -> None:
    text = figures.table(["engine", "a", "b"], [["one", "1", "22"], ["another", "cannot run here"]])
    assert text.splitlines() == ["engine   a   b", "one      1  22", "another  cannot run here"]
