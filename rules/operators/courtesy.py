"""The courtesy words: how many kinds of them the agent used, and whether there was occasion for an apology."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated

from pydantic import Field, StringConstraints

from zhijian.models.records.dialogue import Role
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.heard import Heard, found, searched
from zhijian.rules.call.phrases import Hit, best_hit
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrase, Phrases, Scope, Term
from zhijian.rules.operators import sentences
from zhijian.rules.operators.conditions import Condition
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed
from zhijian.rules.operators.holds import agents_holds
from zhijian.rules.operators.repeat.repeats import repeated_wrong

Name = Annotated[str, StringConstraints(min_length=1)]


class CourtesyKind(Term):
    """One of the courtesy words in its forms.

    `literal` are characters that have to be written as they are: with 您 in it, 你好 is a doubt and not a use of 您好.
    """

    name: Name
    phrases: Phrases
    literal: str = ""

    def best(self, heard: Heard, place: Place) -> tuple[Hit | None, bool]:
        """The best use, else what comes nearest to one, and whether it certainly is one."""
        used = heard.hits(self.phrases, place.utterances)
        if certain := best_hit(hit for hit in used if set(self.literal) <= set(hit.quote)):
            return certain, True
        heard.ask_for(self.phrases, place.utterances)
        return best_hit(used or heard.hits(self.phrases, place.utterances, nearly=True)), False


class Occasion(Term):
    """Something that calls for an apology; all that is given has to hold.

    `held` is a hold or an unannounced silence, `repeated_wrong` a key datum said back wrong, at least so sure (0..1).
    """

    name: Name
    when: Condition | None = None
    customer_says: Phrases | None = None
    agent_says: Phrases | None = None
    held: bool = False
    repeated_wrong: float | None = Field(default=None, gt=0, le=1)

    def arose(self, heard: Heard) -> bool:
        return (
            (self.when is None or self.when.holds(heard))
            and (self.customer_says is None or _said(heard, Scope(role=Role.CUSTOMER), self.customer_says))
            and (self.agent_says is None or _said(heard, Scope(role=Role.AGENT), self.agent_says))
            and (not self.held or bool(agents_holds(heard)))
            and (self.repeated_wrong is None or repeated_wrong(heard, self.repeated_wrong))
        )


class UsesCourtesyWords(Operator):
    """At least `full` kinds of courtesy words are used; from `half` on half the points are earned.

    `apology` is a kind as well, and counts as used where none of `occasions` arose. Where only one kind is missing, it
    may be among the agent's words that were hardly understood if these have `garbled_chars` characters, and
    `garbled_ratio` of all.
    """

    kinds: tuple[CourtesyKind, ...]
    apology: CourtesyKind
    occasions: tuple[Occasion, ...]
    full: int = Field(ge=1)
    half: int = Field(ge=1)
    garbled_chars: int = Field(ge=1)
    garbled_ratio: float = Field(ge=0, le=1)

    def look(self, heard: Heard) -> Finding:
        place = heard.place(Scope())
        best = {kind.name: kind.best(heard, place) for kind in (*self.kinds, self.apology)}
        used = [name for name, (_, certain) in best.items() if certain]
        if self.apology.name not in used and not any(occasion.arose(heard) for occasion in self.occasions):
            used.append(self.apology.name)
        doubtful = [name for name, (hit, _) in best.items() if hit and name not in used]
        missing = [name for name, (hit, _) in best.items() if not hit and name not in used]
        share = self._share(len(used))
        evidence = tuple(found(hit) for hit, _ in best.values() if hit)
        if share == 1:
            return Finding(outcome=Outcome.PASS, confidence=place.confidence, evidence=evidence)
        reason = f"礼貌用语只用到{len(used)}种" + (f",没有用:{'、'.join(missing)}" if missing else "")
        might_be_more = self._share(len(used) + len(doubtful)) != share
        doubt = f"疑似还用了{'、'.join(doubtful)}" if might_be_more else heard.distrust(place)
        if not doubt and self._share(len(used) + 1) == 1 and self._is_garbled(heard, place):
            doubt = "有不少字没有听清,可能漏听了一种"
        return replace(failed(reason, place.confidence, searched(place), *evidence, doubt=doubt), share=share)

    def explain(self, settings: Settings) -> Explanation:
        kinds = "、".join(kind.name for kind in (*self.kinds, self.apology))
        return Explanation(
            asked=(
                f"坐席用到下列礼貌用语中的 {self.full} 种以上:{kinds};用到 {self.half} 种得一半分",
                f"  没有需要致歉的情形,“{self.apology.name}”算已用到;"
                f"需要致歉的情形:{'、'.join(occasion.name for occasion in self.occasions)}",
            ),
            reasons=(f"礼貌用语不足 {self.full} 种",),
            doubts=(
                "可能还用了一种,但听得不够确切",
                f"只差一种,而坐席没有听清的字有 {self.garbled_chars} 个以上,占 {self.garbled_ratio:.0%} 以上",
                *sentences.SEARCH_DOUBTS[2:],
            ),
        )

    def _is_garbled(self, heard: Heard, place: Place) -> bool:
        least = heard.settings.thresholds.garbled
        lost = sum(len(word.text) for one in place.utterances for word in one.words if word.probability < least)
        return lost >= max(self.garbled_chars, self.garbled_ratio * place.num_chars)

    def _share(self, kinds: int) -> Fraction:
        if kinds >= self.full:
            return Fraction(1)
        return Fraction(1, 2) if kinds >= self.half else Fraction(0)


def _said(heard: Heard, whose: Scope, phrases: tuple[Phrase, ...]) -> bool:
    certain = heard.settings.thresholds.certain
    return heard.said(phrases, heard.place(whose).utterances, at_least=certain) is not None
