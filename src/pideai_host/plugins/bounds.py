"""How far the numbers of a delivery policy go, wherever they come from: a plugin's definition or one installation."""

from typing import Final

MIN_S: Final = 0.001
DAY_S: Final = 86_400.0
MONTH_S: Final = 31 * DAY_S
DELAYS_MAX: Final = 10
ATTEMPTS_MAX: Final = 20
"""Calls in all, by exponential delays: each one is kept in the delivery's row."""
CALLS_MAX: Final = 10_000
"""At once, a second, or in a row."""
GROWTH_MAX: Final = 100.0
