"""The pages that the `type` of a problem leads to. No token: they say what docs/errors.md says."""

from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from pideai_host.web.problem_pages import LANGUAGES, Language, as_html, list_as_html, problem_page
from pideai_host.web.problems import TABLE

_HEADERS: Final = {"cache-control": "public, max-age=3600", "vary": "Accept, Accept-Language"}


class ProblemList(msgspec.Struct, frozen=True):
    """Every code."""

    items: list[Any]


@get("/problems", include_in_schema=False)
async def list_problems(request: Request[Any, Any, Any]) -> Response[Any]:
    """List all codes, to people as a page, else as JSON."""
    if _wants_json(request):
        pages = [problem_page(code) for code in sorted(TABLE)]
        return Response(ProblemList(pages), media_type=MediaType.JSON, headers=_HEADERS)
    return Response(list_as_html(first=_language(request)), media_type=MediaType.HTML, headers=_HEADERS)


@get("/problems/{code:str}", include_in_schema=False)
async def get_problem(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """Say what a code means and what to do, to people as a page, else as JSON."""
    page = problem_page(code)
    if page is None:
        raise NotFoundException("no problem has this code")
    if _wants_json(request):
        return Response(page, media_type=MediaType.JSON, headers=_HEADERS)
    return Response(as_html(page, first=_language(request)), media_type=MediaType.HTML, headers=_HEADERS)


def _wants_json(request: Request[Any, Any, Any]) -> bool:
    return request.accept.best_match([MediaType.HTML, MediaType.JSON], default=MediaType.HTML) == MediaType.JSON


def _language(request: Request[Any, Any, Any]) -> Language:
    """Return the language that is read first: the one named first, Spanish unless told otherwise."""
    wanted = [part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((language for one in wanted for language in LANGUAGES if one == language), "es")
