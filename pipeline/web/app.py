"""The application: its routes, the headers of every answer, and what refusals look like."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from zhijian.models.records.span import RecordError
from zhijian.pipeline.stages.appeal import AppealRefused
from zhijian.pipeline.store.appeals import AppealIsFinal
from zhijian.pipeline.store.database import StoreError
from zhijian.pipeline.store.reviews import StaleReview
from zhijian.pipeline.web import accounts, appeals, calibration, calls, decisions, lists, login, quality, sound
from zhijian.pipeline.web.pages import page
from zhijian.pipeline.web.workbench import SAFE_METHODS, KeepPeer, NotLoggedIn, Workbench

log = logging.getLogger(__name__)
API = "/api/"
_LONGEST_BODY = 1 << 20
_INVALID = "请求的内容不对"
ROUTERS = tuple(
    module.router for module in (login, lists, calls, decisions, sound, appeals, quality, calibration, accounts)
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_REFUSED = {StaleReview: 409, AppealRefused: 409, AppealIsFinal: 409, StoreError: 422, RecordError: 422}


class Problem(BaseModel):
    field: str
    problem: str


class Refusal(BaseModel):
    """Why something was not done, in Chinese; `problems` are those of the fields of a request."""

    detail: str
    problems: list[Problem] = []


def create_app(bench: Workbench) -> FastAPI:
    """The workbench on these books, as an ASGI application."""
    app = FastAPI(title="质检复核工作台", version="1", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.workbench = bench
    refusals: dict[int | str, dict[str, Any]] = {status: {"model": Refusal} for status in (401, 403, 404, 409, 422)}
    for router in ROUTERS:
        app.include_router(router, responses=refusals)
    app.mount("/static", StaticFiles(packages=[("zhijian.pipeline.web", "static")]), name="static")
    app.middleware("http")(_guard)
    # addresses that proxies write are believed from the named ones only; who has sent them is kept beside
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(bench.settings.trusted_proxies))
    app.add_middleware(KeepPeer)
    app.exception_handler(NotLoggedIn)(_to_login)
    app.exception_handler(HTTPException)(_refuse)
    app.exception_handler(RequestValidationError)(_invalid)
    for error in _REFUSED:
        app.exception_handler(error)(_refused)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuses changes that a foreign page asks for, and puts the headers on every answer."""
    response: Response
    if request.method not in SAFE_METHODS and _is_foreign(request):
        response = JSONResponse({"detail": "请求来自别的网站"}, 403)
    elif _is_too_long(request):
        response = JSONResponse({"detail": "请求太长"}, 413)
    else:
        try:
            response = await call_next(request)
        except Exception as error:  # a fault of ours; what it says may hold customer data
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s in %s, line %s", type(error).__name__, Path(where.filename).name, where.lineno)
            response = JSONResponse({"detail": "意外错误,请稍后再试"}, 500)
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _is_too_long(request: Request) -> bool:
    """Nothing that people send is long; what does not say how long it is, is not taken either."""
    length = request.headers.get("content-length", "0")
    return "transfer-encoding" in request.headers or not length.isdecimal() or int(length) > _LONGEST_BODY


def _is_foreign(request: Request) -> bool:
    """What the browser itself says of the page that asks; other programs say nothing, and carry the token."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def _to_login(request: Request, _error: Exception) -> Response:
    if request.url.path.startswith(API):
        return JSONResponse({"detail": "请先登录"}, 401)
    return RedirectResponse("/login", 303)


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = {404: "没有这个页面", 405: "不支持这个操作"}.get(status, "请求不能完成")
    if isinstance(error, HTTPException) and not error.detail.isascii():
        reason = error.detail
    headers = error.headers if isinstance(error, HTTPException) else None
    if request.url.path.startswith(API):
        return JSONResponse({"detail": reason}, status, headers)
    return page("refused.html.j2", None, status=status, reason=reason)


async def _invalid(request: Request, error: Exception) -> Response:
    """Names the fields, and never what was in them: it may be a customer's. An address that no page can have is 404."""
    fields = error.errors() if isinstance(error, RequestValidationError) else []
    if not request.url.path.startswith(API):
        wrong_address = any(one["loc"][0] == "path" for one in fields)
        return await _refuse(request, HTTPException(404) if wrong_address else HTTPException(422, _INVALID))
    problems = [Problem(field=".".join(map(str, one["loc"])), problem=one["msg"]) for one in fields]
    return JSONResponse(Refusal(detail=_INVALID, problems=problems).model_dump(), 422)


async def _refused(_request: Request, error: Exception) -> Response:
    status = next(status for kind, status in _REFUSED.items() if isinstance(error, kind))
    reason = "这样不能成立,请检查项目、判定和得分" if isinstance(error, RecordError) else str(error)
    return JSONResponse({"detail": reason}, status)
