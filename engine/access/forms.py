"""The pages that are shown before anybody is signed in: sign in, here or at a provider, and choose a password."""

from __future__ import annotations

import html
import string
from dataclasses import dataclass
from functools import cache

from engine.actor import USES
from engine.settings import ASSETS
from engine.strings import language, notice, text


@dataclass(frozen=True)
class Field:
    """One field of a form; `name` is what the browser sends and what names its label in the strings.

    choices : of a field to choose from, named in the strings under the field's name
    """

    name: str
    kind: str
    autocomplete: str
    is_required: bool = True
    choices: tuple[str, ...] = ()


SIGN_IN = (
    Field("name", "text", "username"),
    Field("password", "password", "current-password"),
    Field("purpose", "choice", "off", choices=USES),
    Field("reason", "text", "off", is_required=False),
)
AT_PROVIDER = SIGN_IN[2:]  # the provider asks who it is
LABELS = {"provider": "sign_in"}  # whose fields are named as another form's
ACTIONS = {"sign_in": "/sign-in", "provider": "/sign-in", "choose_password": "/invitation"}
CHOOSE = (Field("password", "password", "new-password"), Field("again", "password", "new-password"))


def sign_in_page(then: str, error: str = "", values: dict[str, str] | None = None) -> str:
    """Return the sign-in page as HTML; `then` is where to go afterwards, `values` what was given before, by field."""
    return _page("sign_in", SIGN_IN, hidden={"then": then}, error=error, values=values)


def provider_page(then: str, provider: str, error: str = "", values: dict[str, str] | None = None) -> str:
    """Return the page from which people go to the provider to sign in, as HTML."""
    words = {"provider": provider}
    return _page("provider", AT_PROVIDER, hidden={"then": then}, error=error, values=values, words=words)


def leaving_page(to: str, provider: str) -> str:
    """Return the page that is shown on the way to the provider, as HTML; its answer's Refresh header goes on."""
    link = f'<p><a href="{html.escape(to)}">{html.escape(text("provider.go"))}</a></p>'
    return _filled("leaving", {"title": text("provider.going", provider=provider), "error": "", "form": link})


def choose_page(token: str, name: str, error: str = "") -> str:
    """Return the page on which `name` chooses a password, as HTML."""
    return _page("choose_password", CHOOSE, hidden={"token": token}, error=error, words={"name": name})


def message_page(sentence: str) -> str:
    """Return a page of one sentence, with the way to the sign-in."""
    return _filled("sign_in", {"title": text("sign_in.title"), "error": _error(sentence), "form": _link()})


def _page(
    section: str,
    fields: tuple[Field, ...],
    *,
    hidden: dict[str, str],
    error: str,
    values: dict[str, str] | None = None,
    words: dict[str, str] | None = None,
) -> str:
    first = next((one.name for one in fields if not (values or {}).get(one.name)), "")
    inputs = [
        _input(LABELS.get(section, section), one, (values or {}).get(one.name, ""), is_first=one.name == first)
        for one in fields
    ]
    kept = [f'<input type="hidden" name="{key}" value="{html.escape(value)}">' for key, value in hidden.items()]
    said = {name: text(f"{section}.{name}", **(words or {})) for name in ("title", "hint", "button")}
    has_focus = any(one.name == first and not one.choices for one in fields)
    button = f'<button type="submit"{"" if has_focus else " autofocus"}>{html.escape(said["button"])}</button>'
    form = f'<form method="post" action="{ACTIONS[section]}">{"".join(kept + inputs)}{button}</form>'
    hint = f"<p>{html.escape(said['hint'])}</p>"
    return _filled(section, {"title": said["title"], "error": _error(error), "form": hint + form})


def _input(section: str, field: Field, value: str, *, is_first: bool) -> str:
    label = html.escape(text(f"{section}.{field.name}"))
    if field.choices:
        return f'<label for="{field.name}">{label}</label>{_choice(field, value)}'
    more = (" required" if field.is_required else "") + (" autofocus" if is_first else "")
    return (
        f'<label for="{field.name}">{label}</label><input id="{field.name}" name="{field.name}" type="{field.kind}"'
        f' autocomplete="{field.autocomplete}" value="{html.escape(value)}" maxlength="256"{more}>'
    )


def _choice(field: Field, chosen: str) -> str:
    marked = {one: " selected" if one == chosen else "" for one in field.choices}
    said = {one: html.escape(text(f"{field.name}.{one}")) for one in field.choices}
    options = "".join(f'<option value="{one}"{marked[one]}>{said[one]}</option>' for one in field.choices)
    return f'<select id="{field.name}" name="{field.name}">{options}</select>'


def _error(sentence: str) -> str:
    return f'<p class="error" role="alert">{html.escape(sentence)}</p>' if sentence else ""


def _link() -> str:
    return f'<p><a href="/sign-in">{html.escape(text("sign_in.button"))}</a></p>'


@cache
def _template() -> string.Template:
    return string.Template((ASSETS / "browser" / "sign_in.html").read_text(encoding="utf-8"))


def _filled(section: str, parts: dict[str, str]) -> str:
    words = {"title": html.escape(parts["title"]), "app": html.escape(text("app.name"))}
    return _template().substitute(
        words, language=language(), section=section, error=parts["error"], form=parts["form"], notice=notice()
    )
