"""The night's report as one HTML file that needs nothing but itself and its clips."""

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zhijian.reports import charts, tables
from zhijian.reports.charts import AgentMean
from zhijian.reports.data import NightData
from zhijian.reports.redact import redacted
from zhijian.reports.views import call_view, serious_view
from zhijian.reports.wording import STAGES, STATES, agent_label, points, signed


def render_html(data: NightData) -> str:
    """The page, customer data masked. Deterministic: the same data give the same page."""
    data = redacted(data)
    style, script = _template_file("night.css"), _template_file("night.js")
    states = [judged.state for judged in data.calls]
    page = _environment().get_template("night.html.j2")
    return page.render(
        data=data,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        overview=tables.overview(data),
        serious=[serious_view(data, finding) for finding in tables.serious(data)],
        calls=[call_view(data, judged) for judged in tables.in_order(data.calls)],
        histogram=_histogram(data),
        pareto=_pareto(data),
        agent_means=_agent_means(data),
        booked=tables.booked_frame(data).to_dict("records"),
        days=sorted({judged.call.day for judged in data.calls}),
        states=[(state.value, label, states.count(state)) for state, label in STATES.items()],
        agents=sorted({(judged.call.agent_no, agent_label(data, judged.call.agent_no)) for judged in data.calls}),
        stages=STAGES,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("zhijian.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": points, "signed": signed, "chinese_date": _chinese_date}
    return environment


def _template_file(name: str) -> str:
    return files("zhijian.reports").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Content security policy: only this page's own style and script, and clips beside it; nothing from elsewhere."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "media-src 'self' file:",  # opened from a folder, a page's own origin is no host but the scheme
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _histogram(data: NightData) -> Markup | None:
    scores = [judged.scorecard.score for judged in data.calls if judged.scorecard.score is not None]
    mean = tables.overview(data).mean
    return charts.histogram(scores, mean) if mean is not None else None


def _pareto(data: NightData) -> Markup | None:
    rows = [(row["item"], row["lost"]) for row in tables.items_frame(data).to_dict("records") if row["lost"] > 0]
    return charts.pareto(rows) if rows else None


def _agent_means(data: NightData) -> Markup | None:
    rows = [
        AgentMean(
            label=agent_label(data, row["agent_no"]),
            n=row["scored"],
            mean=row["mean"],
            lowest=row["lowest"],
            highest=row["highest"],
            note=f"失分最多：{row['main_loss']}" if row["main_loss"] else "没有失分",
        )
        for row in tables.agents_frame(data).to_dict("records")
        if row["scored"]
    ]
    return charts.agent_means(rows) if rows else None


def _chinese_date(day: Any) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
