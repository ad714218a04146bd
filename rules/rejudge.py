"""Judging a call again under an edited standard: only by the rules that did not judge it before as they now are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import Scorecard
from zhijian.rules.call.heard import Heard
from zhijian.rules.fingerprints import LISTS
from zhijian.rules.judge import Verdicts, judge, verdicts
from zhijian.rules.standard import Standard


@dataclass(frozen=True, eq=False)
class Rejudge:
    """Judges under one standard calls that were judged before."""

    standard: Standard

    def judge(self, call: Call, dialogue: Callable[[], Dialogue], before: Scorecard) -> Scorecard:
        """The scorecard that `judge` gives the call, in a fraction of the time where few rules differ.

        `before` is its scorecard as another standard, or another program, judged the same record and dialogue. The
        dialogue is asked for only where there is something to judge.
        """
        differing = self._differing(before)
        if differing == self._ids:
            return judge(call, dialogue(), self.standard, recording_sha256=before.recording_sha256)
        anew = self._judged(call, dialogue(), differing) if differing else before
        items = {item.id: item for item in (*before.items, *anew.items)}
        lists = anew if differing and self._listing <= differing else before
        return replace(
            before,
            standard=self.standard.ref,
            items=tuple(items[item.id] for item in self.standard.items),
            banned=lists.banned,
            key_info=lists.key_info,
            veto_confirmed=None,
        )

    def _differing(self, before: Scorecard) -> frozenset[str]:
        """The items that have to be judged; all of them where the scorecard tells nothing that could stay."""
        known = {item.id: item.rule for item in before.items}
        if not known or not known.keys() <= self._ids:  # an item that is gone may have listed something
            return self._ids
        differing = frozenset(item.id for item in self.standard.items if known.get(item.id) != item.fingerprint)
        listed = {id for id, rule in known.items() if rule is None or rule.endswith(LISTS)}
        return differing | self._listing if differing & (self._listing | listed) else differing

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(item.id for item in self.standard.items)

    @cached_property
    def _listing(self) -> frozenset[str]:
        return frozenset(item.id for item in self.standard.items if item.fingerprint.endswith(LISTS))

    def _judged(self, call: Call, dialogue: Dialogue, ids: frozenset[str]) -> Verdicts:
        if ids not in self._parts:
            self._parts[ids] = self.standard.part(ids)
        part = self._parts[ids]
        return verdicts(part.items, Heard(call, dialogue, part.settings))

    @cached_property
    def _parts(self) -> dict[frozenset[str], Standard]:
        return {}
