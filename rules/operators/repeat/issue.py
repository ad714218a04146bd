"""复述诉求: whether the agent says back what the customer wants."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from zhijian.models.records.dialogue import Role
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.places import Place
from zhijian.rules.call.scenario import Scenario, recorded_scenario
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases, Scope
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, not_applicable, unsure
from zhijian.rules.operators.repeat.repeats import Words, words_of
from zhijian.rules.operators.repeat.restating import Restatement, restatements, told

PERHAPS = 0.5
"""How probably it has to be harassment, where that is no more than what the call sounds like, to be a doubt."""
_CUSTOMER = Scope(role=Role.CUSTOMER)


class RestatesIssue(Operator):
    """The agent says back what the customer wants, after the customer has told it.

    A restatement as probable as `restated` counts; where none is as probable as `doubtful` there was none (both 0..1).
    A caller wants nothing whose call is harassment by the record, or by what it sounds like and one of the phrases of
    `harassment`. `missing` is the reason of a fail.
    """

    restated: float = Field(gt=0, le=1)
    doubtful: float = Field(gt=0, le=1)
    harassment: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        customer = told(heard)
        telling = [one.turn for one in customer if one.request]
        if not telling:
            return not_applicable("客户没有提出诉求")
        if self._is_harassment(heard):
            return not_applicable("骚扰来电,客户没有诉求")
        best = max(restatements(heard), key=lambda one: one.probability, default=None)
        if best and best.probability >= self.restated:
            said = _words(heard, best).evidence("复述诉求")
            return Finding(outcome=Outcome.PASS, confidence=best.probability, evidence=(said,))
        if best and best.probability >= self.doubtful:
            return unsure(
                "有一处像是复述诉求,但不能确定", best.probability, _words(heard, best).evidence(_closest(best))
            )
        request, place = _place(heard, Role.CUSTOMER, telling), _place_after(heard, telling[0])
        told_by_customer = (Words(u.role, u.span, u.text).evidence("客户的诉求") for u in request.utterances)
        evidence = (*told_by_customer, _searched(heard, place, best))
        doubt = heard.distrust(request) or heard.distrust(place)
        if sounds_like_harassment(heard):
            doubt = "像是骚扰来电"
        return failed(self.missing, place.confidence, *evidence, doubt=doubt)

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                "客户说出诉求之后,坐席复述客户的主要诉求",
                "  诉求取自客户前几句话,不含户号、地址等资料;按内容相近、说法(您是说……、……对吗)和客户是否应声说对判断",
                f"  客户没有诉求的不适用,如骚扰来电:{sentences.listed(self.harassment)}",
            ),
            reasons=(self.missing,),
            doubts=("有一处像是复述,但不能确定", "客户的诉求或坐席的话识别没有把握", "像是骚扰来电"),
        )

    def _is_harassment(self, heard: Heard) -> bool:
        customer = heard.place(_CUSTOMER)
        says_so = heard.said(self.harassment, customer.utterances, at_least=heard.settings.thresholds.certain)
        recorded = recorded_scenario(heard.call.scenario)
        return _guessed_harassment(heard) and (recorded is not None or says_so is not None)


def sounds_like_harassment(heard: Heard) -> bool:
    """Is it more likely than not?"""
    return _guessed_harassment(heard) and heard.scenario.confidence >= PERHAPS


def _guessed_harassment(heard: Heard) -> bool:
    return heard.scenario.name is Scenario.HARASSMENT


def _place(heard: Heard, role: Role, turns: Sequence[int]) -> Place:
    span = heard.turns[turns[0]].span.hull(heard.turns[turns[-1]].span)
    return Place(role, span, tuple(utterance for index in turns for utterance in heard.turns[index].utterances))


def _place_after(heard: Heard, index: int) -> Place:
    """Where the agent could have said it back."""
    turns = [turn for turn in heard.turns[index + 1 :] if turn.role is Role.AGENT]
    span = Span(heard.turns[index].span.end_ms, heard.dialogue.duration_ms)
    return Place(Role.AGENT, span, tuple(utterance for turn in turns for utterance in turn.utterances))


def _searched(heard: Heard, place: Place, best: Restatement | None) -> Evidence:
    detail = f"最接近:「{_words(heard, best).quote}」({_closest(best)})" if best else ""
    return Evidence(EvidenceKind.SEARCHED, place.role, place.span, place.quote, detail)


def _closest(best: Restatement) -> str:
    return f"是复述的可能 {best.probability:.0%}"


def _words(heard: Heard, best: Restatement) -> Words:
    return words_of(heard.turns[best.turn], best.start, best.end)
