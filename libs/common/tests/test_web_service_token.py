"""The token of a service's own: read when it is needed, and again when it was replaced."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from atmr_common.web.service_token import ServiceToken, ServiceTokenAuth, ServiceTokenError


def client_with(token: ServiceToken) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/away":
            return httpx.Response(302, headers={"Location": "https://elsewhere.test/"})
        return httpx.Response(200, text=request.headers.get("Authorization", "none"))

    return httpx.AsyncClient(
        transport=httpx.MockTransport(answer),
        auth=ServiceTokenAuth(token),
        base_url="https://inference.test",
    )


async def test_a_replaced_token_is_shown_from_the_next_request_on(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    async with client_with(ServiceToken(path)) as client:
        assert (await client.get("/")).text == "Bearer first"
        path.write_text("other\n")
        assert (await client.get("/")).text == "Bearer other"
        (tmp_path / "next").write_text("third\n")
        (tmp_path / "next").replace(path)
        assert (await client.get("/")).text == "Bearer third"


async def test_another_host_does_not_get_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret")
    async with client_with(ServiceToken(path)) as client:
        answer = await client.get("/away", follow_redirects=True)
    assert answer.text == "none"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"two words", "holds no token"),
        (b"line\r\nX-Other: header", "holds no token"),
        (b"\xc3\xa9", "holds no token"),
        (b"x" * 20_000, "holds no token"),
    ],
)
async def test_without_a_token_nothing_is_sent_and_the_reason_is_said(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    token = ServiceToken(path)
    async with client_with(token) as client:
        with pytest.raises(ServiceTokenError, match=sentence) as error:
            await client.get("/")
    assert str(path) in error.value.detail
    assert await token.ready() == error.value.detail
    path.write_text("good")
    assert await token.ready() is None


async def test_the_setting_is_named_where_there_is_none() -> None:
    assert await ServiceToken(None).ready() == (
        "Set ATMR_SERVICE_TOKEN_FILE to a file with the token."
    )


def test_a_token_does_not_show_itself(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    assert "secret" not in repr(ServiceToken(tmp_path / "token").current())
