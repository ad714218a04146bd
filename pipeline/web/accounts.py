"""Accounts and the access log, for administrators: who may come in, and who looked at what."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from zhijian.models.records.account import Account, UserRole
from zhijian.pipeline.store.access_log import Action, accesses, log
from zhijian.pipeline.store.accounts import account_of, add_account, all_accounts, set_active, set_password
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.web.pages import page
from zhijian.pipeline.web.workbench import Admin, Bench, Logged

router = APIRouter()
_LOG_PAGE = 100


class AccountIn(BaseModel):
    """`agent_no` for agents, `teams` for supervisors. Without a password: through the company's own sign-on only."""

    name: str = Field(max_length=64)
    role: UserRole
    password: str | None = Field(None, max_length=1000)
    agent_no: str | None = Field(None, max_length=64)
    teams: list[Annotated[str, Field(max_length=100)]] = Field(default=[], max_length=100)


class AccountOut(BaseModel):
    id: int
    name: str
    role: UserRole
    agent_no: str | None
    teams: tuple[str, ...]
    active: bool


class AccountChange(BaseModel):
    """What is given is changed; either ends the account's sessions."""

    active: bool | None = None
    password: str | None = Field(None, max_length=1000)


class AccessOut(BaseModel):
    id: int
    at: datetime
    actor: str
    action: str
    call: int | None
    detail: str


@router.get("/api/accounts")
def accounts(bench: Bench, _admin: Admin) -> list[AccountOut]:
    with bench.engine.connect() as conn:
        return [_out(account) for account in all_accounts(conn)]


@router.get("/accounts", include_in_schema=False)
def accounts_page(bench: Bench, logged: Logged, admin: Admin) -> Response:
    return page("accounts.html.j2", logged, path="/accounts", accounts=accounts(bench, admin))


@router.post("/api/accounts", status_code=201)
def add(bench: Bench, admin: Admin, new: AccountIn) -> AccountOut:
    now = bench.now()
    with writing(bench.engine) as conn:
        added = add_account(
            conn,
            name=new.name,
            role=new.role,
            password=new.password,
            agent_no=new.agent_no,
            teams=tuple(new.teams),
            now=now,
        )
        log(conn, Action.ACCOUNT, actor=admin.name, now=now, detail=f"新增 {added.name} {added.role.value}")
    return _out(added)


@router.patch("/api/accounts/{id}")
def change(bench: Bench, admin: Admin, id: Annotated[int, Path(ge=1, lt=2**31)], wanted: AccountChange) -> AccountOut:
    """Locks an account out, lets it in again, or sets a new password."""
    now = bench.now()
    with writing(bench.engine) as conn:
        account = account_of(conn, id)
        if account is None:
            raise HTTPException(404, "没有这个账号")
        if wanted.active is False and account.id == admin.id:
            raise HTTPException(422, "不能停用自己的账号")
        if wanted.password is not None:
            set_password(conn, id, wanted.password)
            log(conn, Action.ACCOUNT, actor=admin.name, now=now, detail=f"重设密码 {account.name}")
        if wanted.active is not None:
            set_active(conn, id, wanted.active)
            done = "启用" if wanted.active else "停用"
            log(conn, Action.ACCOUNT, actor=admin.name, now=now, detail=f"{done} {account.name}")
        changed = account_of(conn, id)
    assert changed is not None
    return _out(changed)


@router.get("/api/access-log")
def access_log(
    bench: Bench,
    admin: Admin,
    call: int | None = Query(None, ge=1, lt=2**31),
    actor: str | None = Query(None, max_length=64),
    before: int | None = Query(None, ge=1, lt=2**31),
) -> list[AccessOut]:
    """The latest hundred accesses, from `before` back. Reading the log is logged, too."""
    with writing(bench.engine) as conn:
        found = accesses(conn, call=call, actor=actor or None, limit=_LOG_PAGE, before=before)
        log(conn, Action.READ_LOG, actor=admin.name, now=bench.now(), call=call, detail=actor or "")
    return [
        AccessOut(id=a.id, at=a.at, actor=a.actor, action=a.action.value, call=a.call, detail=a.detail) for a in found
    ]


@router.get("/access-log", include_in_schema=False)
def access_log_page(
    bench: Bench,
    logged: Logged,
    admin: Admin,
    call: int | None = Query(None, ge=1, lt=2**31),
    actor: str | None = Query(None, max_length=64),
    before: int | None = Query(None, ge=1, lt=2**31),
) -> Response:
    found = access_log(bench, admin, call, actor, before)
    return page("access_log.html.j2", logged, path="/access-log", accesses=found, actor=actor or "", call=call)


def _out(account: Account) -> AccountOut:
    return AccountOut(
        id=account.id,
        name=account.name,
        role=account.role,
        agent_no=account.agent_no,
        teams=account.teams,
        active=account.active,
    )
