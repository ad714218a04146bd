"""Everything that can be said against the books: the chain, the anchored heads, the closed months."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zhijian.pipeline.ledger import anchor, chain
from zhijian.pipeline.ledger.closing import wrong_closings
from zhijian.pipeline.ledger.scheme import load_schemes


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: the chain, how many heads were anchored, whether there should have been some and are none, the
    first that is lost, and the closed months that are not what their entries add up to (`scheme YYYY-MM`)."""

    chain: chain.Verified
    anchored: int
    unanchored: bool
    lost: anchor.Lost | None
    wrong_closings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return self.chain.sound and self.lost is None and not self.wrong_closings and not self.unanchored

    @property
    def as_json(self) -> dict[str, Any]:
        return {**asdict(self.chain), "anchored": self.anchored, "lost": self.lost and asdict(self.lost)} | {
            "wrong_closings": list(self.wrong_closings)
        }

    def __str__(self) -> str:
        """In Chinese, a line for each problem."""
        head, broken, lost = self.chain.head, self.chain.first_broken, self.lost
        problems = [f"{month} 的月结表与当时的分录不符" for month in self.wrong_closings]
        if lost:
            problems.insert(0, f"锚文件第 {lost.line} 行的链头(第 {lost.head.count} 条分录)不在台账中:台账被截短或改写")
        if self.unanchored:
            problems.append("没有锚文件,或其中没有一条记录:台账被截短或整条改写也看不出来")
        if broken:
            problems.insert(0, broken.problem)
        anchored = f"与锚文件的 {self.anchored} 行相符"
        return "\n".join(problems) or f"台账完好:{head.count} 条分录,链头 {head.hash};{anchored}"


def check_books(engine: sa.Engine, anchor_path: Path, *, anchored: bool = False) -> Audit:
    """Walks the whole chain, and compares it with the anchor file and the closed months.

    `anchored`: the file was named, and must be there with a head in it. Raises OSError, LedgerError.
    """
    verified = chain.verify(engine)
    heads = anchor.read(anchor_path) if anchored or anchor_path.exists() else {}
    with engine.connect() as conn:
        lost = anchor.first_lost(conn, heads)
        wrong = wrong_closings(conn, load_schemes()) if verified.sound else ()
    # every run anchors a head, also that of a ledger without entries
    unanchored = not heads and (anchored or verified.head.count > 0)
    return Audit(verified, len(heads), unanchored, lost, wrong)
