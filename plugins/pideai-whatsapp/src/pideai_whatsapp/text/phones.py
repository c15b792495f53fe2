"""From what a customer typed to E.164, by the rules of phone numbers and the store's country."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NewType

import phonenumbers

from pideai_whatsapp.errors import PhoneUnusable

Phone = NewType("Phone", str)
"""A valid number in E.164: a plus sign and 8 to 15 digits."""

DEFAULT_REGION: Final = "VE"

_REGION_OF_COUNTRY: Final = {
    "argentina": "AR",
    "bolivia": "BO",
    "brasil": "BR",
    "brazil": "BR",
    "chile": "CL",
    "colombia": "CO",
    "costa rica": "CR",
    "ecuador": "EC",
    "el salvador": "SV",
    "espana": "ES",
    "spain": "ES",
    "estados unidos": "US",
    "united states": "US",
    "guatemala": "GT",
    "honduras": "HN",
    "mexico": "MX",
    "nicaragua": "NI",
    "panama": "PA",
    "paraguay": "PY",
    "peru": "PE",
    "portugal": "PT",
    "republica dominicana": "DO",
    "dominican republic": "DO",
    "uruguay": "UY",
    "venezuela": "VE",
}

# Letters are refused before parsing: phonenumbers would read them as the keys of a dial.
_LOOKS_LIKE_PHONE: Final = re.compile(r"[\d\s+().\-‐‑‒–—]{6,40}")  # noqa: RUF001 - the dashes people type
_INTERNATIONAL_MIN_DIGITS: Final = 11
_MEXICO_BEFORE_2019: Final = re.compile(r"(?:521|04[45])(\d{10})")
# Brazil's landlines begin with 2 to 5: a ninth digit before those is no mobile's that WhatsApp knows without it.
_SAME_LINE: Final = (
    (re.compile(r"55(\d{2})9([6-9]\d{7})"), "55"),
    (re.compile(r"521(\d{10})"), "52"),
    (re.compile(r"549(\d{10})"), "54"),
)
_SHOWN_CHARS: Final = 32


def region_of(country: str | None) -> str:
    """Tell the region code of a store's country, given as a name in Spanish or English or as a code; VE if unknown."""
    if not country:
        return DEFAULT_REGION
    plain = _without_accents(country).strip().casefold()
    if plain.upper() in phonenumbers.SUPPORTED_REGIONS:
        return plain.upper()
    return _REGION_OF_COUNTRY.get(plain, DEFAULT_REGION)


def to_e164(raw: str | None, *, region: str) -> Phone:
    """Find the phone that a customer meant.

    A number is read as one of the store's country first, then as an international one whose plus sign was left out
    (eleven digits or more, so that a local number with a digit missing does not become a foreign one), then as a
    Mexican mobile in the spelling of before 2019 (``521…``, ``044…``).

    Args:
        raw: As typed: ``0414-1234567``, ``58 0414 1234567``, ``+58 414…``, ``5511…``.
        region: The store's region code, see `region_of`.

    Raises:
        PhoneUnusable: missing, or no valid number in any of these readings; the message is for the owner.
    """
    text = (raw or "").strip()
    if not text:
        raise PhoneUnusable("Falta el teléfono del cliente.")
    if _LOOKS_LIKE_PHONE.fullmatch(text):
        for candidate in _readings(text, region):
            if phonenumbers.is_valid_number(candidate):
                return Phone(phonenumbers.format_number(candidate, phonenumbers.PhoneNumberFormat.E164))
    shown = "".join(sign for sign in text[:_SHOWN_CHARS] if sign.isprintable())
    raise PhoneUnusable(f"El teléfono del cliente no es un número válido: «{shown}».")


def digits_of(phone: Phone) -> str:
    """Return the number without its plus sign, as providers' paths and bodies want it."""
    return phone.removeprefix("+")


def line_of(number: str) -> str:
    """Return the digits by which two spellings of one line are the same, whoever wrote them.

    WhatsApp knows some Brazilian mobiles without their ninth digit, and Mexican and Argentine ones with or without the
    1 and the 9 of before: what comes back from a provider may differ from what was sent to.

    Args:
        number: E.164, or its digits as a provider gives them.
    """
    digits = re.sub(r"\D", "", number)
    for spelling, same in _SAME_LINE:
        if found := spelling.fullmatch(digits):
            return same + "".join(found.groups())
    return digits


def masked(phone: Phone) -> str:
    """Return the number for a log: its first three characters and its last two digits."""
    return f"{phone[:3]}{'*' * (len(phone) - 5)}{phone[-2:]}"


def _readings(text: str, region: str) -> Iterator[phonenumbers.PhoneNumber]:
    digits = re.sub(r"\D", "", text)
    spellings = [(text, region)]
    if not text.startswith("+") and len(digits) >= _INTERNATIONAL_MIN_DIGITS:
        spellings.append((f"+{digits}", region))
    if found := _MEXICO_BEFORE_2019.fullmatch(digits):
        spellings.append((f"+52{found[1]}", "MX"))
    for spelling, of_region in spellings:
        try:
            yield phonenumbers.parse(spelling, of_region)
        except phonenumbers.NumberParseException:
            continue


def _without_accents(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
