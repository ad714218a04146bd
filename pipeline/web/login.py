"""Logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel

from zhijian.models.records.account import UserRole
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.accounts import (
    LoginRefused,
    TooManyFailures,
    account_named,
    close_session,
    log_in,
    open_session,
)
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.web.pages import HOME, page
from zhijian.pipeline.web.workbench import COOKIE, Bench, Logged

router = APIRouter()


class Me(BaseModel):
    name: str
    role: UserRole
    agent_no: str | None
    teams: tuple[str, ...]


@router.get("/", include_in_schema=False)
def home(logged: Logged) -> Response:
    return RedirectResponse(HOME[logged.account.role], 303)


@router.get("/login", include_in_schema=False)
def login_page() -> Response:
    return page("login.html.j2", None, problem="", name="")


@router.post("/login", include_in_schema=False)
def login(
    request: Request,
    bench: Bench,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
) -> Response:
    """A new session, whatever token the browser had before: a token that was planted is worth nothing."""
    now, address = bench.now(), request.client.host if request.client else ""
    try:
        account = log_in(bench.engine, name, password, address=address, now=now)
    except TooManyFailures as error:  # not logged: nobody has tried a password, and the log would grow at will
        return page("login.html.j2", None, status=429, problem=str(error), name=name)
    except LoginRefused as error:
        with writing(bench.engine) as conn:
            # what is no account's name may be a password, typed into the wrong field
            known = account_named(conn, name) is not None
            log(conn, Action.LOGIN_REFUSED, actor=name if known else "?", now=now, detail=address)
        return page("login.html.j2", None, status=401, problem=str(error), name=name)
    with writing(bench.engine) as conn:
        if old := request.cookies.get(COOKIE):
            close_session(conn, old)
        token = open_session(conn, account.id, now)
        log(conn, Action.LOGIN, actor=account.name, now=now, detail=address)
    response = RedirectResponse(HOME[account.role], 303)
    secure = bench.settings.secure_cookies or request.url.scheme == "https"
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
    return response


@router.get("/api/me")
def me(logged: Logged) -> Me:
    account = logged.account
    return Me(name=account.name, role=account.role, agent_no=account.agent_no, teams=account.teams)


@router.post("/api/logout", status_code=204)
def logout(request: Request, bench: Bench, logged: Logged) -> Response:
    with writing(bench.engine) as conn:
        close_session(conn, request.cookies.get(COOKIE, ""))
        log(conn, Action.LOGOUT, actor=logged.account.name, now=bench.now())
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
