"""ETag, If-Match and If-None-Match: a change names the state it was made upon, a reader the one it has already.

A state is named, not hashed where it can be helped: an installation's tag is its id and revision. As RFC 9110 wants it,
a reader's tags may be weak, those of a change may not: `W/` says that what was read may have been another one.
"""

import re
from hashlib import blake2b
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED, HTTP_400_BAD_REQUEST

from pideai_host.api.errors import PideaiError
from pideai_host.stores.expected import ChangedMeanwhile, tag_of
from pideai_host.stores.wire import InstallOut

Answer = TypeVar("Answer", bound=msgspec.Struct)

TAGS_MAX_CHARS: Final = 1_000
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS: Final = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=TAGS_MAX_CHARS,
        description="The ETag of the state that the change is made upon; `*` for whatever is there.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-None-Match",
        max_length=TAGS_MAX_CHARS,
        description="The ETag of what the reader has already: then the answer is 304, without a body.",
    ),
]
UNCHANGED: Final = {304: ResponseSpec(None, description="What the reader has already is what there is")}
"""For the description of what answers `conditional`."""


class IfMatchNeeded(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """A change that replaces something does not say upon which state it was made."""

    code = "if_match_needed"

    def __init__(self) -> None:
        super().__init__(
            "this replaces what is there, and does not say upon which state of it",
            hint="Send If-Match with the ETag that you read; `*` overwrites whatever is there.",
        )


def expected_tags(if_match: str | None) -> frozenset[str] | None:
    """Return the states that a change may begin from, None for any.

    Raises:
        HTTPException: it is no list of tags (400).
        ChangedMeanwhile: all of them are weak, and so match nothing.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    if _TAGS.fullmatch(if_match) is None:
        raise HTTPException(
            status_code=HTTP_400_BAD_REQUEST, detail='If-Match takes `*`, or tags as they were read: "…", in quotes'
        )
    strong = frozenset(tag for weak, tag in _TAG.findall(if_match) if not weak)
    if not strong:
        raise ChangedMeanwhile(
            "If-Match has weak tags only (W/), and these match nothing",
            hint="A proxy that packs answers makes tags weak: have it leave the API alone, or take W/ away.",
        )
    return strong


def tagged(shown: InstallOut, *, status_code: int = HTTP_200_OK, location: str | None = None) -> Response[InstallOut]:
    """Answer with an installation and its tag, and with where it is found if it was just made."""
    headers = {"etag": f'"{tag_of(shown)}"'} | ({} if location is None else {"location": location})
    return Response(shown, status_code=status_code, headers=headers)


def conditional(
    request: Request[Any, Any, Any], shown: Answer, if_none_match: str | None, *, tag: str | None = None
) -> Response[Answer]:
    """Answer a reader: with a tag and what there is, or that it has this already.

    Args:
        request: The reader's.
        shown: What there is.
        if_none_match: What the reader has.
        tag: The state's name; by default a hash of what would be sent.
    """
    if tag is None:
        tag = blake2b(msgspec.json.encode(shown), digest_size=8).hexdigest()
    headers = {"etag": f'"{tag}"'}
    has_it = if_none_match is not None and (
        if_none_match.strip() == "*" or any(known == tag for _, known in _TAG.findall(if_none_match))
    )
    if has_it and request.method in {"GET", "HEAD"}:
        nothing: Response[Any] = Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        return nothing
    return Response(shown, headers=headers)
