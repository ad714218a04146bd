"""What is known of a recording's sound without hearing it."""

from dataclasses import dataclass

from zhijian.models.records.span import RecordError


@dataclass(frozen=True, slots=True)
class Recording:
    """`sha256` is taken over the decoded samples, so one sound in two files is one recording."""

    uri: str
    sha256: str
    sample_rate_hz: int
    num_samples: int
    channels: int

    def __post_init__(self) -> None:
        if self.sample_rate_hz <= 0 or self.num_samples < 0 or self.channels < 1:
            raise RecordError("a recording needs a positive sample rate, a channel and no negative length")

    @property
    def duration_ms(self) -> int:
        return self.num_samples * 1000 // self.sample_rate_hz
