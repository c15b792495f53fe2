"""Numbers as WhatsApp writes them: digits, jids, and its own habits with Brazil, Mexico and Argentina.

It knows some Brazilian mobiles without their ninth digit, and may write a Mexican 1 or leave an Argentine 9 out.
"""

import re
from typing import Any, Final

from pideai_whatsapp.text.phones import Phone, digits_of

_DIGITS: Final = re.compile(r"[1-9][0-9]{7,14}")
_PERSON: Final = re.compile(r"([1-9][0-9]{7,14})(?::[0-9]+)?@(?:s\.whatsapp\.net|c\.us)")
_BRAZIL_WITHOUT_NINTH: Final = re.compile(r"55([0-9]{2})([6-9][0-9]{7})")
_MEXICO_WITH_ONE: Final = re.compile(r"521([0-9]{10})")
_ARGENTINA_WITHOUT_NINE: Final = re.compile(r"54([1-8][0-9]{9})")


def phone_of_jid(jid: Any) -> Phone | None:
    """Return whose jid it is; None for groups, broadcasts, hidden numbers (``@lid``) and everything odd."""
    found = _PERSON.fullmatch(jid) if isinstance(jid, str) else None
    return Phone(f"+{_as_dialled(found[1])}") if found else None


def phone_of_digits(digits: Any) -> Phone | None:
    """Return the phone that WhatsApp's digits mean, with or without a plus sign; None if they cannot be one."""
    if not isinstance(digits, str):
        return None
    found = _DIGITS.fullmatch(digits.removeprefix("+"))
    return Phone(f"+{_as_dialled(found[0])}") if found else None


def is_same(phone: Phone, digits: str) -> bool:
    """Tell whether a provider's digits mean this phone, whichever habit either follows."""
    return _as_dialled(digits_of(phone)) == _as_dialled(digits.removeprefix("+"))


def _as_dialled(digits: str) -> str:
    """Write a number as E.164 has it today: Brazil with its 9, Mexico without the 1, Argentina with the mobile's 9.

    An Argentine landline on WhatsApp would be taken for a mobile; nothing in the number tells them apart.
    """
    if found := _BRAZIL_WITHOUT_NINTH.fullmatch(digits):
        return f"55{found[1]}9{found[2]}"
    if found := _MEXICO_WITH_ONE.fullmatch(digits):
        return f"52{found[1]}"
    if found := _ARGENTINA_WITHOUT_NINE.fullmatch(digits):
        return f"549{found[1]}"
    return digits
