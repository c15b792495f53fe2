"""The time as a store's customers read it: in their country, written as es-ES writes it short."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

_ZONES: Final = {
    "AR": "America/Argentina/Buenos_Aires",
    "BO": "America/La_Paz",
    "BR": "America/Sao_Paulo",
    "CL": "America/Santiago",
    "CO": "America/Bogota",
    "CR": "America/Costa_Rica",
    "DO": "America/Santo_Domingo",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "GT": "America/Guatemala",
    "HN": "America/Tegucigalpa",
    "MX": "America/Mexico_City",
    "NI": "America/Managua",
    "PA": "America/Panama",
    "PE": "America/Lima",
    "PT": "Europe/Lisbon",
    "PY": "America/Asuncion",
    "SV": "America/El_Salvador",
    "US": "America/New_York",
    "UY": "America/Montevideo",
    "VE": "America/Caracas",
}
_OTHERWISE: Final = _ZONES["VE"]


def short_time(at: datetime, region: str) -> str:
    """Write an instant in the zone of a region's capital: ``23/11/26, 8:05``.

    Args:
        at: Aware.
        region: As `phones.region_of` gives it; one that is not known is read as Venezuela's.
    """
    local = at.astimezone(ZoneInfo(_ZONES.get(region, _OTHERWISE)))
    return f"{local.day}/{local.month}/{local.year % 100:02}, {local.hour}:{local.minute:02}"
