"""Pages from templates. No page holds a script or style of its own, and none needs anything from elsewhere."""

from functools import cache
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from zhijian.models.records.account import UserRole
from zhijian.pipeline.store.access_log import Action
from zhijian.pipeline.store.accounts import Session
from zhijian.reports.wording import DIRECTIONS, EVIDENCE, OUTCOMES, ROLES, SCENARIOS, clock, points

USER_ROLES = {
    UserRole.AGENT: "坐席",
    UserRole.MONITOR: "质检员",
    UserRole.TRAINER: "培训师",
    UserRole.SUPERVISOR: "主管",
    UserRole.ADMIN: "管理员",
}
ACTIONS = {
    Action.LOGIN: "登录",
    Action.LOGIN_REFUSED: "登录失败",
    Action.LOGOUT: "退出",
    Action.VIEW: "查看通话",
    Action.UNMASK: "查看原文",
    Action.LISTEN: "听录音",
    Action.DECIDE: "复核",
    Action.CORRECT: "更正文字",
    Action.ASSIGN: "分配",
    Action.APPEAL: "申诉",
    Action.APPEAL_DECIDED: "复议",
    Action.ACCOUNT: "账号",
    Action.READ_LOG: "查看日志",
}
KINDS = {
    "veto": "否决待确认",
    "doubt": "待复核",
    "sampled": "抽查",
    "unscorable": "无法评分",
    "settled": "已发布",
    "seen": "无法评分",
}
HOME = {
    UserRole.AGENT: "/calls",
    UserRole.MONITOR: "/queue",
    UserRole.TRAINER: "/calls",
    UserRole.SUPERVISOR: "/queue",
    UserRole.ADMIN: "/accounts",
}
_MENU = {
    "/queue": ("待复核", (UserRole.MONITOR, UserRole.SUPERVISOR)),
    "/calls": ("通话", (UserRole.AGENT, UserRole.MONITOR, UserRole.TRAINER, UserRole.SUPERVISOR)),
    "/appeals": ("申诉", (UserRole.AGENT, UserRole.MONITOR, UserRole.SUPERVISOR)),
    "/calibrations": ("校准", (UserRole.MONITOR, UserRole.SUPERVISOR)),
    "/accounts": ("账号", (UserRole.ADMIN,)),
    "/access-log": ("访问日志", (UserRole.ADMIN,)),
}


def page(template: str, logged: Session | None, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for somebody who is logged in, or for nobody."""
    menu = [
        (path, label) for path, (label, roles) in _MENU.items() if logged is not None and logged.account.role in roles
    ]
    html = (
        _templates()
        .get_template(template)
        .render(account=logged and logged.account, csrf=logged.csrf if logged else "", menu=menu, **context)
    )
    return HTMLResponse(html, status)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("zhijian.pipeline.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"points": points, "clock": clock}
    templates.globals |= {
        "OUTCOMES": OUTCOMES,
        "ROLES": ROLES,
        "EVIDENCE": EVIDENCE,
        "SCENARIOS": SCENARIOS,
        "DIRECTIONS": DIRECTIONS,
        "USER_ROLES": USER_ROLES,
        "ACTIONS": ACTIONS,
        "KINDS": KINDS,
    }
    return templates
