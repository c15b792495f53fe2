"""What is said of each code of a problem, in Spanish and English, and the page that says it.

The texts are `errors/es.md` and `errors/en.md`; the English one is also docs/errors.md.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from pideai_host.web.openapi import problem_example
from pideai_host.web.problems import TABLE

Language = Literal["es", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
_SECTION: Final = re.compile(r"^### `([a-z_]+)`(?: \(\d+\))?(?:: (.+))?\n((?:(?!#).*(?:\n|\Z))*)", re.MULTILINE)
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_CODE: Final = re.compile(r"`([^`]+)`")
_EXAMPLE: Final[Mapping[Language, str]] = {"es": "Ejemplo", "en": "Example"}
_ALL: Final[Mapping[Language, str]] = {"es": "Todos los errores", "en": "All errors"}


class Explanation(msgspec.Struct, frozen=True):
    """What a code means and what to do about it, in one language; paragraphs are apart by an empty line."""

    title: str
    text: str


class ProblemPage(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a code."""

    type: str
    code: str
    status: int
    explanations: dict[Language, Explanation]
    example: dict[str, Any]


@cache
def explained(language: Language) -> Mapping[str, Explanation]:
    """Return what is said of every code in a language."""
    text = (files("pideai_host.web") / "errors" / f"{language}.md").read_text(encoding="utf-8")
    return {
        code: Explanation(title or TABLE[code][1], _prose(body))
        for code, title, body in _SECTION.findall(text)
        if code in TABLE
    }


def problem_page(code: str) -> ProblemPage | None:
    """Return what is to be known of a code, None if no problem has it."""
    if code not in TABLE:
        return None
    said = {language: explained(language)[code] for language in LANGUAGES if code in explained(language)}
    example = problem_example(code)
    return ProblemPage(type=str(example["type"]), code=code, status=TABLE[code][0], explanations=said, example=example)


def as_html(page: ProblemPage, *, first: Language) -> str:
    """Show a code as a page, in both languages."""
    sections = [
        f'<section lang="{language}">\n<h1>{_inline(said.title)}</h1>\n'
        f"<p><code>{page.code}</code> · HTTP {page.status}</p>\n{_paragraphs(said.text)}\n</section>"
        for language, said in _in_order(page.explanations.items(), first)
    ]
    example = escape(msgspec.json.format(msgspec.json.encode(page.example), indent=2).decode(), quote=False)
    shown = f"<section>\n<h2>{_EXAMPLE[first]}</h2>\n<pre><code>{example}</code></pre>\n</section>"
    back = f'<p><a href="/problems">{_ALL[first]}</a></p>'
    return _html(page.code, first, "\n".join([*sections, shown, back]))


def list_as_html(*, first: Language) -> str:
    """Show all codes as a page, by their status."""
    said = {**explained("en"), **explained(first)}
    lines = [
        f'<li>{status} <a href="/problems/{code}"><code>{code}</code></a> {_inline(said[code].title)}</li>'
        for code, (status, _) in sorted(TABLE.items(), key=lambda one: (one[1][0], one[0]))
        if code in said
    ]
    return _html(_ALL[first], first, f"<h1>{_ALL[first]}</h1>\n<ul>\n" + "\n".join(lines) + "\n</ul>")


def _in_order(said: Iterable[tuple[Language, Explanation]], first: Language) -> list[tuple[Language, Explanation]]:
    return sorted(said, key=lambda one: one[0] != first)


def _prose(body: str) -> str:
    """Return the paragraphs of a section, each on one line; links lead nowhere from here."""
    paragraphs = [" ".join(one.split()) for one in re.split(r"\n\s*\n", body)]
    return _LINK.sub(r"\1", "\n\n".join(one for one in paragraphs if one))


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{_inline(one)}</p>" for one in text.split("\n\n"))


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def _html(title: str, language: Language, body: str) -> str:
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · PideAI</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/page.css">
</head>
<body>
{body}
</body>
</html>
"""
