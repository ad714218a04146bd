"""Phrases that have to be said."""

from __future__ import annotations

from pydantic import Field

from zhijian.rules.call.excuses import NO_EXCUSES, Excuses
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases, Scope
from zhijian.rules.operators import sentences
from zhijian.rules.operators.anchors import over_places
from zhijian.rules.operators.finding import Explanation, Finding, Operator, presence


class SaysAny(Operator):
    """`at_least` so many of the phrases are said within the scope, `unless` something excuses them.

    `missing` is the reason of a fail.
    """

    within: Scope
    phrases: Phrases
    at_least: int = Field(default=1, ge=1)
    unless: Excuses = NO_EXCUSES
    missing: str

    def look(self, heard: Heard) -> Finding:
        return over_places(heard, self.within, lambda place: self._in(place, heard))

    def _in(self, place: Place, heard: Heard) -> Finding:
        return presence(heard, place, self.phrases, self.missing, at_least=self.at_least, unless=self.unless)

    def explain(self, settings: Settings) -> Explanation:
        times = f",至少 {self.at_least} 处" if self.at_least > 1 else ""
        return Explanation(
            asked=(
                f"{sentences.place(self.within)},说到其中一种{times}:{sentences.listed(self.phrases)}",
                *sentences.indented(sentences.excuses(self.unless)),
            ),
            reasons=(self.missing,),
            doubts=sentences.SEARCH_DOUBTS,
        )
