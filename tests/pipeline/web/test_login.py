"""Coming in: passwords, sessions, forged requests, and the company's own sign-on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest

from tests.pipeline.web.conftest import NOW
from zhijian.pipeline.store import accounts
from zhijian.pipeline.store.access_log import Action, accesses
from zhijian.pipeline.store.accounts import (
    FAILURES_PER_ADDRESS,
    FAILURES_PER_NAME,
    SESSION_IDLE,
    SESSION_MAX,
    WINDOW,
    set_active,
    set_password,
)
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.web.workbench import COOKIE

PASSWORD = "correct horse battery"


@pytest.fixture
def with_password(site):
    with writing(site.engine) as conn:
        set_password(conn, site.account("monitor").id, PASSWORD)
    return site


def log_in(client, password=PASSWORD, name="monitor"):
    return client.post("/login", data={"name": name, "password": password})


def test_the_right_password_leads_to_the_queue(with_password):
    client = with_password.nobody()
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/api/me").json()["name"] == "monitor"


def test_behind_https_the_cookie_is_secure(with_password, make_site):
    client = make_site(with_password.engine, secure_cookies=True).nobody()
    assert "Secure" in log_in(client).headers["set-cookie"]


@pytest.mark.parametrize("name", ["monitor", "nosuch", "admin"])  # admin has no password: the sign-on lets him in only
def test_a_wrong_login_tells_nothing(with_password, name):
    answer = log_in(with_password.nobody(), "wrong", name)
    assert answer.status_code == 401
    assert "账号或密码不对" in answer.text


def test_a_password_cannot_be_guessed(with_password, make_site):
    client = with_password.nobody()
    for _ in range(FAILURES_PER_NAME):
        assert log_in(client, "wrong").status_code == 401
    assert log_in(client).status_code == 429
    later = make_site(with_password.engine, now=NOW + WINDOW + timedelta(seconds=1))
    assert log_in(later.nobody()).status_code == 303


def test_nor_by_many_tries_at_once(with_password, monkeypatch):
    tries = 2 * FAILURES_PER_NAME
    checking = []

    def wrong(*_):
        checking.append(1)
        sleep(0.5)  # all others have come in meanwhile
        return False

    monkeypatch.setattr(accounts, "_fits", wrong)
    client = with_password.nobody()
    with ThreadPoolExecutor(tries) as pool:
        answers = list(pool.map(lambda _: log_in(client, "wrong").status_code, range(tries)))
    assert len(checking) == answers.count(401) == FAILURES_PER_NAME


def test_logging_in_often_locks_nobody_out(with_password):
    for _ in range(FAILURES_PER_NAME + 1):
        assert log_in(with_password.nobody()).status_code == 303


def test_a_planted_token_is_worth_nothing(with_password):
    client = with_password.nobody()
    client.cookies.set(COOKIE, "planted")
    assert log_in(client).status_code == 303
    fixed = with_password.nobody()
    fixed.cookies.set(COOKIE, "planted")
    assert fixed.get("/api/me").status_code == 401


def test_a_token_from_before_the_login_ends_with_it(with_password):
    client = with_password.as_("monitor")
    old = client.cookies[COOKIE]
    assert log_in(client).status_code == 303
    again = with_password.nobody()
    again.cookies.set(COOKIE, old)
    assert again.get("/api/me").status_code == 401


def test_logging_out_ends_the_session(site):
    client = site.as_("monitor")
    token = client.cookies[COOKIE]
    assert client.post("/api/logout").status_code == 204
    client.cookies.set(COOKIE, token)
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize("after", [SESSION_IDLE, SESSION_MAX])
def test_a_session_ends(site, make_site, after):
    token = site.as_("monitor").cookies[COOKIE]
    later = make_site(site.engine, now=NOW + after + timedelta(minutes=1)).nobody()
    later.cookies.set(COOKIE, token)
    assert later.get("/api/me").status_code == 401
    assert later.get("/queue").headers["location"] == "/login"


def test_a_session_in_use_goes_on(site, make_site):
    token = site.as_("monitor").cookies[COOKIE]
    for minutes in range(90, 700, 90):
        later = make_site(site.engine, now=NOW + timedelta(minutes=minutes)).nobody()
        later.cookies.set(COOKIE, token)
        assert later.get("/api/me").status_code == 200


def test_an_account_that_is_locked_is_out_at_once(site):
    client = site.as_("monitor")
    with writing(site.engine) as conn:
        set_active(conn, site.account("monitor").id, False)
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x-csrf-token": ""},
        {"x-csrf-token": "guessed"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_forged_change_is_refused(site, headers):
    client = site.as_("monitor")
    call = site.numbers["doubt"]
    decision = {"scorecard": site.judgement("doubt").id, "rulings": [], "reason": "x"}
    answer = client.post(f"/api/calls/{call}/decisions", json=decision, headers=headers)
    assert answer.status_code == 403
    assert site.judgement("doubt").id == decision["scorecard"]


def test_a_login_from_a_foreign_page_is_refused(with_password):
    client = with_password.nobody()
    answer = client.post(
        "/login", data={"name": "monitor", "password": PASSWORD}, headers={"origin": "https://evil.example"}
    )
    assert answer.status_code == 403


HEADER = {"x-remote-user": "monitor"}


class TestSignOn:
    def site(self, site, make_site, proxies=("testclient",)):
        return make_site(site.engine, sso_header="X-Remote-User", trusted_proxies=proxies)

    def test_a_trusted_proxy_names_the_account(self, site, make_site):
        client = self.site(site, make_site).nobody()
        assert client.get("/api/me", headers=HEADER).json()["name"] == "monitor"

    def test_it_may_name_the_browser_s_address_too(self, site, make_site):
        client = self.site(site, make_site).nobody()
        headers = HEADER | {"x-forwarded-for": "10.1.2.3", "x-forwarded-proto": "https"}
        assert client.get("/api/me", headers=headers).json()["name"] == "monitor"

    def test_who_only_says_that_he_is_the_proxy_is_not(self, site, make_site):
        client = self.site(site, make_site, ("10.0.0.1",)).nobody()
        assert client.get("/api/me", headers=HEADER | {"x-forwarded-for": "10.0.0.1"}).status_code == 401

    def test_nobody_else_may(self, site, make_site):
        assert self.site(site, make_site, ("10.0.0.1",)).nobody().get("/api/me", headers=HEADER).status_code == 401
        assert site.nobody().get("/api/me", headers=HEADER).status_code == 401

    def test_an_unknown_or_locked_name_is_nobody(self, site, make_site):
        client = self.site(site, make_site).nobody()
        assert client.get("/api/me", headers={"x-remote-user": "nosuch"}).status_code == 401
        with writing(site.engine) as conn:
            set_active(conn, site.account("monitor").id, False)
        assert client.get("/api/me", headers=HEADER).status_code == 401

    def test_a_change_needs_the_header_that_foreign_pages_cannot_send(self, site, make_site):
        client = self.site(site, make_site).nobody()
        path = f"/api/calls/{site.numbers['doubt']}/hold"
        assert client.put(path, headers=HEADER).status_code == 403
        assert client.put(path, headers={**HEADER, "x-csrf-token": "sso"}).status_code == 204


def test_logins_are_logged(with_password):
    client = with_password.nobody()
    log_in(client, "wrong")
    log_in(client)
    with with_password.engine.connect() as conn:
        found = [(access.actor, access.action) for access in accesses(conn, limit=2)]
    assert found == [("monitor", Action.LOGIN), ("monitor", Action.LOGIN_REFUSED)]


def test_tries_beyond_the_limit_are_not_logged(with_password):
    client = with_password.nobody()
    statuses = [log_in(client, "wrong").status_code for _ in range(FAILURES_PER_NAME + 3)]
    assert statuses == [401] * FAILURES_PER_NAME + [429] * 3
    with with_password.engine.connect() as conn:
        assert len(accesses(conn, limit=99)) == FAILURES_PER_NAME


def test_behind_a_trusted_proxy_one_address_locks_out_no_other(with_password, make_site):
    client = make_site(with_password.engine, trusted_proxies=("testclient",)).nobody()
    client.headers["x-forwarded-for"] = "203.0.113.9"
    for number in range(FAILURES_PER_ADDRESS):
        log_in(client, "wrong", f"nobody-{number}")
    assert log_in(client).status_code == 429
    client.headers["x-forwarded-for"] = "203.0.113.10"
    assert log_in(client).status_code == 303


def test_a_password_in_the_wrong_field_is_not_logged(with_password):
    log_in(with_password.nobody(), "monitor", PASSWORD.replace(" ", "-"))
    with with_password.engine.connect() as conn:
        assert [access.actor for access in accesses(conn, limit=1)] == ["?"]
