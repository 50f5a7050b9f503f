"""The page on which a developer chooses who to be: plain HTML, no scripts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from atmr_common.web.identity import Role

__all__ = ["CHOICES", "choice_page", "error_page"]

CHOICES = (Role.DISPATCHER, Role.ADMIN, Role.DRIVER, Role.CLINIC, Role.SERVICE)
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;"
    "color:#111;background:#fff}fieldset{margin:1rem 0}label{display:block;padding:.25rem 0}"
    "input[type=text]{width:100%;font:inherit;padding:.4rem;box-sizing:border-box}"
    "button{font:inherit;padding:.6rem 1.4rem}[role=alert]{border-left:.3rem solid #b00020;"
    "padding:.3rem .8rem}"
)


def choice_page(
    asked: Mapping[str, str],
    companies: Mapping[str, str],
    *,
    mistake: str | None = None,
) -> str:
    """The form; `asked` goes through it unchanged, `companies` are names by id."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in asked.items()
    )
    alert = f'<p role="alert">{escape(mistake)}</p>' if mistake else ""
    form = (
        f'<form method="post" action="/authorize">{kept}'
        '<label for="subject">Name</label>'
        '<input type="text" id="subject" name="subject" value="developer" required maxlength="200">'
        f"<fieldset><legend>Role</legend>{_roles()}</fieldset>"
        f"<fieldset><legend>Company</legend>{_companies(companies)}</fieldset>"
        '<button type="submit">Log in</button></form>'
    )
    about = "<p>Only standalone trusts what is issued here. There is no password.</p>"
    return _page("Development login", f"{about}{alert}{form}")


def error_page(sentence: str) -> str:
    return _page("This login cannot go on", f'<p role="alert">{escape(sentence)}</p>')


def _roles() -> str:
    return "".join(
        f'<label><input type="radio" name="role" value="{role.value}"'
        f"{' checked' if role is CHOICES[0] else ''}> {role.value}</label>"
        for role in CHOICES
    )


def _companies(companies: Mapping[str, str]) -> str:
    known = "".join(
        f'<label><input type="radio" name="known_company" value="{escape(company_id)}"'
        f"{' checked' if number == 0 else ''}> {escape(name)}</label>"
        for number, (company_id, name) in enumerate(companies.items())
    )
    return (
        f'{known}<label for="company">{"Or another" if known else "A"} company\'s id</label>'
        '<input type="text" id="company" name="company" maxlength="36" autocomplete="off">'
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
