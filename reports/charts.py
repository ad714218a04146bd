"""Charts as inline SVG: built as an element tree, so that no name can break out of it; coloured by the page's CSS.

Each is 400 units wide, so that its type stays readable on a phone, and carries a title and a description in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from zhijian.reports.wording import points

WIDTH = 400
_BIN, _LOWEST = 5, 50
"""Scores in steps of 5; everything below 50 shares the first bar."""
_MOST_ITEMS, _MOST_AGENTS = 8, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMean:
    """`n` scored calls with their mean, lowest and highest score; `note` says in words what to work on."""

    label: str
    n: int
    mean: Decimal
    lowest: Decimal
    highest: Decimal
    note: str


def histogram(scores: Sequence[Decimal], mean: Decimal) -> Markup:
    """How the scores (at least one) spread, 95–100 in the last bar; a line marks their mean."""
    counts = [0] * ((100 - _LOWEST) // _BIN + 1)
    for score in scores:
        counts[0 if score < _LOWEST else min(int(score - _LOWEST) // _BIN + 1, len(counts) - 1)] += 1
    height, base, top = 190, 160, 34
    step = WIDTH / len(counts)
    chart = _chart(
        height,
        "分数分布",
        f"{len(scores)} 通已评分，平均 {mean} 分："
        + "，".join(f"{_bin_name(place)} 分 {count} 通" for place, count in enumerate(counts) if count),
    )
    for place, count in enumerate(counts):
        tall = (base - top) * count / max(counts)
        if count:
            _rect(chart, place * step + 3, base - tall, step - 6, tall, "bar low" if place < 3 else "bar")
            _text(chart, place * step + step / 2, base - tall - 5, str(count), "middle")
    _line(chart, 0, base, WIDTH, base, "axis")
    for place in range(0, len(counts), 2):
        _text(chart, place * step + step / 2, base + 16, _bin_name(place), "middle", "muted")
    at = step / 2 if mean < _LOWEST else step * (1 + float(mean - _LOWEST) / _BIN)
    _line(chart, at, top - 12, at, base, "mark")
    _text(chart, at - 5, top - 16, f"平均 {mean}", "end" if at > WIDTH / 2 else "start", "strong")
    return _markup(chart)


def pareto(lost_by_item: Sequence[tuple[str, Decimal]]) -> Markup:
    """Lost points (at least one row, all above 0) by item, worst first, with the cumulative share as a line."""
    rows = sorted(lost_by_item, key=lambda row: row[1], reverse=True)
    total = sum((lost for _, lost in rows), Decimal(0))
    if len(rows) > _MOST_ITEMS:
        rest = sum((lost for _, lost in rows[_MOST_ITEMS - 1 :]), Decimal(0))
        rows = [*rows[: _MOST_ITEMS - 1], (f"其余 {len(rows) - _MOST_ITEMS + 1} 项", rest)]
    left, right, row_height, top = 132, 348, 24, 22
    chart = _chart(
        top + row_height * len(rows) + 4,
        "失分项目帕累托图",
        f"共失 {points(total)} 分：" + "，".join(f"{name} {points(lost)} 分" for name, lost in rows),
    )
    _text(chart, left, 12, "失分", "start", "muted")
    _text(chart, WIDTH, 12, "累计", "end", "muted")
    cumulative, corners = Decimal(0), []
    for place, (name, lost) in enumerate(rows):
        middle = top + row_height * place + row_height / 2
        share = float(lost / total)
        _text(chart, left - 8, middle + 4.5, _short(name, 9), "end", title=name)
        _rect(chart, left, middle - 8, max((right - left) * share, 1), 16, "bar")
        cumulative += lost
        x = left + (right - left) * float(cumulative / total)
        inside = share > 0.24
        x_label = left + (right - left) * share + (-5 if inside else 5)
        _text(chart, x_label, middle + 4.5, points(lost), "end" if inside else "start", "on-bar" if inside else "")
        _text(chart, WIDTH, middle + 4.5, f"{100 * cumulative / total:.0f}%", "end", "muted")
        corners.append((x, middle))
    SubElement(chart, "polyline", {"class": "cumulative", "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)})
    for x, y in corners:
        SubElement(chart, "circle", {"class": "cumulative-dot", "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "2.5"})
    return _markup(chart)


def agent_means(agents: Sequence[AgentMean]) -> Markup:
    """Each agent's mean score with its range, lowest mean first; a hollow dot stands for fewer than five calls."""
    rows = sorted(agents, key=lambda agent: agent.mean)[:_MOST_AGENTS]
    floor = min(int(min(agent.lowest for agent in rows)) // 10 * 10, 90)
    left, right, row_height, top = 132, 352, 48, 22
    height = top + row_height * len(rows) + (20 if len(agents) > len(rows) else 2)
    chart = _chart(
        height,
        "坐席平均分",
        "，".join(f"{a.label} 平均 {a.mean} 分、{a.n} 通、{a.lowest} 至 {a.highest}" for a in rows),
    )

    def x(score: Decimal) -> float:
        return left + (right - left) * float((score - floor) / (100 - floor))

    _text(chart, left, 12, f"{floor} 分", "middle", "muted")
    _text(chart, right, 12, "100", "middle", "muted")
    _text(chart, WIDTH, 12, "通数", "end", "muted")
    for place, agent in enumerate(rows):
        middle = top + row_height * place + 14
        _text(chart, 0, middle + 4.5, _short(agent.label, 10), "start", title=agent.label)
        _line(chart, left, middle, right, middle, "rail")
        _line(chart, x(agent.lowest), middle, x(agent.highest), middle, "range")
        dot = {"cx": f"{x(agent.mean):.1f}", "cy": f"{middle:.1f}", "r": "5.5"}
        SubElement(chart, "circle", dot | {"class": "dot" if agent.n >= 5 else "dot few"})
        _text(chart, x(agent.mean), middle - 9, str(agent.mean), "middle", "strong")
        _text(chart, WIDTH, middle + 4.5, str(agent.n), "end")
        _text(chart, left, middle + 17, _short(agent.note, 20), "start", "muted small", title=agent.note)
    if len(agents) > len(rows):
        _text(chart, 0, height - 4, f"另有 {len(agents) - len(rows)} 位坐席平均分更高", "start", "muted")
    return _markup(chart)


def _bin_name(place: int) -> str:
    if place == 0:
        return f"<{_LOWEST}"
    start = _LOWEST + _BIN * (place - 1)
    return f"{start}–{100 if start == 100 - _BIN else start + _BIN - 1}"


def _chart(height: float, title: str, description: str) -> Element:
    chart = Element(
        "svg",
        {
            "class": "chart",
            "viewBox": f"0 0 {WIDTH} {height:g}",
            "role": "img",
            "aria-label": f"{title}：{description}",
        },
    )
    SubElement(chart, "title").text = title
    SubElement(chart, "desc").text = description
    return chart


def _rect(chart: Element, x: float, y: float, width: float, height: float, name: str) -> None:
    place = {"x": x, "y": y, "width": width, "height": height}
    SubElement(chart, "rect", {key: f"{value:.1f}" for key, value in place.items()} | {"rx": "2", "class": name})


def _line(chart: Element, x1: float, y1: float, x2: float, y2: float, name: str) -> None:
    place = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    SubElement(chart, "line", {key: f"{value:.1f}" for key, value in place.items()} | {"class": name})


def _text(
    chart: Element, x: float, y: float, text: str, anchor: str, name: str = "", *, title: str | None = None
) -> None:
    element = SubElement(chart, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "class": name})
    element.text = text
    if title and title != text:
        SubElement(element, "title").text = title


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _markup(chart: Element) -> Markup:
    return Markup(tostring(chart, encoding="unicode"))
