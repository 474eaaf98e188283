"""What the benchmarks against rivals measured, as drawings: SVG files that are the same for the
same figures, on white, so that they can be read on dark pages too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  The renderer has to be chosen first.

# Arrivals a second of the lines that are drawn.
COMPARED_AT = 20.0
COLOUR_OF_HILO, COLOUR_OF_RIVALS = "#2563eb", "#b6bcc6"


# Colours that people with any kind of colour vision tell apart (Okabe and Ito), and dashes for
# those who see a print.
COLOURS_OF_LINES = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#666666")


@contextmanager
def drawing(path: Path, columns: int, width: float, height: float) -> Iterator[list]:
    """The panels of a figure, side by side, which is written when they are drawn."""
    # The same figures give the same file.
    with pyplot.rc_context({"svg.hashsalt": "hilo", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = pyplot.subplots(1, columns, sharey=True, layout="constrained",
                                       figsize=(width, height), squeeze=False)
        yield list(axes[0])
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def draw(result: dict, columns: list[str], path: Path) -> None:
    """The figures of ./dev bench peers as bars: hilo in colour, rivals grey, a panel a column."""
    names = list(result["engines"])
    colours = [COLOUR_OF_HILO if name.startswith("hilo") else COLOUR_OF_RIVALS for name in names]
    panels = [*columns, "one text"]
    with drawing(path, len(panels), 2.3 * len(panels) + 1.6, 0.34 * len(names) + 1) as axes:
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


def draw_distributions(result: dict, path: Path) -> None:
    """The figures of ./dev bench isolation: which share of the HIGH texts takes longer than so many
    milliseconds, a panel for each load of LOW. A line that stays where it is from panel to panel is
    an engine whose HIGH does not feel LOW."""
    loads = {"off": "LOW off", "half": "LOW at half of its speed", "saturating": "LOW saturating"}
    present = {row["low"] for of in result["arrangements"].values() for row in of["conditions"]}
    panels = [low for low in loads if low in present]
    if not panels:  # The run was stopped before there was anything to draw.
        return
    with drawing(path, len(panels), 3.4 * len(panels) + 0.4, 4.6) as axes:
        for axis, low in zip(axes, panels):
            for name, style in line_styles(list(result["arrangements"])).items():
                for row in result["arrangements"][name]["conditions"]:
                    if (row["per_second"], row["low"]) == (COMPARED_AT, low):
                        levels = [100 * level for level in result["levels"]]
                        axis.plot(row["curve_ms"], levels[:len(row["curve_ms"])], label=name,
                                  **style)
            axis.set(title=loads[low], xscale="log", yscale="log",
                     xlabel="milliseconds from the moment it was due")
            axis.set_yticks([100, 10, 1, 0.1], ["all", "10 %", "1 %", "0.1 %"])
            axis.xaxis.set_major_formatter("{x:g}")
            axis.grid(color="#dddddd", linewidth=0.6)
            axis.set_axisbelow(True)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel(f"HIGH texts that take longer ({COMPARED_AT:g} arrive a second)")
        share_width(axes)
        lines, names = axes[-1].get_legend_handles_labels()
        axes[0].figure.legend(lines, names, loc="outside lower center", ncols=3, frameon=False,
                              fontsize=8)


def share_width(axes: list) -> None:
    """One scale of milliseconds for all panels, so that a shift is seen."""
    ends = [axis.get_xlim() for axis in axes]
    for axis in axes:
        axis.set_xlim(min(end[0] for end in ends), max(end[1] for end in ends))


def line_styles(names: list[str]) -> dict[str, dict]:
    """hilo thick and blue, full and dashed; each rival thin and in a colour of its own."""
    hilo = [name for name in names if name.startswith("hilo")]
    rivals = [name for name in names if not name.startswith("hilo")]
    dashes = ["solid", (0, (4, 1.5)), (0, (1, 1))]
    styles: dict[str, dict] = {
        name: {"color": COLOUR_OF_HILO, "linewidth": 2.4, "linestyle": dashes[i % 3], "zorder": 3}
        for i, name in enumerate(hilo)}
    return styles | {
        name: {"color": COLOURS_OF_LINES[i % len(COLOURS_OF_LINES)], "linewidth": 1.3,
               "linestyle": dashes[i % 3]} for i, name in enumerate(rivals)}
