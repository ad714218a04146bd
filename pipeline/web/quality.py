"""Samples that people look at, and how often the machine turns out to be right."""

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, Field

from zhijian.models.records.sampling import MAX_SEED, Sampling
from zhijian.pipeline.stages.calibrate import machine_precision
from zhijian.pipeline.stages.sample import sample
from zhijian.pipeline.web.workbench import Bench, Reviewer, Supervisor, own_choice

router = APIRouter()


class SamplingIn(BaseModel):
    """The same seed draws the same of the same calls."""

    from_day: date
    to_day: date
    per_agent: int = Field(ge=1, le=100)
    seed: int = Field(0, ge=0, le=MAX_SEED)


class Sampled(BaseModel):
    sample: int
    calls: int


class Rate(BaseModel):
    month: str
    item: str
    right: int
    taken_back: int
    missed: int
    unsure: int
    precision: float | None
    recall: float | None


@router.post("/api/samples", status_code=201)
def draw(bench: Bench, account: Supervisor, wanted: SamplingIn) -> Sampled:
    """Draws calls of each agent in own teams at random, and all that are risky; they wait in the queue for a person."""
    sampling = Sampling(from_day=wanted.from_day, to_day=wanted.to_day, per_agent=wanted.per_agent, seed=wanted.seed)
    people = own_choice(bench, account).people
    number, drawn = sample(bench.engine, sampling, actor=account.name, now=bench.now(), people=people)
    return Sampled(sample=number, calls=len(drawn))


@router.get("/api/precision")
def precision(bench: Bench, _account: Reviewer) -> list[Rate]:
    """The machine's precision and recall by month and item, by what people ruled last."""
    with bench.engine.connect() as conn:
        records = machine_precision(conn)
    return [
        Rate(
            month=one.month,
            item=bench.item_name(one.item),
            right=one.right,
            taken_back=one.taken_back,
            missed=one.missed,
            unsure=one.unsure,
            precision=one.precision,
            recall=one.recall,
        )
        for one in records
    ]
