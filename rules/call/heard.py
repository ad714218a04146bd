"""A call as the rules look at it: its record, what was heard, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial, wraps
from itertools import pairwise
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Turn, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind
from zhijian.rules.call.answers import Answers, Doubts
from zhijian.rules.call.excuses import NO_EXCUSES, Excuses
from zhijian.rules.call.phrases import Hit, apart, best_hit, find, hits
from zhijian.rules.call.places import Place, place_of
from zhijian.rules.call.scenario import ScenarioGuess, classify
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrase, PhraseList, Scope
from zhijian.rules.keydata.datum import Datum
from zhijian.rules.keydata.datum import Turn as KeyTurn
from zhijian.rules.keydata.extract import extract
from zhijian.rules.keydata.repeat_back import RepeatBack, repeat_back
from zhijian.rules.words.text import normalise

SAME_BREATH_MS = 50
"""What follows so closely on one channel, with another voice, may begin with words of the one before."""
Least = Callable[[Phrase], float]
"""From which similarity on (0..1) a phrase counts."""
About = ParamSpec("About")
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Heard:
    """One call under judgement, equal to no other.

    `doubts` takes what the sound should be asked, if it still can be.
    """

    call: Call
    dialogue: Dialogue
    settings: Settings
    doubts: Doubts | None = None

    @cached_property
    def answers(self) -> Answers:
        return Answers(self.dialogue)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        return self.dialogue.turns()

    @cached_property
    def key_turns(self) -> tuple[KeyTurn, ...]:
        """The same turns, to look for key data in."""
        return tuple(KeyTurn(i, turn.role.value, normalise(turn.text)) for i, turn in enumerate(self.turns))

    @cached_property
    def key_data(self) -> tuple[Datum, ...]:
        """The key data that the customer gave."""
        return extract(self.key_turns, reference=self.call.started_at)

    @cached_property
    def repeat_backs(self) -> tuple[RepeatBack, ...]:
        """What the agent said back of each of them."""
        return tuple(repeat_back(datum, self.key_turns) for datum in self.key_data)

    @cached_property
    def scenario(self) -> ScenarioGuess:
        """What the call is about."""
        return classify(self.call, self.dialogue)

    @property
    def scenario_is_certain(self) -> bool:
        return self.scenario.confidence >= self.settings.thresholds.scenario_confidence

    def is_certain(self, hit: Hit) -> bool:
        """May something be demanded of the agent because this was said? Sound, words and speaker have to be sure."""
        thresholds = self.settings.thresholds
        return (
            hit.likelihood >= thresholds.certain
            and hit.word_confidence >= thresholds.word_confidence
            and hit.utterance.role_confidence >= thresholds.role_confidence
        )

    def place(self, scope: Scope, *, after: Hit | None = None, before: Hit | None = None) -> Place:
        """The part of the call in scope, between the hits of its anchors."""
        if after or before:
            return place_of(scope, self.dialogue, self.turns, after=after, before=before)
        if scope not in self._places:
            self._places[scope] = place_of(scope, self.dialogue, self.turns)
        return self._places[scope]

    @cached_property
    def known(self) -> dict[Hashable, Any]:
        """What functions have found in it that are asked `once_a_call`."""
        return {}

    @cached_property
    def _places(self) -> dict[Scope, Place]:
        """Those without anchors, which many items have in common."""
        return {}

    def hits(
        self,
        phrases: Sequence[Phrase],
        utterances: Sequence[Utterance],
        *,
        nearly: bool = False,
        unless: Excuses = NO_EXCUSES,
    ) -> tuple[Hit, ...]:
        """Every stretch in which one of the phrases counts as said, or with `nearly` may have been, in order.

        Of hits that overlap only the likeliest counts; one that is excused does not. A phrase that has to be more
        alike than others to count as said has to be as much more alike to be a doubt.
        """
        thresholds = self.settings.thresholds
        least = self._may_have_been_said if nearly else self._was_said
        least_belief = thresholds.possible if nearly else thresholds.believed
        return apart(
            hit
            for hit in self._sounding(phrases, utterances, least, least_belief)
            if not (unless and unless.excuse(hit, self._turn_text(hit.utterance), self.has))
        )

    def _was_said(self, phrase: Phrase) -> float:
        """The similarity from which it counts as said."""
        return phrase.accept or self.settings.thresholds.said

    def _may_have_been_said(self, phrase: Phrase) -> float:
        thresholds = self.settings.thresholds
        return max(thresholds.doubt, self._was_said(phrase) - (thresholds.said - thresholds.doubt))

    def _sounding(
        self, phrases: Sequence[Phrase], utterances: Sequence[Utterance], least: Least, least_belief: float
    ) -> Iterator[Hit]:
        """What sounds like one of the phrases, each with its least similarity; or what the sound vouches for."""
        asked_about = list(filter(self.answers.know, utterances))
        if not asked_about:
            yield from self.alike(phrases, utterances, least)
            return
        yield from self.alike(phrases, [utterance for utterance in utterances if utterance not in asked_about], least)
        phrase_of = PhraseList.of(phrases).by_text
        for utterance in asked_about:
            for hit in self.alike(phrases, [utterance], partial(self._least_where_asked, utterance, least)):
                weighed = self.answers.weighed(hit)
                if hit.match.similarity >= least(phrase_of[hit.phrase]) or (weighed.belief or 0) >= least_belief:
                    yield weighed

    def _least_where_asked(self, utterance: Utterance, least: Least, phrase: Phrase) -> float:
        """Less where the sound was asked about the phrase: it may vouch for what is less alike."""
        if any(phrase.may_be(wording) for wording in self.answers.wordings(utterance)):
            return min(least(phrase), self.settings.thresholds.asked)
        return least(phrase)

    def alike(self, phrases: Sequence[Phrase], utterances: Iterable[Utterance], least: Least) -> Iterator[Hit]:
        """Every place of the utterances, in order, that sounds like a phrase, each from its least similarity on."""
        known = PhraseList.of(phrases)
        for utterance, near in self.near(known, utterances):
            for place in known.among(near):
                phrase = known[place]
                if near[phrase.clue] >= (at_least := least(phrase)):
                    yield from hits(phrase, utterance, min_similarity=at_least)

    def has(self, phrases: Sequence[Phrase], raw: str, *, at_least: float | None = None) -> bool:
        """Is one of the phrases said in a text of the call, by its own threshold, or else the standard's or another?"""
        said, text = at_least or self.settings.thresholds.said, normalise(raw)
        return any(
            find(phrase, text, min_similarity=phrase.accept or said) for phrase in self.possible(phrases, raw, said)
        )

    def possible(self, phrases: Sequence[Phrase], raw: str, at_least: float) -> Sequence[Phrase]:
        """Those of the phrases that may be so much alike in a text of the call; all where nothing is known of it."""
        known = PhraseList.of(phrases)
        near = self._near_in(raw) if self._knows(known) and at_least >= self.settings.tells else None
        return known if near is None else [known[place] for place in known.among(near)]

    def near(
        self, phrases: PhraseList, utterances: Iterable[Utterance]
    ) -> Iterator[tuple[Utterance, Mapping[str, float]]]:
        """The utterances in which something like one of the phrases may be, in order.

        Each comes with how alike (0..1) it is at most to the clues of these phrases, and of others.
        """
        knows = self._knows(phrases)
        for utterance in utterances:
            near = self._near_in(utterance.text) if knows else None
            if near is None:
                yield utterance, dict.fromkeys(phrases.clues, 1.0)
            elif not near.keys().isdisjoint(phrases.clues):
                yield utterance, near

    def _knows(self, phrases: PhraseList) -> bool:
        """Are they all in the vocabulary?"""
        return _is_part(phrases.clues, self.settings.vocabulary.phrases)

    def _near_in(self, raw: str) -> Mapping[str, float] | None:
        """What of the vocabulary may be in a text; None where that is not known."""
        if (near := self._near.get(raw)) is not None:
            return near
        # a part of an utterance: nothing is in it that is not in the whole
        return next((near for whole, near in self._near.items() if raw in whole), None)

    @cached_property
    def _near(self) -> dict[str, dict[str, float]]:
        """By text what of the vocabulary may be in an utterance; less alike where the sound is asked about it."""
        utterances = self.dialogue.utterances
        asked = {one.text for one in utterances if self.doubts is not None or self.answers.know(one)}
        others = {one.text for one in utterances} - asked
        near: dict[str, dict[str, float]] = {}
        for texts, least in ((others, 1.0), (asked, self.settings.thresholds.asked)):
            chars = [normalise(text).chars for text in texts]
            near |= zip(texts, self.settings.vocabulary.near(chars, least=least), strict=True)
        return near

    def without_asking(self) -> Heard:
        """The same call, of whose sound nothing is asked."""
        return self if self.doubts is None else self._unasked

    @cached_property
    def _unasked(self) -> Heard:
        return replace(self, doubts=None)

    def ask_for(self, phrases: Sequence[Phrase], utterances: Sequence[Utterance]) -> None:
        """Has the sound asked whether one of the phrases was said there."""
        if self.doubts is not None:
            self.doubts.ask(self.alike(phrases, utterances, lambda _: self.settings.thresholds.asked))

    def ask(self, hits: Iterable[Hit]) -> None:
        """Has the sound asked whether one of these was said, if it still can be."""
        if self.doubts is not None:
            self.doubts.ask(hits)

    def _turn_text(self, utterance: Utterance) -> str:
        """All that its speaker says in the turn it belongs to."""
        turns = (turn for turn in self.turns if turn.role is utterance.role and turn.span.covers(utterance.span))
        return next((turn.text for turn in turns), utterance.text)

    def said(
        self, phrases: Sequence[Phrase], utterances: Sequence[Utterance], *, at_least: float | None = None
    ) -> Hit | None:
        """The best of these phrases that counts as said there, by the standard's threshold or another."""
        said = at_least or self.settings.thresholds.said
        return best_hit(self.alike(phrases, utterances, lambda phrase: phrase.accept or said))

    def nearest(self, phrases: Sequence[Phrase], utterances: Sequence[Utterance]) -> Hit | None:
        """The best of these phrases that may have been said there."""
        return best_hit(self.alike(phrases, utterances, lambda _: self.settings.thresholds.doubt))

    def elsewhere(self, place: Place) -> tuple[Utterance, ...]:
        """Trusted utterances within the place whose speaker is unknown, or may have been mistaken for the other."""
        return tuple(
            utterance
            for utterance in self._of_doubtful_role
            if utterance.role is not place.role and utterance.span.overlap(place.span)
        )

    @cached_property
    def _of_doubtful_role(self) -> tuple[Utterance, ...]:
        sure, trusted = self.settings.thresholds.role_confidence, self.dialogue.trusted
        unknown = {u for u in trusted if u.role is Role.UNKNOWN or u.role_confidence < sure}
        if self.dialogue.separation is Separation.DIARIZATION:
            unknown |= {
                after
                for one, after in pairwise(trusted)
                if one.role is not after.role and after.span.start_ms - one.span.end_ms < SAME_BREATH_MS
            }
        return tuple(u for u in trusted if u in unknown)

    def distrust(self, place: Place) -> str | None:
        """Why nothing may be concluded from what is not found there, in Chinese; None where it may."""
        if any(
            u.suspect and u.role in (place.role, Role.UNKNOWN) and u.span.overlap(place.span)
            for u in self.dialogue.utterances
        ):
            return "这一段有识别可疑的内容"
        if not place.utterances:
            return "这一段没有识别出文字" if self._unheard_ms(place) else None
        if place.confidence < self.settings.thresholds.word_confidence:
            return "这一段识别的把握太低"
        if self._unheard_ms(place) >= self.settings.thresholds.unheard_ms:
            return "这一段有说话声没有识别出文字"
        if self._is_sparse(place):
            return "这一段的话识别得不完整"
        if self._talked_over_ms(place) >= self.settings.thresholds.talked_over_ms:
            return "这一段两人同时说话,单声道分不清各自说了什么"
        return None

    def distrust_of_phrases(self, place: Place) -> str | None:
        """Why a phrase may have been said there although it is not found, in Chinese; None where it was not."""
        thresholds = self.settings.thresholds
        if place.num_chars <= thresholds.garbled_among_chars and place.least_clear < thresholds.garbled:
            return "这一段有几个字没有听清"
        return self.distrust(place)

    def _unheard_ms(self, place: Place) -> int:
        """Milliseconds of the role's voice there without a word; 0 where they are a small part of the voice."""
        voice = [part for span in self.dialogue.voice_of(place.role) if (part := span.overlap(place.span))]
        words = [utterance.span for utterance in self.dialogue.trusted]
        total = sum(part.duration_ms for part in voice)
        unheard = total - sum(part.overlap_ms(span) for part in voice for span in words)
        return unheard if unheard >= self.settings.thresholds.unheard_ratio * total else 0

    def _talked_over_ms(self, place: Place) -> int:
        """Milliseconds in which both speak there and share one channel, so that words may be with the wrong one."""
        if self.dialogue.separation is Separation.CHANNELS:
            return 0
        other = Role.CUSTOMER if place.role is Role.AGENT else Role.AGENT
        return sum(
            both.overlap_ms(place.span)
            for own in self.dialogue.voice_of(place.role)
            for theirs in self.dialogue.voice_of(other)
            if (both := own.overlap(theirs))
        )

    def _is_sparse(self, place: Place) -> bool:
        """Has one of its longer utterances far fewer characters than this speaker usually says in the time?"""
        own = [utterance for utterance in self.dialogue.trusted if utterance.role is place.role]
        usual = self.settings.thresholds.sparse_ratio * _rate(own)
        longer = [u for u in place.utterances if u.span.duration_ms >= self.settings.thresholds.unheard_ms]
        return any(_rate([utterance]) < usual for utterance in longer)


def once_a_call(
    find: Callable[Concatenate[Heard, About], Found],
) -> Callable[Concatenate[Heard, About], Found]:
    """Has a function find only once what several items of a standard ask of a call."""

    @wraps(find)
    def known(heard: Heard, *args: About.args, **kwargs: About.kwargs) -> Found:
        question = find, args, tuple(kwargs.items())
        if question not in heard.known:
            heard.known[question] = find(heard, *args, **kwargs)
        return cast(Found, heard.known[question])

    return known


@lru_cache(maxsize=1024)
def _is_part(clues: frozenset[str], phrases: frozenset[str]) -> bool:
    """The same lists are asked for in every call, and a frozenset knows its hash."""
    return clues <= phrases


def _rate(utterances: Sequence[Utterance]) -> float:
    """Characters a millisecond; 0 where there is no speech."""
    duration_ms = sum(utterance.span.duration_ms for utterance in utterances)
    return sum(len(utterance.text) for utterance in utterances) / duration_ms if duration_ms else 0.0


def found(hit: Hit) -> Evidence:
    """It was said: the words, where they were said, and how alike they are where they are not the phrase itself."""
    detail = "" if hit.match.exact else f"听作「{hit.phrase}」({_likeness(hit)})"
    return Evidence(EvidenceKind.FOUND, hit.utterance.role, hit.span, hit.quote, detail)


def searched(place: Place, nearest: Hit | None = None) -> Evidence:
    """It was not said: where it was looked for, what was said there, and what came closest."""
    detail = ""
    if nearest:
        detail = f"最接近:「{nearest.quote}」对「{nearest.phrase}」({_likeness(nearest)})"
    return Evidence(EvidenceKind.SEARCHED, place.role, place.span, place.quote, detail)


def _likeness(hit: Hit) -> str:
    """How alike it is; and how probable, where the sound was asked."""
    alike = f"相似度 {hit.match.similarity:.2f}"
    return alike if hit.belief is None else f"{alike},听录音核对为 {hit.belief:.0%}"


def recorded(**facts: object) -> Evidence:
    """What is known of the call as a whole, as field=value."""
    values = "、".join(f"{name}={'未记录' if value is None else value}" for name, value in facts.items())
    return Evidence(EvidenceKind.RECORD, None, None, "", values)
