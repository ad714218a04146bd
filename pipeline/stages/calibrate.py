"""Calibrating people and the machine: how far those agree who judged the same calls, how often the machine is right.

What is computed lies in zhijian.reports; here it is read from the books.
"""

import sqlalchemy as sa

from zhijian.models.records.calibration import machine_verdicts
from zhijian.pipeline.store.calibrations import all_verdicts, calibration
from zhijian.pipeline.store.rulings import last_rulings, machine_scorecard
from zhijian.reports.agreement import Agreement, agreement
from zhijian.reports.precision import MachineRecord, RuledItem, machine_records


def session_agreement(conn: sa.Connection, session: int) -> Agreement:
    """Of a calibration session that is closed, with the machine as one more rater. Raises CalibrationError.

    The machine counts on the items that somebody judged, with what it said before any decision of people.
    """
    said = all_verdicts(conn, session)
    judged = {(verdict.scorecard, verdict.item) for verdict in said}
    by_machine = [
        verdict
        for scorecard in calibration(conn, session).scorecards
        for verdict in machine_verdicts(scorecard, machine_scorecard(conn, scorecard))
        if (scorecard, verdict.item) in judged
    ]
    return agreement([*said, *by_machine])


def machine_precision(conn: sa.Connection) -> tuple[MachineRecord, ...]:
    """By month of the call and item, of all calls with a ruling that names the item."""
    return machine_records(
        RuledItem(
            month=f"{last.day:%Y-%m}",
            item=last.ruling.item,
            machine=last.machine.outcome,
            person=last.ruling.outcome,
        )
        for last in last_rulings(conn)
    )
