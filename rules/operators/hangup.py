"""Calls that the agent ended: whether a warning came before it."""

from __future__ import annotations

from zhijian.models.records.dialogue import Role
from zhijian.rules.call.heard import Heard, found, recorded, searched
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases, Scope
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, passed, unsure


class WarnsBeforeHangup(Operator):
    """The agent hung up only after a clear warning to a caller who was abusive or harassing before it.

    For calls in which the agent hung up. A warning to a caller whose abuse was not recognised is no verdict. `missing`
    is the reason of a fail.
    """

    provocation: Phrases
    warning: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        place = heard.place(Scope())
        provocation = _first(heard, self.provocation, heard.place(Scope(role=Role.CUSTOMER)))
        after = [u for u in place.utterances if provocation and u.span.start_ms > provocation.utterance.span.start_ms]
        if provocation and (warning := heard.said(self.warning, after)):
            return passed(provocation, warning)
        if warning := heard.said(self.warning, place.utterances):
            return unsure("坐席警告过才挂机,但之前没有听出客户的辱骂或骚扰", warning.confidence, found(warning))
        nearest = heard.nearest(self.warning, after)
        doubt = f"有一处听来像「{nearest.phrase}」" if nearest else heard.distrust(place)
        evidence = (recorded(hangup_side=heard.call.hangup_side), searched(place, nearest))
        return failed(self.missing, place.confidence, *evidence, doubt=doubt)

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                "坐席先挂机的,挂机前警告过辱骂、骚扰的客户:",
                f"  客户先说了{sentences.listed(self.provocation)}",
                f"  之后坐席说了{sentences.listed(self.warning)}",
            ),
            reasons=(self.missing,),
            doubts=("坐席警告过,但之前没有听出客户的辱骂或骚扰", *sentences.SEARCH_DOUBTS),
        )


def _first(heard: Heard, phrases: Phrases, place: Place) -> Hit | None:
    """The best hit in the earliest utterance that has one."""
    return next((hit for utterance in place.utterances if (hit := heard.said(phrases, (utterance,)))), None)
