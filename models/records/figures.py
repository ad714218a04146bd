"""An agent's figures of a day: what the switch and the rosters count, and no recording tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from zhijian.models.records.span import RecordError

FIGURES = {
    "offered": "来话量",
    "answered": "接听量",
    "talk_s": "通话时长(秒)",
    "after_call_s": "话后处理时长(秒)",
    "signed_in_s": "签入时长(秒)",
    "scheduled_s": "排班时长(秒)",
    "adherent_s": "遵时时长(秒)",
    "rated": "评价量",
    "satisfied": "满意量",
    "pushed": "推送评价量",
    "checked": "工单抽查量",
    "errors": "工单差错量",
}
"""The figures and what they are called."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Counts and seconds by their names in `FIGURES`, whole and not negative; one that is missing was not recorded."""

    agent_no: str
    day: date
    figures: Mapping[str, int]

    def __post_init__(self) -> None:
        unknown = self.figures.keys() - FIGURES.keys()
        if unknown:
            raise RecordError(f"no figures: {', '.join(sorted(unknown))}")
        if any(figure < 0 for figure in self.figures.values()):
            raise RecordError("figures are not negative")
