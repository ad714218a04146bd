"""The READMEs promise nothing that is not there: commands, settings, columns, files and figures against the code."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import click
import pytest
import typer

from zhijian.models.engines.weights import WEIGHTS, HubSource
from zhijian.pipeline import cli, console
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.settings import Hearing, Review, Settings
from zhijian.pipeline.stages import call_list, pull, roster
from zhijian.pipeline.summary import summary_lines
from zhijian.rules.standard import load_standard

ROOT = Path(__file__).parents[1]
READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
COMMANDS = typer.main.get_command(cli.app)
FOLDERS = ("models/", "rules/", "reports/", "pipeline/", "data_samples/", "tests/", ".ci/")

each_readme = pytest.mark.parametrize("readme", READMES.values(), ids=READMES)


def blocks(readme: str, *languages: str) -> list[str]:
    """Fenced blocks in one of the languages; "" = without one."""
    return [text for language, text in FENCE.findall(readme) if language in languages]


def prose(readme: str) -> str:
    return FENCE.sub("", readme)


def inline_code(readme: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(readme))


def shell_lines(readme: str) -> list[str]:
    return [line for block in blocks(readme, "sh") for line in block.splitlines() if line]


def arguments(line: str) -> list[str] | None:
    """What follows `zhijian` in a shell or crontab line; None where the line does not call it."""
    line = re.sub(r"\$\([^)]*\)", "2026-01-01", line)  # a date that the shell puts in
    call = re.fullmatch(r"(?:.*[\s/])?zhijian (.+?)(?: >>.*)?", line)
    return shlex.split(call[1]) if call else None


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the first words name, and the words left for it."""
    command: click.Command = COMMANDS
    while hasattr(command, "commands"):
        if command.invoke_without_command and (not words or words[0].startswith("-")):
            break  # the options of the group itself
        assert words, f"{command.name} is no command by itself"
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The app's commands as they are typed, without `zhijian`."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield " ".join(path)


def table(readme: str, first_cell: str) -> dict[str, list[str]]:
    """The table that has a row beginning with `first_cell`: first cell -> the others, without backticks."""
    for lines in re.findall(r"(?:^\|.*\n)+", readme, re.M):
        rows = [[cell.strip().strip("`") for cell in line.strip("|\n").split(" | ")] for line in lines.splitlines()]
        if any(row[0] == first_cell for row in rows):
            return {row[0]: row[1:] for row in rows[2:]}
    raise AssertionError(f"no table with a row {first_cell}")


@each_readme
def test_every_zhijian_line_is_understood_by_the_command_line(readme):
    lines = [line for block in blocks(readme, "sh", "") for line in block.splitlines()]
    calls = [words for line in lines if (words := arguments(line)) is not None]
    assert len(calls) > 10
    for words in calls:
        command, rest = command_of(words)
        command.make_context(command.name, rest)  # refuses unknown options and wrong values


@each_readme
def test_the_crontab_line_calls_the_night_as_cron_and_the_shell_read_it(readme):
    (line,) = [line for block in blocks(readme, "") for line in block.splitlines() if "zhijian night" in line]
    when, command = line.split()[:5], line.split(maxsplit=5)[5]
    assert all(re.fullmatch(r"[\d*,/-]+", field) for field in when)
    assert "%" not in command.replace(r"\%", "")  # there cron would end the command
    words = re.match(".*/zhijian (.+) >>", command.replace(r"\%", "%"))[1]
    read = subprocess.run(["sh", "-c", f"printf '%s\\n' {words}"], capture_output=True, text=True, check=True)
    night, rest = command_of(read.stdout.splitlines())
    day = night.make_context(night.name, rest).params["date"]
    assert timedelta(hours=23) < datetime.now() - day < timedelta(hours=49)  # yesterday's midnight


@each_readme
def test_every_command_named_in_the_text_exists(readme):
    named = [code for code in inline_code(readme) if code.startswith("zhijian ") and code != "zhijian --help"]
    assert named
    for code in named:
        command, _ = command_of(code.split()[1:])
        assert command.name in code.split()


@each_readme
def test_every_command_of_the_app_is_shown(readme):
    shown = {" ".join(words) for line in shell_lines(readme) if (words := arguments(line)) is not None}
    for leaf in leaves(COMMANDS):
        assert any(line == leaf or line.startswith(leaf + " ") for line in shown), f"zhijian {leaf} is not shown"


def test_both_readmes_give_the_same_commands_and_files():
    english, chinese = READMES.values()
    assert shell_lines(english) == shell_lines(chinese)
    assert blocks(english, "csv", "toml") == blocks(chinese, "csv", "toml")
    assert [arguments(line) for b in blocks(english, "") for line in b.splitlines() if "zhijian night" in line] == [
        arguments(line) for b in blocks(chinese, "") for line in b.splitlines() if "zhijian night" in line
    ]


def test_submissions_have_to_pass_the_readmes_test_command():
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "exec ./run test"
    for readme in READMES.values():
        assert shell_lines(readme)[:2] == ["./run demo", "./run test"]


@each_readme
def test_run_knows_its_commands(readme):
    script = (ROOT / "run").read_text(encoding="utf-8")
    commands = {code.split()[1] for code in inline_code(readme) + shell_lines(readme) if code.startswith("./run ")}
    assert commands >= {"demo", "test"}
    assert all(re.search(rf"^{command}\)", script, re.M) for command in commands)


@each_readme
def test_files_it_names_are_there(readme):
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    named = [code for code in inline_code(readme) if code.startswith(FOLDERS)]
    assert any(link.endswith(".png") for link in links)
    assert named
    missing = [path for path in links + named if not (ROOT / path).exists()]
    assert missing == []


@each_readme
def test_links_within_lead_somewhere(readme):
    headings = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", prose(readme), re.M)
    }
    targets = re.findall(r"\]\(#([^)]+)\)", readme)
    assert targets
    assert set(targets) <= headings


def test_the_pictures_are_small():
    for name in ("report.png", "workbench.png"):
        assert (ROOT / "data_samples" / name).stat().st_size < 300_000


@each_readme
def test_exit_statuses_are_those_of_the_command_line(readme):
    statuses = {console.DONE, console.DONE_WITH_GAPS, console.WRONG_USE, console.NOTHING_DONE, console.LOCKED}
    assert [int(status) for status in table(readme, "75")] == sorted(statuses)


@each_readme
def test_settings_and_their_defaults_are_those_of_the_program(readme):
    fields = {name: field.default for name, field in Settings.model_fields.items() if name not in ("hearing", "review")}
    fields |= {f"review.{name}": field.default for name, field in Review.model_fields.items()}
    fields |= {f"hearing.{name}": field.default for name, field in Hearing.model_fields.items()}
    described = {name: default for name, (default, _) in table(readme, "jobs").items()}
    assert described == {name: "—" if default is None else str(default) for name, default in fields.items()}


@each_readme
def test_the_settings_file_it_shows_can_be_used(readme, tmp_path, monkeypatch):
    (shown,) = blocks(readme, "toml")
    (tmp_path / "zhijian.toml").write_text(re.sub(r"^# ", "", shown, flags=re.M), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"`(ZHIJIAN_\w+)`", readme):
        monkeypatch.delenv(name, raising=False)
    settings = Settings()
    assert settings.hearing.whisper is not None
    assert settings.database_url is not None


@each_readme
def test_environment_variables_it_names_are_read(readme):
    settings = {f"ZHIJIAN_{name.upper()}" for name in Settings.model_fields}
    settings |= {f"ZHIJIAN_HEARING__{name.upper()}" for name in Hearing.model_fields}
    for name in set(re.findall(r"ZHIJIAN_\w+", readme)) - settings:
        sources = [*(ROOT / "models").rglob("*.py"), *(ROOT / "tests").rglob("conftest.py")]
        assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in sources), f"nothing reads {name}"


@each_readme
def test_columns_are_those_the_night_reads(readme):
    calls, agents = table(readme, "call_id"), table(readme, "team")
    yes, no = calls["call_id"][0], calls["queue"][0]
    assert {name: cells[0] for name, cells in calls.items()} == {
        name: yes if name in call_list.REQUIRED_COLUMNS else no for name in call_list.COLUMNS
    }
    assert [name for name, cells in agents.items() if cells[0] == yes] == list(roster.REQUIRED_COLUMNS)


@each_readme
def test_the_rows_it_shows_are_accepted(readme, tmp_path):
    (shown,) = blocks(readme, "csv")
    (tmp_path / "calls.csv").write_text(shown, encoding="utf-8")
    header = ",".join(table(readme, "team"))
    (tmp_path / "agents.csv").write_text(f"{header}\n1186,,,2026-01-01,2026-12-31,yes\n", encoding="utf-8")
    pulled = pull.pull(tmp_path)
    assert pulled.refused == ()
    assert len(pulled.calls) == len(pulled.agents.entries) == 1


@each_readme
def test_sound_formats_are_those_the_night_looks_for(readme):
    assert {code for code in inline_code(readme) if code in pull.AUDIO_SUFFIXES} == pull.AUDIO_SUFFIXES


@each_readme
def test_the_line_it_shows_is_what_a_night_prints(readme):
    (shown,) = [block.strip() for block in blocks(readme, "") if "质检完成" in block]
    (calls, scored, published, flagged, unscorable, failed, refused, posted, reversed_) = map(
        int, re.findall(r"\d+", shown)
    )
    counts = {"calls": calls, "scored": scored, "published": published, "flagged": flagged, "unscorable": unscorable}
    counts |= {"failed": failed, "unfinished": 0, "refused": refused}
    nothing = {name: [] for name in ("refused", "unscorable", "failed", "revised", "possible_duplicates")}
    result = {"counts": counts, "ledger": {"posted": posted, "reversed": reversed_, "anchor_problem": None}, **nothing}
    result["other_days"] = {"judged": 0, "failed": []}
    assert list(summary_lines(result, Path("demo-out"))) == [shown]


@each_readme
def test_outputs_are_written_by_the_program(readme):
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "pipeline").rglob("*.py"))
    assert [name for name in table(readme, "run.json") if f'"{name.rstrip("/")}"' not in source] == []


@each_readme
def test_sheets_are_those_of_the_workbook(readme):
    source = (ROOT / "reports" / "workbook.py").read_text(encoding="utf-8")
    sheets = re.findall(r'sheets\.add(?:_facts)?\("(\w+)"', source)
    assert re.sub(r"\s", "", "、".join(sheets)) in re.sub(r"\s", "", readme.replace(",", "、"))


@each_readme
def test_items_and_points_are_those_of_the_standard(readme):
    cells = re.findall(r"`(\w+\.\w+)`(?: \w+)? \| (\d+)(, veto|，一票否决)?", readme)
    items = load_standard().items
    assert {(id, int(points), bool(veto)) for id, points, veto in cells} == {
        (item.id, int(item.points), item.veto) for item in items
    }
    assert re.search(rf"The standard has {len(items)} items|标准共 {len(items)} 个项目", readme)


@each_readme
def test_points_for_a_day_are_those_of_the_scheme(readme):
    scheme = load_scheme("incentive")
    item, daily = scheme.daily_mean
    (told,) = (part for part in prose(readme).split("\n\n") if re.search("mean of 90|平均 90 分", part))
    numbers = {int(number) for number in re.findall(r"\d+", told.replace("five", "5"))}
    bands = {int(value) for band in daily.bands for value in (band.at_least, band.points)}
    assert numbers == bands | {daily.calls_min, int(scheme.pot_of(item.id).month_limit)}


@each_readme
def test_weights_their_licences_and_sources_are_those_that_are_fetched(readme):
    described = table(readme, "campplus")
    assert list(described) == list(WEIGHTS)
    for name, weight in WEIGHTS.items():
        _, licence, told = described[name]
        assert licence == weight.licence
        for source in weight.sources:
            names = [source.hub] if isinstance(source, HubSource) else [package.name for package in source.packages]
            assert names[0] in told
            assert all(other[other.rindex("-") :] in told for other in names[1:])


def test_both_readmes_give_the_same_figures():
    english, chinese = (
        [sorted(re.findall(r"[\d.]+", " ".join(cells))) for cells in _accuracy(readme).values()]
        for readme in READMES.values()
    )
    assert english == chinese
    assert len(english) == 10


def _accuracy(readme: str) -> dict[str, list[str]]:
    (first,) = re.findall(r"^\| ([^|\n]+) \| 24 \|$", readme, re.M)
    return table(readme, first)
