"""The comparison as a picture: bars of requests a second, one panel for each depth of pipelining, as SVG.

The axis is linear, for on a logarithmic one all would look alike; where a bar is too low to be seen, the means above
the panel tell. Pointing at a bar shows its figure. The number above a group is respd's ratio to the first server.
"""

from __future__ import annotations

from html import escape

from benchmarks.report import Comparison, Contestant

WIDTH = 1080
PANEL_HEIGHT = 270
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 64, 40
COLOURS = ("#5f6368", "#188038", "#a142f4", "#d93025", "#129eaf")
KNOWN = {
    "valkey-server": "#bdc1c6",
    "respd compiled": "#1a73e8",
    "respd interpreted": "#8ab4f8",
    "fakeredis": "#f9ab00",
}
INK, GRID = "#3c4043", "#dadce0"


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start", weight: str = "normal") -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{INK}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def round_step(largest: float) -> float:
    """A distance of grid lines (1, 2 or 5 times a power of ten) that gives about five of them."""
    step = 1.0
    while largest / step > 6:
        step *= 2.5 if str(step).lstrip("0.").startswith("2") else 2
    return step


def _colour(one: Contestant, number: int) -> str:
    return KNOWN.get(one.name, COLOURS[number % len(COLOURS)])


def _rps(one: Contestant, pipeline: int, test: str) -> float:
    return one.typical(pipeline, test).rps if one.can(pipeline, test) else 0.0


def _ours(result: Comparison) -> Contestant | None:
    """The first respd of the comparison, whose ratios are written down."""
    return next((one for one in result.contestants[1:] if one.name.startswith("respd")), None)


def _panel(result: Comparison, pipeline: int, top: float) -> list[str]:
    largest = max(_rps(one, pipeline, test) for one in result.contestants for test in result.tests) / 1000
    step = round_step(largest)
    ceiling = step * (int(largest / step) + 1)
    height = PANEL_HEIGHT - TOP - BOTTOM
    floor = top + TOP + height
    words = "without pipelining" if pipeline == 1 else f"{pipeline} commands in each pipeline"
    means = ", ".join(f"{one.name} {result.mean_ratio(one, pipeline):.2f}" for one in result.contestants[1:])
    parts = [_text(LEFT, top + 28, f"Thousands of requests a second, {words}", 15, weight="bold")]
    parts.append(_text(LEFT, top + 46, f"of {result.contestants[0].name}'s, geometric mean: {means}"))
    level = 0.0
    while level <= ceiling:
        y = floor - height * level / ceiling
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{level:g}", 11, "end"))
        level += step
    group = (WIDTH - LEFT - RIGHT) / len(result.tests)
    bar = group * 0.8 / len(result.contestants)
    for place, test in enumerate(result.tests):
        x = LEFT + group * (place + 0.1)
        for number, one in enumerate(result.contestants):
            rps = _rps(one, pipeline, test)
            tall = max(height * rps / 1000 / ceiling, 0.5)
            box = f'x="{x + bar * number:.1f}" y="{floor - tall:.1f}" width="{bar - 0.5:.1f}" height="{tall:.1f}"'
            colour = _colour(one, number)
            parts.append(f'<rect {box} fill="{colour}"><title>{escape(f"{one.name} {test}: {rps:.0f}")}</title></rect>')
        ours = _ours(result)
        if ours is not None and ours.can(pipeline, test):
            tallest = max(_rps(one, pipeline, test) for one in result.contestants) / 1000
            ratio = f"{result.ratio(ours, pipeline, test):.2f}"
            parts.append(_text(x + group * 0.4, floor - height * tallest / ceiling - 4, ratio, 9, "middle"))
        parts.append(
            _text(
                x + group * 0.4, floor + 15, test.replace("LRANGE_", "LRANGE ").replace("PING_", "PING "), 8, "middle"
            )
        )
    return parts


def draw(result: Comparison) -> str:
    """The whole picture."""
    legend_height = 48
    height = PANEL_HEIGHT * len(result.pipelines) + legend_height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, pipeline in enumerate(result.pipelines):
        parts += _panel(result, pipeline, PANEL_HEIGHT * number)
    x = float(LEFT)
    y = height - legend_height + 14
    for number, one in enumerate(result.contestants):
        parts.append(f'<rect x="{x:.0f}" y="{y - 10}" width="12" height="12" fill="{_colour(one, number)}"/>')
        label = f"{one.name} ({one.version})"
        parts.append(_text(x + 18, y, label))
        x += 36 + 6.4 * len(label)
    ours = _ours(result)
    note = f"; above each group: {ours.name} against {result.contestants[0].name}" if ours else ""
    parts.append(_text(LEFT, y + 20, f"redis-benchmark, {result.machine}, {result.when}{note}", 10))
    return "\n".join([*parts, "</svg>", ""])
