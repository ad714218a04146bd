"""Judging a call: every item of the standard, or the reason why the call cannot be judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue, Role, Separation
from zhijian.models.records.questions import PhraseQuery
from zhijian.models.records.scorecard import BannedHit, ItemResult, KeyDatum, Outcome, Scorecard
from zhijian.models.records.span import union
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Case, Rule
from zhijian.rules.operators.finding import Finding, doubted
from zhijian.rules.scoring import combine, points_earned
from zhijian.rules.standard import Item, Standard
from zhijian.rules.verdicts import weighed


class Verdicts(NamedTuple):
    """The verdicts on items of a standard, and what was listed along with them."""

    items: tuple[ItemResult, ...]
    banned: tuple[BannedHit, ...]
    key_info: tuple[KeyDatum, ...]


def judge(call: Call, dialogue: Dialogue, standard: Standard, *, recording_sha256: str | None = None) -> Scorecard:
    """The scorecard of one call; the same for the same input, and without looking at the sound again."""
    if reason := _why_not(dialogue, standard):
        return unscorable(call, standard, reason, recording_sha256)
    heard = Heard(call, dialogue, standard.settings)
    return Scorecard(
        call_id=call.call_id,
        agent_no=call.agent_no,
        direction=call.direction,
        started_at=call.started_at,
        scenario=call.scenario or (heard.scenario.name if heard.scenario_is_certain else None),
        recording_sha256=recording_sha256,
        standard=standard.ref,
        **verdicts(standard.items, heard)._asdict(),
    )


def questions(call: Call, dialogue: Dialogue, standard: Standard) -> tuple[PhraseQuery, ...]:
    """What the sound should be asked for a judgement with as little doubt as possible."""
    if _why_not(dialogue, standard):
        return ()
    doubts = Doubts(dialogue)
    heard = Heard(call, dialogue, standard.settings, doubts)
    for item in standard.items:
        unweighed(item, heard)
    return doubts.likeliest


def unscorable(call: Call, standard: Standard, reason: str, recording_sha256: str | None = None) -> Scorecard:
    """The scorecard of a call that cannot be judged; `reason` is Chinese."""
    return Scorecard(
        call_id=call.call_id,
        agent_no=call.agent_no,
        direction=call.direction,
        started_at=call.started_at,
        scenario=call.scenario,
        recording_sha256=recording_sha256,
        standard=standard.ref,
        reason=reason,
    )


def verdicts(items: Iterable[Item], heard: Heard) -> Verdicts:
    """What a scorecard says of these items."""
    findings = [(item, finding_of(item, heard)) for item in items]
    return Verdicts(
        items=tuple(result_of(item, finding) for item, finding in findings),
        banned=tuple(hit for _, finding in findings for hit in finding.banned),
        key_info=tuple(datum for _, finding in findings for datum in finding.key_info),
    )


def finding_of(item: Item, heard: Heard) -> Finding:
    """What the item's rule finds in the call, and how probable it is that this is right."""
    return weighed(unweighed(item, heard), heard)


def unweighed(item: Item, heard: Heard) -> Finding:
    """The same as sure as its operator is of it."""
    doubtful = False
    for case in item.rule.cases:
        doubtful = doubtful or case.when.in_doubt(heard)
        if case.when.holds(heard):
            finding = _of_case(case, heard)
            break
    else:
        finding = _of_rule(item.rule, heard)
    return doubted(finding, "通话场景不能确定") if doubtful else finding


def _of_case(case: Case, heard: Heard) -> Finding:
    if case.outcome is None:
        return case.check.operator.look(heard)
    return Finding(
        outcome=case.outcome,
        confidence=heard.scenario.probability_of(case.when.scenario) if case.when.scenario else 1.0,
        reason=case.reason,
        evidence=(case.when.evidence(heard),),
    )


def _of_rule(rule: Rule, heard: Heard) -> Finding:
    if rule.check:
        return rule.check.operator.look(heard)
    return combine([(part.points, part.check.operator.look(heard)) for part in rule.parts])


def result_of(item: Item, finding: Finding) -> ItemResult:
    """A finding with the points of its item."""
    return ItemResult(
        id=item.id,
        outcome=finding.outcome,
        points=points_earned(finding, item.points),
        points_max=item.points,
        confidence=round(finding.confidence, 4),
        reason=f"{finding.reason},请听录音核对" if finding.outcome is Outcome.UNSURE else finding.reason,
        evidence=finding.evidence,
        veto=item.veto and finding.outcome is Outcome.FAIL and finding.grave,
        rule=item.fingerprint,
    )


def _why_not(dialogue: Dialogue, standard: Standard) -> str | None:
    """Why the call cannot be judged, in Chinese; None where it can."""
    if dialogue.separation is Separation.NONE:
        return "单声道录音,无法区分坐席和客户"
    if dialogue.utterances and dialogue.language not in standard.judgeable.languages:
        return f"通话语言不是普通话(识别为 {dialogue.language})"
    speech_ms = dialogue.speech_ms if dialogue.voices else _words_ms(dialogue)
    if speech_ms < standard.judgeable.min_speech_ms:
        return f"有效语音只有 {speech_ms // 1000} 秒,不足 {standard.judgeable.min_speech_ms // 1000} 秒"
    if not any(u.role is Role.AGENT and any(map(str.isalnum, u.text)) for u in dialogue.trusted):
        return "没有找到坐席说的话"
    return None


def _words_ms(dialogue: Dialogue) -> int:
    return sum(span.duration_ms for span in union(u.span for u in dialogue.trusted if u.role is not Role.SYSTEM))
