"""The figures of ./dev bench peers as bars: hilo in colour, rivals in grey, a panel a column."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  The renderer has to be chosen first.

COLOUR_OF_HILO, COLOUR_OF_RIVALS = "#2563eb", "#b6bcc6"


def draw(result: dict, columns: list[str], path: Path) -> None:
    names = list(result["engines"])
    colours = [COLOUR_OF_HILO if name.startswith("hilo") else COLOUR_OF_RIVALS for name in names]
    # The same figures give the same file.
    with pyplot.rc_context({"svg.hashsalt": "hilo", "svg.fonttype": "none", "font.size": 9}):
        panels = [*columns, "one text"]
        figure, axes = pyplot.subplots(1, len(panels), sharey=True, layout="constrained",
                                       figsize=(2.3 * len(panels) + 1.6, 0.34 * len(names) + 1))
        for axis, panel in zip(axes, panels):
            if panel == "one text":
                values = [result["engines"][name]["one_text_ms"]["p50"] for name in names]
                labels = [f"{value:.2f}" for value in values]
                title = "one 32-token text\nms, less is better"
            else:
                values = [result["engines"][name]["tokens_per_second"][panel] / 1000
                          for name in names]
                labels = [f"{value:.1f}" for value in values]
                title = f"{panel}\n1,000 tokens/s"
            axis.bar_label(axis.barh(names, values, color=colours), labels, padding=2)
            axis.set_title(title, fontsize=9)
            axis.set_xlim(0, 1.25 * max(values))
            axis.set_xticks([])
            axis.spines[["top", "right", "bottom"]].set_visible(False)
        axes[0].invert_yaxis()  # The first engine is on top.
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
