"""A scoring standard read from its folder: standard.yaml (the score sheet), phrases/ (lists), a file for each item.

The item `opening.greeting` is ruled by `opening/greeting.yaml`. Every rule file is on the sheet, and every line of the
sheet has its file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from zhijian.models.records.scorecard import StandardRef
from zhijian.rules.call.settings import Settings, Silences, Thresholds
from zhijian.rules.call.terms import Phrase, Phrases, pieces
from zhijian.rules.fingerprints import fingerprint
from zhijian.rules.language import Judgeable, PhraseLists, Problem, Rule, Sheet, SheetLine, StandardError, read
from zhijian.rules.operators.banned import NeverSays

BUNDLED = Path(__file__).parent / "standards" / "95598"
SHEET, LISTS = "standard.yaml", "phrases"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the standard: its line of the score sheet and its rule; `file` is relative to the standard."""

    id: str
    name: str
    points: Decimal
    veto: bool
    file: str
    rule: Rule
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Standard:
    """`sha256` is taken over all files of the standard, names included, whatever their line endings."""

    id: str
    version: str
    sha256: str
    title: str
    judgeable: Judgeable
    settings: Settings
    items: tuple[Item, ...]

    @property
    def ref(self) -> StandardRef:
        return StandardRef(self.id, self.version, self.sha256)

    def part(self, ids: Container[str]) -> Standard:
        """The standard with these of its items only, which finds of them what the whole one finds."""
        items = tuple(item for item in self.items if item.id in ids)
        settings = _settings(self.settings.thresholds, self.settings.silences, items)
        return replace(self, settings=settings, items=items)


def load_standard(path: Path | None = None) -> Standard:
    """The standard in the folder `path`, by default the bundled 95598.

    Raises StandardError with every problem of every file.
    """
    folder = path or BUNDLED
    if not folder.is_dir():
        raise StandardError([Problem(str(folder), 1, "没有这个评分标准的文件夹;请检查路径")])
    lists = phrase_lists(folder)
    sheet = read(folder / SHEET, SHEET, Sheet, lists)
    items, problems = [], list(_unlisted(folder, sheet))
    for line in sheet.items:
        try:
            items.append(_item(folder, sheet, line, lists))
        except StandardError as error:
            problems.extend(error.problems)
    if problems:
        raise StandardError(problems)
    settings = _settings(sheet.thresholds, sheet.silences, items)
    return Standard(sheet.id, sheet.version, _sha256(folder), sheet.title, sheet.judgeable, settings, tuple(items))


def phrase_lists(folder: Path) -> dict[str, Phrases]:
    """The lists of all files in the standard's folder of lists. Raises StandardError."""
    lists: dict[str, Phrases] = {}
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in _list_files(folder):
        file = path.relative_to(folder).as_posix()
        try:
            read_lists = read(path, file, PhraseLists).lists
        except StandardError as error:
            problems.extend(error.problems)
            continue
        for repeated in sorted(lists.keys() & read_lists.keys()):
            problem = f"用语表 {repeated} 在 {files[repeated]} 里已经有了;请换个名字或合并"
            problems.append(Problem(file, _line_of_key(path, repeated), problem))
        lists |= read_lists
        files |= dict.fromkeys(read_lists, file)
    if problems:
        raise StandardError(problems)
    return lists


def _list_files(folder: Path) -> list[Path]:
    return sorted((folder / LISTS).glob("*.yaml"))


def _line_of_key(path: Path, key: str) -> int:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return next((number for number, line in lines if line.strip().startswith(f"{key}:")), 1)


def _settings(thresholds: Thresholds, silences: Silences, items: Iterable[Item]) -> Settings:
    looked_for = (silences, *((item.rule.cases, item.rule.check, item.rule.parts) for item in items))
    banned = (phrase for operator in pieces(looked_for, NeverSays) for phrase in operator.listens_for)
    return Settings(thresholds=thresholds, silences=silences, listens_for=(*pieces(looked_for, Phrase), *banned))


def _item(folder: Path, sheet: Sheet, line: SheetLine, lists: dict[str, Phrases]) -> Item:
    file = line.id.replace(".", "/") + ".yaml"
    rule = read(folder / file, file, Rule, lists)
    parts = sum(part.points for part in rule.parts)
    if rule.parts and parts != line.points:
        problem = f"各部分共 {parts} 分,评分表上是 {line.points} 分;请改成一致"
        raise StandardError([Problem(file, 1, problem)])
    return Item(line.id, line.name, line.points, line.veto, file, rule, fingerprint(sheet, line, rule))


def _unlisted(folder: Path, sheet: Sheet) -> Iterator[Problem]:
    """Lines that repeat an id, and rule files that are on no line."""
    ids = [line.id for line in sheet.items]
    for repeated in sorted({id for id in ids if ids.count(id) > 1}):
        yield Problem(SHEET, 1, f"项目 {repeated} 写了两次;请删去一行")
    known = {folder / SHEET, *(folder / f"{id.replace('.', '/')}.yaml" for id in ids), *_list_files(folder)}
    for file in _files(folder):
        if file.suffix in (".yaml", ".yml") and file not in known:
            name = file.relative_to(folder).as_posix()
            yield Problem(name, 1, f"{SHEET} 的评分表里没有这个项目;请加上一行,或删去文件")


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files(folder):
        content = file.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
