"""Phrases that show a situation: that the customer has no power, is angry, complains."""

from __future__ import annotations

from dataclasses import replace

from zhijian.rules.call.excuses import NO_EXCUSES, Excuses
from zhijian.rules.call.heard import Heard, found, searched
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases, Scope
from zhijian.rules.operators import sentences
from zhijian.rules.operators.anchors import over_places
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, passed, unsure


class Mentions(Operator):
    """One of the phrases is clearly said within the scope, `unless` something excuses it: a sign of a situation.

    A situation has to show itself. Hardly a call is without something that sounds a little like one of many phrases, or
    without a stretch that is hard to hear; neither makes a situation, and so neither is a doubt here. What sounds much
    like one of the phrases makes one that is certain if the sound vouches for it: 其实我 has the sounds of 气死我.
    """

    within: Scope
    phrases: Phrases
    unless: Excuses = NO_EXCUSES

    def look(self, heard: Heard) -> Finding:
        return over_places(heard, self.within, lambda place: self._in(place, heard))

    def _in(self, place: Place, heard: Heard) -> Finding:
        clear = self._clear(heard.hits(self.phrases, place.utterances, unless=self.unless), heard)
        best = max(clear, key=lambda hit: (_is_certain(hit, heard), hit.match.similarity), default=None)
        if best and _is_certain(best, heard):
            return passed(best)
        if heard.doubts is not None:
            heard.ask(heard.hits(self.phrases, place.utterances, nearly=True, unless=self.unless))
        if best:
            return replace(passed(best), certain=False, reason=f"「{best.quote}」像是「{best.phrase}」,但听不真切")
        unclear = self._clear(heard.hits(self.phrases, heard.elsewhere(place), unless=self.unless), heard)
        if unclear:
            return unsure(f"说话人不明的一句话里有「{unclear[0].phrase}」", unclear[0].confidence, found(unclear[0]))
        return failed(self._missing, place.confidence, searched(place), doubt=None)

    def _clear(self, hits: tuple[Hit, ...], heard: Heard) -> list[Hit]:
        clearly = heard.settings.thresholds.certain
        return [hit for hit in hits if max(hit.match.similarity, hit.likelihood) >= clearly]

    @property
    def _missing(self) -> str:
        return f"没有说「{self.phrases[0].text}」之类的话"

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                f"{sentences.place(self.within)},清楚地说到,或听录音核对说到:{sentences.listed(self.phrases)}",
                *sentences.indented(sentences.excuses(self.unless)),
            ),
            reasons=(self._missing,),
            doubts=("要找的话出自说话人分不清的一句", "只是读音相同,没有录音作证", "要找的话听得不真切"),
        )


def _is_certain(hit: Hit, heard: Heard) -> bool:
    return heard.is_certain(hit) and (hit.match.exact or hit.belief is not None)
