"""Questions to the sound about a dialogue, and its answers."""

from dataclasses import dataclass

from zhijian.models.records.span import RecordError


@dataclass(frozen=True, slots=True)
class PhraseQuery:
    """Was `wording` said where `text[start:end]` of utterance number `utterance` (from 0) was recognised?"""

    utterance: int
    start: int
    end: int
    wording: str

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end or self.utterance < 0:
            raise RecordError(f"no stretch of a text: [{self.start}, {self.end}) of utterance {self.utterance}")
        if not self.wording:
            raise RecordError("a query needs the wording it asks for")


@dataclass(frozen=True, slots=True)
class PhraseScore:
    """The answer to a query.

    `log_likelihood_ratio`: how much better the wording fits the sound than what was recognised; below 0 = worse.
    `mean_log_probability`: of the wording's own tokens; near 0 where it was said.
    """

    query: PhraseQuery
    log_likelihood_ratio: float
    mean_log_probability: float
