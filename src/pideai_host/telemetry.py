"""Logs and metrics."""

from structlog import get_logger
