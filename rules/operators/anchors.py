"""Places that are found by what somebody says: the agent's reply to an angry customer, say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from zhijian.models.records.dialogue import Role
from zhijian.rules.call.heard import Heard, found
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.places import Place
from zhijian.rules.call.terms import Anchor, Scope
from zhijian.rules.operators.finding import Finding, doubted, not_applicable, worst

_WHO = {Role.AGENT: "坐席", Role.CUSTOMER: "客户"}


def over_places(heard: Heard, scope: Scope, look: Callable[[Place], Finding]) -> Finding:
    """What `look` finds in the scope; of an anchor that was said several times the worst counts.

    Without its anchor there is no place, nor where the role says nothing more after it; and nothing is held against the
    agent where the anchor is doubtful.
    """
    afters, befores = _hits(heard, scope.after), _hits(heard, scope.before)
    for anchor, hits in ((scope.after, afters), (scope.before, befores)):
        if anchor and not hits:
            return not_applicable(f"{_WHO[anchor.role]}没有说「{anchor.says[0].text}」之类的话")
    return worst([_between(heard, scope, look, *anchors) for anchors in itertools.product(afters, befores)])


def _between(
    heard: Heard, scope: Scope, look: Callable[[Place], Finding], after: Hit | None, before: Hit | None
) -> Finding:
    place = heard.place(scope, after=after, before=before)
    if after and not place.utterances and not heard.distrust(place):
        return not_applicable(f"{_WHO[scope.role]}之后没有再说话", (found(after),))
    finding = look(place)
    anchors = [hit for hit in (after, before) if hit]
    if anchors:
        finding = replace(finding, evidence=tuple(dict.fromkeys((*map(found, anchors), *finding.evidence))))
    doubtful = next((hit for hit in anchors if not heard.is_certain(hit)), None)
    return doubted(finding, f"不能确定是否说过「{doubtful.phrase}」") if doubtful else finding


def _hits(heard: Heard, anchor: Anchor | None) -> Sequence[Hit | None]:
    """The anchor's hits, as many of them as it asks for; doubtful ones only where there is none that is certain."""
    if anchor is None:
        return (None,)
    place = heard.place(Scope(role=anchor.role))
    said = heard.hits(anchor.says, place.utterances)
    hits = (
        tuple(hit for hit in said if heard.is_certain(hit))
        or said
        or heard.hits(anchor.says, heard.elsewhere(place))
        or heard.hits(anchor.says, place.utterances, nearly=True)
    )
    return {"first": hits[:1], "last": hits[-1:], "every": hits}[anchor.which]
