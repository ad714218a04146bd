"""The command line: help in Chinese, results alone on standard output, an exit status that a cron job can use."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from zhijian.pipeline import cli
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.store.database import open_database

ZHIJIAN = Path(sys.executable).with_name("zhijian")
CHINESE = re.compile("[\u4e00-\u9fff]")


def commands(command: click.Command, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """A command and all below it, by the words that call it."""
    found = {" ".join(path): command}
    for name, child in getattr(command, "commands", {}).items():
        found |= commands(child, (*path, name))
    return found


COMMANDS = commands(typer.main.get_command(cli.app))


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Calls the command in this process, in a folder without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)
    return lambda *args: CliRunner().invoke(cli.app, [str(arg) for arg in args])


def test_the_commands_are_those_of_the_contract() -> None:
    assert set(COMMANDS) >= {"night", "run", "models fetch", "models verify", "models list"}
    assert set(COMMANDS) >= {"rules lint", "rules test", "rules explain", "rules list"}
    books = ("balance", "entries", "verify", "post", "reverse", "import", "export", "close")
    assert set(COMMANDS) >= {"backup", "restore", *(f"ledger {command}" for command in books)}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_explains_itself_in_chinese(words, call) -> None:
    shown = call(*words.split(), "--help")
    assert shown.exit_code == 0
    assert CHINESE.search(shown.stdout)
    helps = {param.name: getattr(param, "help", None) for param in COMMANDS[words].params if param.name != "help"}
    assert {name: text for name, text in helps.items() if not CHINESE.search(text or "")} == {}


@pytest.mark.parametrize("args", [[], ["ran"], ["run"], ["run", "calls", "--out", "out", "--jobs", "0"], ["night"]])
def test_wrong_use_is_status_2_and_does_nothing(args, call, tmp_path) -> None:
    assert call(*args).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nigth", "没有命令 nigth,是不是 'night';用法见 zhijian --help"),
        ("night --dates 2026-11-01", "没有选项 --dates,是不是 --date;用法见 zhijian night --help"),
        ("night a b", "多了参数 b;用法见 zhijian night --help"),
        ("night --out", "选项 --out 后面要写值"),
        ("night --json=yes", "选项 --json 后面不写值"),
        ("night --date 1.11.2026", "--date 不对,1.11.2026 应写成 2026-11-20 这样的日期"),
        ("restore", "缺少参数 FILE"),
        ("run calls", "缺少选项 --out"),
        ("run calls --out out --jobs two", "--jobs 不对,应为整数"),
        ("run calls --out out --jobs 0", "--jobs 不对,至少是 1"),
        ("review sample --from 2026-11-01 --to 2026-11-02 --per-agent 1 --seed 99999999999", "--seed 不对,最多是 "),
        ("review decide 1 --reason x --veto maybe", "--veto 不对,没有 maybe,可以是 'confirm', 'reject'"),
        ("review account add ann", "缺少选项 --role,可以是 agent, monitor, trainer, supervisor, admin"),
    ],
)
def test_what_is_wrong_with_a_command_is_said_in_chinese(words, said, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["zhijian", *words.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    assert shown.err.startswith(f"zhijian: {said}")
    assert shown.err.endswith(" --help\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "status"), [([], 2), (["ledger"], 2), (["--help"], 0), (["run", "--help"], 0)])
def test_help_is_all_that_is_said_where_it_is_shown(words, status, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["zhijian", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr()
    assert (ended.value.code, shown.err) == (status, "")
    assert "--help" in shown.out
    assert "─ 选项 ─" in shown.out
    assert re.search(r"Options ─|Commands ─|Arguments ─|\[required|\[default", shown.out) is None


def test_errors_are_plain_text_where_nobody_watches(tmp_path) -> None:
    done = subprocess.run([ZHIJIAN, "night"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "zhijian: 没有输入文件夹:请写在命令里,或设置 source\n"


def test_a_fault_of_the_program_is_no_night_that_was_done(call, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cli, "load_standard", lambda path: 1 / 0)
    ended = call("rules", "lint")
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert "ZeroDivisionError" in ended.stderr


def test_weights_are_listed_and_verified(call) -> None:
    rows = json.loads(call("models", "list", "--json").stdout)
    assert {row["name"] for row in rows} == {"whisper-base", "segmentation-3.0", "campplus"}
    lines = call("models", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [row["name"] for row in rows]
    assert all(Path(row["folder"]).is_dir() and row["problem"] is None for row in rows)
    verified = call("models", "verify")
    assert (verified.exit_code, verified.stdout) == (0, "权重完好\n")


def test_missing_weights_are_named(call, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ZHIJIAN_CACHE", str(tmp_path / "empty"))
    verified = call("models", "verify")
    assert verified.exit_code == 3
    assert len(verified.stdout.splitlines()) >= 3
    assert all(row["problem"] for row in json.loads(call("models", "list", "--json").stdout))


def test_the_standard_is_sound_and_its_items_are_those_of_the_scorecards(call, sample_night) -> None:
    assert call("rules", "lint").exit_code == 0
    tested = call("rules", "test")
    assert (tested.exit_code, tested.stdout.splitlines()[-1].endswith("0 个不符")) == (0, True)
    items = [line.split("\t")[0] for line in call("rules", "list").stdout.splitlines()]
    card = json.loads((sample_night.out / "scorecards.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert items == [item["id"] for item in card["items"]]


def test_a_rule_is_explained_in_words(call) -> None:
    shown = call("rules", "explain", "closing.hangup")
    assert (shown.exit_code, "一票否决" in shown.stdout.splitlines()[0]) == (0, True)
    explained = json.loads(call("rules", "explain", "closing.hangup", "--json").stdout)
    assert (explained["points"], explained["veto"]) == ("3", True)
    assert all(line in shown.stdout for line in explained["asked"])
    refused = call("rules", "explain", "closing.hangups")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "closing.hangup、" in refused.stderr


def test_a_standard_with_a_typo_is_wrong_use(call, tmp_path) -> None:
    (tmp_path / "zhijian.toml").write_text('standard = "standard.yaml"\n', encoding="utf-8")
    (tmp_path / "standard.yaml").write_text("id: x\nversoin: 1\n", encoding="utf-8")
    refused = call("rules", "lint")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "standard.yaml" in refused.stderr


def test_the_ledger_can_be_read_summed_and_verified(call, sample_night) -> None:
    out, booked = sample_night.out, sample_night.run["ledger"]
    entries = [line.split("\t") for line in call("ledger", "entries", "--out", out).stdout.splitlines()]
    assert len(entries) == booked["entries"] > 0
    for scheme in ("incentive", "work_points"):
        listed = call("ledger", "entries", "--out", out, "--scheme", scheme).stdout.splitlines()
        total = sum(Decimal(line.split("\t")[3]) for line in listed)
        assert Decimal(call("ledger", "balance", "--out", out, "--scheme", scheme).stdout) == total
        of_agent = call("ledger", "balance", "--out", out, "--scheme", scheme, "--account", entries[0][2])
        assert Decimal(of_agent.stdout) == total
    assert Decimal(call("ledger", "balance", "--out", out, "--account", "1507").stdout) == 0
    assert call("ledger", "entries", "--out", out, "--period", "2026-10").stdout == ""
    verified = call("ledger", "verify", "--out", out)
    assert (verified.exit_code, booked["head_sha256"] in verified.stdout) == (0, True)
    as_json = json.loads(call("ledger", "verify", "--out", out, "--json").stdout)
    assert as_json == {
        "head": {"count": booked["entries"], "hash": booked["head_sha256"]},
        **{"first_broken": None, "anchored": 1, "lost": None, "wrong_closings": []},
    }


@pytest.mark.parametrize(
    "words",
    [
        ["ledger", "entries"],
        ["ledger", "indicators", "2026-10"],
        ["ledger", "growth", "1023"],
        ["review", "list"],
        ["review", "precision"],
        ["review", "account", "list"],
        ["review", "calibration", "list"],
    ],
    ids=" ".join,
)
def test_where_there_is_nothing_to_list_it_says_so(words, call, tmp_path) -> None:
    open_database(own_database_url(tmp_path / "out")).dispose()
    told = call(*words, "--out", tmp_path / "out")
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "没有可列出的内容\n")
    assert json.loads(call(*words, "--out", tmp_path / "out", "--json").stdout) == []


@pytest.mark.parametrize("command", ["balance", "entries", "verify"])
def test_no_ledger_is_no_sound_ledger(command, call, tmp_path) -> None:
    """A mistyped folder must not look like one without entries, nor get a database."""
    refused = call("ledger", command, "--out", tmp_path / "mistyped")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "--out" in refused.stderr
    assert list(tmp_path.iterdir()) == []
