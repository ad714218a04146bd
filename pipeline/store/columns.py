"""Column types: whole records as JSON text, times that keep their offset, days. Text on every database."""

import json
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from zhijian.models.records.codec import from_dict, to_dict


class RecordText(sa.types.TypeDecorator[Any]):
    """A record of `zhijian.models.records` as the JSON of its dictionary. Reading raises RecordError if it was bent."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, record: type) -> None:
        super().__init__()
        self.record = record

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(to_dict(value), ensure_ascii=False, allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else from_dict(self.record, json.loads(value))


class MomentText(sa.types.TypeDecorator[datetime]):
    """An aware datetime in ISO 8601: SQLite has no type that keeps the offset."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class DayText(sa.types.TypeDecorator[date]):
    """A local day `YYYY-MM-DD`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        return None if value is None else date.fromisoformat(value)
