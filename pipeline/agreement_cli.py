"""How good people and the machine are at judging: `zhijian review agreement` and `zhijian review precision`."""

from dataclasses import asdict
from typing import Annotated

import typer

from zhijian.pipeline.console import DONE, AsJson, Out, open_books, say, settled
from zhijian.pipeline.stages.calibrate import machine_precision, session_agreement
from zhijian.reports.agreement import Agreement, ItemAgreement
from zhijian.reports.precision import MachineRecord

app = typer.Typer()


@app.command("agreement")
@settled
def show_agreement(
    session: Annotated[int, typer.Argument(metavar="SESSION", help="校准号,见 zhijian review calibration list")],
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """一次已结束的校准中各人(和机器 machine)的一致程度:每个项目、每两人、每人对其他人。"""
    with open_books(out).connect() as conn:
        found = session_agreement(conn, session)
    say(as_json, asdict(found), "\n".join(_agreement_lines(found)))
    return DONE


@app.command("precision")
@settled
def show_precision(out: Out = None, as_json: AsJson = False) -> int:
    """机器扣分的准确率和召回率,按月份和项目,以人工逐项的最后裁定为准。"""
    with open_books(out).connect() as conn:
        found = machine_precision(conn)
    rows = [{**asdict(one), "precision": one.precision, "recall": one.recall} for one in found]
    say(as_json, rows, "\n".join(_precision_line(one) for one in found))
    return DONE


def _agreement_lines(found: Agreement) -> list[str]:
    return [
        f"全部项目\talpha {_rate(found.alpha)}",
        *(line for item in found.items for line in _item_lines(item)),
        *(f"{r.rater} 对其他人\t一致 {r.same}/{r.shared}\tkappa {_rate(r.kappa)}" for r in found.raters),
    ]


def _item_lines(item: ItemAgreement) -> list[str]:
    pairs = [f"    {p.one}–{p.other}\t一致 {p.same}/{p.shared}\tkappa {_rate(p.kappa)}" for p in item.pairs]
    return [f"{item.item}\t{item.calls} 通\talpha {_rate(item.alpha)}", *pairs]


def _precision_line(one: MachineRecord) -> str:
    counts = f"扣对 {one.right}\t扣错 {one.taken_back}\t漏扣 {one.missed}\t未判 {one.unsure}"
    return f"{one.month}\t{one.item}\t准确率 {_rate(one.precision)}\t召回率 {_rate(one.recall)}\t{counts}"


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.2f}"
