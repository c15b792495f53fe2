"""Where the server listens."""

import socket

import pytest

from pideai_host.api import ConfigurationError
from pideai_host.settings import Settings
from pideai_host.web.server import serve


def test_a_port_in_use_is_named_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(
            ConfigurationError, match=rf"cannot listen on 127\.0\.0\.1 port {port}: Address already in use"
        ):
            serve(Settings(host="127.0.0.1", port=port), with_worker=False)


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(ConfigurationError, match=r"cannot listen on 203\.0\.113\.1"):
        serve(Settings(host="203.0.113.1", port=0), with_worker=False)
