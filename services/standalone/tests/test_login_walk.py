"""A login over real HTTP: dispatch-api, the development issuer, and a browser without a screen."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from atmr_common.web.identity import Role
from standalone.process import Running, running_standalone
from standalone.settings import StandaloneSettings
from standalone.stopping import StopRequest


class Form(HTMLParser):
    """The fields of the page's form as a browser would send them, chosen ones first."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.action = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input" and (given["type"] != "radio" or "checked" in given):
            self.fields[given["name"]] = given.get("value", "")


async def log_in(browser: httpx.AsyncClient, url: str, **chosen: str) -> httpx.Response:
    """From /auth/login to where the browser stands in the end."""
    page = await browser.get(f"{url}/auth/login", params={"next": "/v1/company"})
    assert page.url.path == "/authorize", page.text
    form = Form(page.text)
    return await browser.post(page.url.join(form.action), data=form.fields | chosen)


async def company_of(running: Running) -> str:
    headers = {"Authorization": f"Bearer {running.token(Role.SERVICE)}"}
    async with httpx.AsyncClient(headers=headers) as platform:
        url = f"{running.urls['dispatch-api']}/v1/companies"
        answer = await platform.post(url, json={"name": "SYNTHETIC login"})
    return str(answer.json()["id"])


async def test_a_browser_logs_in_works_and_logs_out(
    standalone_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ATMR_AUTH_ISSUER", "https://login.example.org")  # of another use of .env
    settings = StandaloneSettings.model_validate({"data": standalone_data, "port_base": 0})
    stop = StopRequest(lambda _: None)
    async with (
        running_standalone(settings, stop, announce=lambda _: None) as running,
        httpx.AsyncClient(follow_redirects=True, trust_env=False) as browser,
    ):
        url = running.urls["dispatch-api"]
        company = await company_of(running)
        arrived = await log_in(browser, url, company=company, subject="m.favre", role="admin")
        assert str(arrived.url) == f"{url}/v1/company"
        assert arrived.json()["name"] == "SYNTHETIC login"
        assert set(browser.cookies.keys()) == {"atmr"}

        change = {"name": "SYNTHETIC renamed"}
        cross_site = await browser.patch(f"{url}/v1/company", json=change)
        assert cross_site.status_code == 403
        own_page = {"Sec-Fetch-Site": "same-origin"}
        renamed = await browser.patch(f"{url}/v1/company", json=change, headers=own_page)
        assert renamed.json()["name"] == "SYNTHETIC renamed"
        assert (await browser.get(f"{url}/auth/me")).json()["subject"] == "m.favre"

        assert (await browser.post(f"{url}/auth/logout", headers=own_page)).status_code == 204
        assert (await browser.get(f"{url}/v1/company")).status_code == 401


async def test_localhost_is_led_to_the_name_that_the_issuer_answers(
    standalone_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings = StandaloneSettings.model_validate({"data": standalone_data, "port_base": 0})
    stop = StopRequest(lambda _: None)
    async with (
        running_standalone(settings, stop, announce=lambda _: None) as running,
        httpx.AsyncClient(follow_redirects=True, trust_env=False) as browser,
    ):
        url = running.urls["dispatch-api"]
        company = await company_of(running)
        localhost = url.replace("127.0.0.1", "localhost")
        arrived = await log_in(browser, localhost, company=company)
        assert str(arrived.url) == f"{url}/v1/company"
        assert arrived.status_code == 200
