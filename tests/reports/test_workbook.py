from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from zhijian.models.records.dialogue import Role
from zhijian.models.records.scorecard import Evidence, ItemResult
from zhijian.reports import tables, workbook
from zhijian.reports.data import AgentName, JudgedCall, NightData, Refusal
from zhijian.reports.redact import mask_digits
from zhijian.reports.workbook import write_xlsx

SHEETS = ["概览", "通话", "扣分明细", "待复核", "项目统计", "坐席", "服务忌语", "积分", "未受理"]
TABLES = (
    workbook.CALLS,
    workbook.LOSSES,
    workbook.DOUBTS,
    workbook.ITEMS,
    workbook.AGENTS,
    workbook.BANNED,
    workbook.BOOKED,
    workbook.REFUSED,
)
UNMASKED = {column.title for columns in TABLES for column in columns if column.kind != "text"}


@pytest.fixture
def book(night: NightData, tmp_path: Path) -> Workbook:
    save(night, tmp_path / "report.xlsx")
    return load_workbook(tmp_path / "report.xlsx")


def save(night: NightData, path: Path) -> None:
    with path.open("wb") as file:
        write_xlsx(night, file)


def rows(sheet: Worksheet) -> list[dict[str, object]]:
    header, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in body]


def test_sheets_have_frozen_headers(book: Workbook) -> None:
    assert book.sheetnames == SHEETS
    assert {sheet.freeze_panes for sheet in book} == {"A2"}


def test_overview_equals_the_tables_of_the_page(book: Workbook, night: NightData) -> None:
    facts = {row["指标"]: row["值"] for row in rows(book["概览"])}
    overview = tables.overview(night)
    assert facts["通话"] == overview.calls
    assert facts["否决待确认"] == overview.flagged
    assert facts["平均分"] == float(overview.mean)
    assert facts["失分合计"] == float(overview.lost)
    assert facts["积分入账合计"] == 3
    assert facts["台账末条校验值"] == night.ledger_head


def test_totals_are_sums_of_their_column(book: Workbook, night: NightData) -> None:
    for name, title in (("扣分明细", "失分"), ("项目统计", "失分"), ("坐席", "失分"), ("积分", "积分")):
        *body, total = rows(book[name])
        assert sum(row[title] for row in body) == pytest.approx(total[title])
    assert rows(book["扣分明细"])[-1]["失分"] == float(tables.overview(night).lost)


def test_one_line_a_loss_with_its_place_in_the_call(book: Workbook) -> None:
    losses = {(row["通话编号"], row["项目"]): row for row in rows(book["扣分明细"])[:-1]}
    assert len(losses) == 5
    farewell = losses["n02", "结束语"]
    assert farewell["开始"].total_seconds() == pytest.approx(38.5)
    assert farewell["结束"].total_seconds() == pytest.approx(48.3)
    assert farewell["原话或查找到的话"] == "已经为您登记报修了"
    assert losses["n03", "迟接致歉"]["开始"] is None
    assert losses["n01", "服务忌语"]["一票否决"] == "是"


def test_doubts_refusals_and_banned_phrases_have_their_sheets(book: Workbook) -> None:
    (doubt,) = rows(book["待复核"])
    assert doubt["项目"] == "自报单位和工号"
    assert [row["类型"] for row in rows(book["未受理"])] == ["未受理", "未受理", "处理失败"]
    (hit,) = rows(book["服务忌语"])
    assert (hit["等级"], hit["忌语"]) == ("严重", "你去投诉吧")


def test_agent_numbers_keep_their_zeros_and_scores_are_numbers(book: Workbook) -> None:
    agents = rows(book["坐席"])
    assert "0506" in [row["工号"] for row in agents]
    calls = {row["通话编号"]: row for row in rows(book["通话"])}
    assert calls["n05"]["得分"] == 100
    assert calls["n01"]["得分"] is None
    assert calls["n01"]["否决前得分"] > 0
    assert calls["n01"]["开始时间"].hour == 9


def test_text_never_becomes_a_formula_or_a_link(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence], tmp_path: Path,
) -> None:  # fmt: skip
    hostile = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "https://example.org", "{=1}", "\tx", "长" * 40_000]
    items = ("opening.greeting", "opening.identity", "opening.offer", "closing.more_help", "closing.farewell",
             "closing.hangup", "language.courtesy", "talk.speed")  # fmt: skip
    failed = [failed_item(item, "0", text, said(0, 900, text)) for item, text in zip(items, hostile, strict=True)]
    night = night_of(
        judged("a", *failed, agent_no="=1+1", talk=[(Role.AGENT, 0, 900, "您好")], key_info=[]),
        refused=(Refusal(row=2, call_id="=1+2", reason="=HYPERLINK(1)"),),
        agents={"=1+1": AgentName(name="@name", team="-team")},
    )
    save(night, tmp_path / "report.xlsx")
    book = load_workbook(tmp_path / "report.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not [cell for cell in cells if cell.hyperlink]
    reasons = [row["原因"] for row in rows(book["扣分明细"])[:-1]]
    assert set(hostile[:6]) <= set(reasons)
    assert max(len(reason) for reason in reasons) == 32_001
    assert rows(book["未受理"])[0]["通话编号"] == "=1+2"


def test_customer_data_are_masked_in_every_cell(book: Workbook) -> None:
    for sheet in book.worksheets[1:]:
        for row in rows(sheet):
            for title, value in row.items():
                text = str(value)
                assert "杨柳小区" not in text
                assert "陶先生" not in text
                assert "13588620019" not in text
                if title not in UNMASKED and isinstance(value, str):
                    assert mask_digits(text) == text


def test_an_empty_night_is_a_workbook_too(night_of: Callable[..., NightData], tmp_path: Path) -> None:
    save(night_of(), tmp_path / "report.xlsx")
    book = load_workbook(tmp_path / "report.xlsx")
    assert book.sheetnames == SHEETS
    assert [sheet.max_row for sheet in book.worksheets[1:]] == [1, 1, 1, 16, 1, 1, 1, 1]


def test_points_of_many_places_do_not_drift(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence], tmp_path: Path,
) -> None:  # fmt: skip
    calls = [
        judged(f"c{place}", failed_item("repeat.key_info", "7.90", "少一项", said(0, 900, "您好")))
        for place in range(30)
    ]
    save(night_of(*calls), tmp_path / "report.xlsx")
    total = rows(load_workbook(tmp_path / "report.xlsx")["扣分明细"])[-1]["失分"]
    assert total == float(Decimal("3.0"))
