"""Tables as people keep them, CSV or Excel, as rows of text: nothing is guessed, no row is lost."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

import openpyxl
from openpyxl.cell.cell import Cell, MergedCell

# A cell may run over several lines; a forgotten quote must not swallow the rest of the file.
MAX_LINES_PER_ROW = 50
# Excel keeps 15 digits of a number and replaces the rest by zeros.
MAX_EXACT_NUMBER = 10**15
ECHO_LENGTH = 40
CONTROL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class SourceError(Exception):
    """Nothing can be pulled from here; the message is Chinese and says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """`line` as a person sees it in the file (header = 1), `cells` by column, stripped, "" = empty.

    In a CSV file a row runs on to `last_line` where a cell holds line breaks. With a `problem` (Chinese) the cells may
    stand in the wrong columns: only good for naming the row.
    """

    line: int
    last_line: int
    cells: dict[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """One row before its cells have names."""

    line: int
    last_line: int
    fields: list[str]
    problem: str | None = None


def read_table(path: Path, *, required: Sequence[str]) -> Table:
    """Read a UTF-8 CSV file (with or without BOM) or the first sheet of an .xlsx workbook.

    The first row that is not blank is the header; blank rows are left out.

    Raises:
        SourceError: unreadable file, not UTF-8, no header, a `required` column missing, a column named twice.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"找不到 {path.name}") from None
    except OSError as error:
        raise SourceError(f"{path.name} 无法读取:{error.strerror}") from error
    excel = path.suffix.lower() == ".xlsx"
    records = _excel_records(content, path.name) if excel else _csv_records(_decoded(content, path.name))
    filled = [record for record in records if any(record.fields) or record.problem]
    if not filled or filled[0].problem:
        raise SourceError(f"{path.name} 没有可用的表头")
    columns = _columns(filled[0].fields, path.name, required)
    return Table(path.name, columns, tuple(_row(record, columns) for record in filled[1:]))


def has_control_characters(text: str, *, allowed: str = "") -> bool:
    """Control, format and line separating characters: invisible, and two texts that look alike differ by them."""
    if text.isprintable():
        return False
    return any(unicodedata.category(char) in CONTROL_CATEGORIES for char in text if char not in allowed)


def printable(text: str) -> str:
    """The text with � for what has_control_characters() names."""
    return "".join("�" if has_control_characters(char) else char for char in text)


def echo(text: str) -> str:
    """A value for a message: quoted, shortened, digit runs of four and more masked (cells slip into wrong columns)."""
    masked = re.sub(r"\d{4,}", lambda run: "*" * len(run.group()), printable(text))
    return f"“{masked[:ECHO_LENGTH]}{'…' if len(masked) > ECHO_LENGTH else ''}”"


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{file} 不是 UTF-8 编码(第 {line} 行起),请另存为“CSV UTF-8(逗号分隔)”") from None


def _csv_records(text: str) -> Iterator[_Record]:
    """Row by row; a row with broken quotes is one line, and reading goes on with the next line."""
    lines = list(io.StringIO(text, newline=""))
    width: int | None = None
    at = 0
    while at < len(lines):
        reader = csv.reader(lines[at : at + MAX_LINES_PER_ROW], strict=True)
        try:
            fields = [field.strip() for field in next(reader)]
            used = reader.line_num
        except csv.Error:
            fields, used = [], 0
        if used == 0 or (used > 1 and width is not None and len(fields) != width):
            yield _Record(at + 1, at + 1, [], "引号不成对,无法分列")
            at += 1
            continue
        if width is None and any(fields):
            width = len(_without_blank_end(fields))
        short = width is not None and any(fields) and len(fields) < width
        yield _Record(at + 1, at + used, fields, "单元格比表头的列少" if short else None)
        at += used


def _excel_records(content: bytes, file: str) -> list[_Record]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size into the file
        return [_excel_record(line, cells) for line, cells in enumerate(sheet.iter_rows(), start=1)]
    # openpyxl lets every kind of error of zip, XML and its own classes through
    except Exception as error:
        raise SourceError(f"{file} 不是可以读取的 Excel 工作簿(.xlsx),请重新另存") from error


def _excel_record(line: int, cells: Sequence[Cell | MergedCell]) -> _Record:
    inexact = [i for i, cell in enumerate(cells, start=1) if _is_inexact(cell.value)]
    problem = f"第 {inexact[0]} 列的数字超过 15 位,Excel 已改动其末位,请把该列设为文本后重新填写" if inexact else None
    return _Record(line, line, [_text(cell).strip() for cell in cells], problem)


def _is_inexact(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) >= MAX_EXACT_NUMBER


def _text(cell: Cell | MergedCell) -> str:
    """What a person sees in the cell: 1023.0 → 1023, 12 in the format 0000 → 0012, dates as ISO without offset."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    zeros = re.fullmatch(r"0+", cell.number_format or "")
    if zeros and isinstance(value, int) and not isinstance(value, bool):
        return str(value).zfill(len(zeros.group()))
    return str(value)


def _columns(header: list[str], file: str, required: Sequence[str]) -> tuple[str, ...]:
    header = _without_blank_end(header)
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        raise SourceError(f"{file} 的表头中 {printable(twice[0])} 出现了不止一次,请删去多余的列")
    missing = [name for name in required if name not in header]
    if missing:
        raise SourceError(f"{file} 缺少必需的列:{'、'.join(missing)}(表头须为英文列名,以逗号分列)")
    return tuple(header)


def _without_blank_end(fields: list[str]) -> list[str]:
    filled = [i for i, field in enumerate(fields) if field]
    return fields[: filled[-1] + 1] if filled else []


def _row(record: _Record, columns: tuple[str, ...]) -> Row:
    """Name the cells; cells without a column must be empty."""
    fields = record.fields + [""] * (len(columns) - len(record.fields))
    cells = {column: field for column, field in zip(columns, fields, strict=False) if column}
    nameless = [i for i, field in enumerate(fields) if field and (i >= len(columns) or not columns[i])]
    problem = record.problem
    if problem is None and nameless:
        problem = f"第 {nameless[0] + 1} 列有内容而没有列名,可能是某个含逗号的单元格没有加引号"
    return Row(record.line, record.last_line, cells, problem)
