"""Accounts on the command line: who may use the workbench."""

import json
from datetime import datetime

import pytest
from typer.testing import CliRunner

from zhijian.models.records.account import Account, UserRole
from zhijian.models.records.span import RecordError
from zhijian.pipeline import cli
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.store.access_log import accesses
from zhijian.pipeline.store.accounts import LoginRefused, log_in
from zhijian.pipeline.store.database import open_database

PASSWORD = "long enough"


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine = open_database(own_database_url(tmp_path / "out"))
    yield tmp_path / "out"
    engine.dispose()


@pytest.fixture
def call(out):
    def call(*words: str, password: str = PASSWORD, status: int = 0) -> str:
        done = CliRunner().invoke(cli.app, ["review", "account", *words, "--out", str(out)], input=f"{password}\n")
        assert done.exit_code == status, done.output
        return done.stdout if status == 0 else done.output

    return call


def may_log_in(out, name: str, password: str = PASSWORD) -> bool:
    engine = open_database(own_database_url(out))
    try:
        log_in(engine, name, password, address="", now=datetime.now().astimezone())
    except LoginRefused:
        return False
    finally:
        engine.dispose()
    return True


def test_an_account_from_the_first_day_to_the_last(call, out):
    call("add", "wang", "--role", "monitor")
    assert may_log_in(out, "wang")
    call("password", "wang", password="another one")
    assert (may_log_in(out, "wang"), may_log_in(out, "wang", "another one")) == (False, True)
    call("disable", "wang")
    assert not may_log_in(out, "wang", "another one")
    call("enable", "wang")
    assert may_log_in(out, "wang", "another one")
    engine = open_database(own_database_url(out))
    with engine.connect() as conn:
        said = [one.detail for one in accesses(conn, limit=10)]
    engine.dispose()
    assert said == ["启用 wang", "停用 wang", "重设密码 wang", "新增 wang monitor"]


def test_they_are_listed_with_what_they_may_see(call):
    call("add", "zhang", "--role", "agent", "--agent-no", "1023")
    call("add", "chen", "--role", "supervisor", "--team", "一班", "--team", "二班")
    listed = json.loads(call("list", "--json"))
    assert [(one["name"], one["role"], one["agent_no"], one["teams"]) for one in listed] == [
        ("chen", "supervisor", None, ["一班", "二班"]),
        ("zhang", "agent", "1023", []),
    ]


def test_one_that_comes_through_the_sign_on_has_no_password(call, out):
    call("add", "boss", "--role", "admin", "--sso", password="")
    assert not may_log_in(out, "boss", "")


@pytest.mark.parametrize(
    ("words", "password", "status", "said"),
    [
        (("add", "x", "--role", "monitor"), "short", 3, "密码至少"),
        (("add", "machine", "--role", "monitor"), PASSWORD, 3, "机器的名字"),
        (("add", "x y", "--role", "monitor"), PASSWORD, 2, "账号由 1 至 64 个"),
        (("add", "x", "--role", "agent"), PASSWORD, 2, "要写工号"),
        (("add", "x", "--role", "monitor", "--agent-no", "1"), PASSWORD, 2, "其他角色不写"),
        (("add", "x", "--role", "supervisor"), PASSWORD, 2, "要写班组"),
        (("add", "x", "--role", "nosuch"), PASSWORD, 2, "nosuch"),
        (("password", "nosuch"), PASSWORD, 2, "没有账号 nosuch"),
        (("disable", "nosuch"), PASSWORD, 2, "没有账号 nosuch"),
    ],
)
def test_what_does_not_fit_is_refused(call, words, password, status, said):
    assert said in call(*words, password=password, status=status)
    assert json.loads(call("list", "--json")) == []


def test_a_name_is_taken_once(call):
    call("add", "wang", "--role", "monitor")
    assert "已存在" in call("add", "wang", "--role", "admin", status=3)


def test_the_workbench_does_not_start_where_nobody_could_log_in(out):
    done = CliRunner().invoke(cli.app, ["review", "--out", str(out)])
    assert (done.exit_code, "account add" in done.output) == (2, True)


@pytest.mark.parametrize("role", [UserRole.AGENT, UserRole.SUPERVISOR])
def test_an_account_says_what_it_may_see(role):
    with pytest.raises(RecordError):
        Account(id=1, name="x", role=role)
