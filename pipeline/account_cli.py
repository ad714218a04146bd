"""The commands of accounts: `zhijian review account …`. Who may use the workbench."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
import typer

from zhijian.models.records.account import Account, UserRole
from zhijian.models.records.span import RecordError
from zhijian.pipeline.console import DONE, AsJson, Out, open_books, say, settled
from zhijian.pipeline.settings import SettingsError
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.accounts import (
    PASSWORD_MIN,
    account_named,
    add_account,
    all_accounts,
    set_active,
    set_password,
)
from zhijian.pipeline.store.database import writing

app = typer.Typer(no_args_is_help=True, help="工作台的账号:添加、列出、重设密码、停用、启用")

Name = Annotated[str, typer.Argument(metavar="NAME", help="账号")]


@app.command("add")
@settled
def add(
    name: Name,
    role: Annotated[UserRole, typer.Option(help="角色")],
    agent_no: Annotated[str | None, typer.Option(help="工号,坐席必填")] = None,
    team: Annotated[list[str] | None, typer.Option(help="班组,主管必填,可多次")] = None,
    sso: Annotated[bool, typer.Option("--sso", help="没有密码,只由公司的统一登录进入")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """添加账号;密码从终端或标准输入读取。"""
    engine, password = open_books(out), None if sso else _password()
    with _changing(engine, f"新增 {name} {role.value}") as (conn, now):
        try:
            teams = tuple(team or ())
            added = add_account(conn, name=name, role=role, password=password, agent_no=agent_no, teams=teams, now=now)
        except RecordError as error:
            raise SettingsError(f"账号不能这样添加:{error}") from None
    say(as_json, asdict(added), f"已添加 {added.name}")
    return DONE


@app.command("list")
@settled
def list_accounts(out: Out = None, as_json: AsJson = False) -> int:
    """列出账号。"""
    with open_books(out).connect() as conn:
        found = all_accounts(conn)
    lines = [
        "\t".join([one.name, one.role.value, one.agent_no or "、".join(one.teams), "" if one.active else "停用"])
        for one in found
    ]
    say(as_json, [asdict(one) for one in found], "\n".join(lines))
    return DONE


@app.command("password")
@settled
def password(name: Name, out: Out = None) -> int:
    """重设密码,并结束这个账号的登录。"""
    engine, new = open_books(out), _password()
    with _changing(engine, f"重设密码 {name}") as (conn, _):
        set_password(conn, _account(conn, name).id, new)
    return DONE


@app.command("disable")
@settled
def disable(name: Name, out: Out = None) -> int:
    """停用账号,立即生效。"""
    with _changing(open_books(out), f"停用 {name}") as (conn, _):
        set_active(conn, _account(conn, name).id, False)
    return DONE


@app.command("enable")
@settled
def enable(name: Name, out: Out = None) -> int:
    """启用账号。"""
    with _changing(open_books(out), f"启用 {name}") as (conn, _):
        set_active(conn, _account(conn, name).id, True)
    return DONE


@contextmanager
def _changing(engine: sa.Engine, what: str) -> Iterator[tuple[sa.Connection, datetime]]:
    """A transaction that changes accounts, and says so in the access log."""
    now = datetime.now().astimezone()
    with writing(engine) as conn:
        yield conn, now
        log(conn, Action.ACCOUNT, actor=getpass.getuser(), now=now, detail=what)


def _password() -> str:
    """From the terminal, twice; else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given = getpass.getpass(f"密码(至少 {PASSWORD_MIN} 个字符):")
    if given != getpass.getpass("再输一遍:"):
        raise SettingsError("两次输入的密码不同")
    return given


def _account(conn: sa.Connection, name: str) -> Account:
    found = account_named(conn, name)
    if found is None:
        raise SettingsError(f"没有账号 {name}")
    return found
