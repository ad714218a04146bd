"""The night's report as an Excel workbook: the same tables and numbers as the page, customer data masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from zhijian.reports import tables
from zhijian.reports.data import NightData
from zhijian.reports.redact import redacted
from zhijian.reports.tables import Overview
from zhijian.reports.wording import STAGES

_MOST_CHARS = 32_000
"""Excel takes 32767 to a cell and XlsxWriter drops what is longer; a cut text ends in …"""

_FONT: dict[str, object] = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}
_FORMATS: dict[str, dict[str, object]] = {
    "text": {"text_wrap": True},
    "id": {"num_format": "@"},
    "count": {"num_format": "0"},
    "score": {"num_format": "0.0"},
    "points": {"num_format": "0.##"},
    "rate": {"num_format": "0.0%"},
    "likelihood": {"num_format": "0.00"},
    "day": {"num_format": "yyyy-mm-dd"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "clock": {"num_format": "[mm]:ss"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a frame on its sheet; `kind` is one of `_FORMATS`. Only `text` columns hold free text."""

    key: str
    title: str
    width: int
    kind: str = "text"


CALL = Column("call_id", "通话编号", 20, "id")
AGENT = (Column("agent_no", "工号", 9, "id"), Column("agent", "姓名", 10), Column("team", "班组", 12))
WHERE = (Column("start_ms", "开始", 8, "clock"), Column("end_ms", "结束", 8, "clock"))

CALLS = (
    CALL,
    Column("started_at", "开始时间", 20, "moment"),
    *AGENT,
    Column("direction", "方向", 7),
    Column("scenario", "场景", 12),
    Column("state", "状态", 12),
    Column("score", "得分", 8, "score"),
    Column("score_before_veto", "否决前得分", 11, "score"),
    Column("lost", "失分", 8, "points"),
    Column("fails", "扣分项", 8, "count"),
    Column("doubts", "待复核项", 9, "count"),
    Column("veto", "疑似一票否决", 24),
    Column("duration_ms", "时长", 8, "clock"),
    Column("reason", "无法评分原因", 30),
)
LOSSES = (
    CALL,
    *AGENT,
    Column("group", "类别", 8),
    Column("item", "项目", 18),
    Column("lost", "失分", 8, "points"),
    Column("veto", "一票否决", 9),
    Column("reason", "原因", 44),
    *WHERE,
    Column("quote", "原话或查找到的话", 44),
    Column("detail", "说明", 36),
)
DOUBTS = (
    CALL,
    *AGENT,
    Column("group", "类别", 8),
    Column("item", "项目", 18),
    Column("points_max", "分值", 8, "points"),
    Column("confidence", "扣分把握", 9, "likelihood"),
    Column("reason", "待复核原因", 44),
    *WHERE,
    Column("quote", "原话", 44),
    Column("detail", "说明", 36),
)
ITEMS = (
    Column("group", "类别", 8),
    Column("item", "项目", 20),
    Column("points_max", "分值", 8, "points"),
    Column("pass", "合格", 8, "count"),
    Column("fail", "扣分", 8, "count"),
    Column("na", "不适用", 8, "count"),
    Column("unsure", "待复核", 8, "count"),
    Column("n", "计分通数", 10, "count"),
    Column("rate", "合格率", 9, "rate"),
    Column("lost", "失分", 8, "points"),
)
AGENTS = (
    *AGENT,
    Column("calls", "通话", 8, "count"),
    Column("scored", "已评分", 8, "count"),
    Column("mean", "平均分", 8, "score"),
    Column("median", "中位数", 8, "score"),
    Column("lowest", "最低", 8, "score"),
    Column("highest", "最高", 8, "score"),
    Column("lost", "失分", 8, "points"),
    Column("main_loss", "失分最多", 18),
    Column("booked", "积分", 8, "points"),
)
BANNED = (
    CALL,
    *AGENT,
    Column("tier", "等级", 8),
    Column("entry", "忌语", 22),
    *WHERE,
    Column("quote", "原话", 44),
)
BOOKED = (
    *AGENT,
    Column("day", "日期", 12, "day"),
    Column("calls", "已发布通数", 11, "count"),
    Column("mean", "日均分", 9, "score"),
    Column("points", "积分", 8, "points"),
)
REFUSED = (
    Column("kind", "类型", 10),
    Column("row", "行", 6, "count"),
    Column("call_id", "通话编号", 20, "id"),
    Column("reason", "原因", 70),
)


def write_xlsx(data: NightData, file: BinaryIO) -> None:
    """Write the workbook. The same data give the same cells."""
    data = redacted(data)
    agents = tables.agents_frame(data)
    named = {column.key for column in AGENTS}
    groups = tuple(Column(key, f"{key}失分", 10, "points") for key in agents.columns if key not in named)
    with xlsxwriter.Workbook(file) as book:
        book.set_properties({"title": f"质检夜报 {data.day}", "created": data.generated_at.replace(tzinfo=None)})
        sheets = _Sheets(book)
        sheets.add_facts("概览", _facts(data, tables.overview(data)))
        sheets.add("通话", tables.calls_frame(data), CALLS)
        sheets.add("扣分明细", tables.losses_frame(data), LOSSES, total="lost")
        sheets.add("待复核", tables.doubts_frame(data), DOUBTS)
        sheets.add("项目统计", tables.items_frame(data), ITEMS, total="lost")
        sheets.add("坐席", agents, AGENTS + groups, total="lost")
        sheets.add("服务忌语", tables.banned_frame(data), BANNED)
        sheets.add("积分", tables.booked_frame(data), BOOKED, total="points")
        sheets.add("未受理", tables.refused_frame(data), REFUSED)


class _Sheets:
    """Sheets of one workbook that share their formats."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.formats = {kind: book.add_format(_FONT | form) for kind, form in _FORMATS.items()}
        self.facts = {kind: book.add_format(_FONT | form | {"align": "left"}) for kind, form in _FORMATS.items()}
        self.totals = {
            kind: book.add_format(_FONT | form | {"bold": True, "top": 1}) for kind, form in _FORMATS.items()
        }
        self.header = book.add_format(_FONT | {"bold": True, "bottom": 1, "bg_color": "#E9EDF1", "text_wrap": True})

    def add(self, name: str, frame: pd.DataFrame, columns: Sequence[Column], total: str | None = None) -> None:
        """One row a row of the frame below a frozen header; `total` names the column summed below them."""
        sheet = self._sheet(name, columns)
        for row, values in enumerate(frame.to_dict("records"), 1):
            for place, column in enumerate(columns):
                _write(sheet, row, place, values[column.key], column.kind, self.formats[column.kind])
        if len(frame):
            sheet.autofilter(0, 0, len(frame), len(columns) - 1)
        if total and len(frame):
            place = [column.key for column in columns].index(total)
            kind = columns[place].kind
            _write(sheet, len(frame) + 1, 0, "合计", "text", self.totals["text"])
            _write(sheet, len(frame) + 1, place, sum(frame[total], Decimal(0)), kind, self.totals[kind])

    def add_facts(self, name: str, facts: Sequence[tuple[str, Any, str]]) -> None:
        """A sheet of (what, value, kind), one a row."""
        sheet = self._sheet(name, (Column("", "指标", 24), Column("", "值", 72)))
        for row, (what, value, kind) in enumerate(facts, 1):
            _write(sheet, row, 0, what, "text", self.formats["text"])
            _write(sheet, row, 1, value, kind, self.facts[kind])

    def _sheet(self, name: str, columns: Sequence[Column]) -> Worksheet:
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.title, self.header)
        return sheet


def _write(sheet: Worksheet, row: int, place: int, value: Any, kind: str, form: Format) -> None:
    """Text is written as text, whatever it begins with: a cell never becomes a formula or a link."""
    if value is None:
        return
    if isinstance(value, str):
        text = value if len(value) <= _MOST_CHARS else value[:_MOST_CHARS] + "…"
        sheet.write_string(row, place, text, form)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value.replace(tzinfo=None), form)
    elif isinstance(value, date):
        sheet.write_datetime(row, place, datetime(value.year, value.month, value.day), form)
    else:
        sheet.write_number(row, place, value / 86_400_000 if kind == "clock" else float(value), form)


def _facts(data: NightData, overview: Overview) -> list[tuple[str, Any, str]]:
    days = sorted({judged.call.day for judged in data.calls})
    facts = [
        ("报告日期", data.day, "day"),
        ("生成时间", data.generated_at, "moment"),
        ("最早通话日", days[0] if days else None, "day"),
        ("最晚通话日", days[-1] if days else None, "day"),
        ("通话", overview.calls, "count"),
        ("已发布", overview.published, "count"),
        ("否决待确认", overview.flagged, "count"),
        ("待复核", overview.held, "count"),
        ("无法评分", overview.unscorable, "count"),
        ("处理失败", overview.failed, "count"),
        ("未受理", overview.refused, "count"),
        ("已评分", overview.scored, "count"),
        ("平均分", overview.mean, "score"),
        ("中位数", overview.median, "score"),
        ("失分合计", overview.lost, "points"),
        ("待复核项", overview.doubts, "count"),
        ("积分入账合计", overview.booked, "points"),
        ("积分入账人数", overview.booked_agents, "count"),
        ("录音相同的通话", "; ".join("、".join(group) for group in data.duplicates) or None, "id"),
        ("标准", f"{data.standard.id} {data.standard.version}", "id"),
        ("标准校验值", data.standard.sha256, "id"),
        ("台账条数", data.ledger_count, "count"),
        ("台账末条校验值", data.ledger_head, "id"),
        ("实时率", data.run.real_time_factor, "likelihood"),
    ]
    facts += [(f"用时（秒）：{STAGES.get(s, s)}", seconds, "score") for s, seconds in data.run.seconds_by_stage.items()]
    return facts + [(f"版本：{name}", version, "id") for name, version in data.run.versions.items()]
