"""What the README says of using the API is what a demo host answers to curl."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[3] / "README.md"
_TOLD = re.compile(r"^(API docs|Store|Token):\s+(\S+)", re.MULTILINE)


def commands(heading: str) -> list[str]:
    section = README.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = block.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture
def host(open_dir):
    """What `pideai-host demo --serve` tells of itself; ended with Ctrl-C, as by its user."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, so the README's calls cannot be made")
    environ = {**os.environ, "PIDEAI_DATA_DIR": str(open_dir / "data"), "COLUMNS": "160", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pideai_host", "demo", "--serve"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        said = ""
        for line in process.stdout or ():
            said += line
            if line.startswith("Ctrl-C"):
                break
        told = dict(_TOLD.findall(said))
        yield {"HOST": told["API docs"].removesuffix("/docs"), "STORE": told["Store"], "TOKEN": told["Token"]}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def answer(command: str, told: dict[str, str]) -> Any:
    made = subprocess.run(["bash", "-c", command], env={**os.environ, **told}, capture_output=True, check=True)
    return json.loads(made.stdout)


@pytest.mark.timeout(240)
def test_every_call_is_answered_as_the_readme_says(host):
    answers = [answer(one, host) for one in commands("Use the API")]
    catalogue, installed, deliveries, changed, breaker, refused, explained = answers

    assert {one["slug"] for one in catalogue["items"]} == {"webhook-bridge", "whatsapp"}
    assert {one["plugin"] for one in installed["items"]} == {"webhook-bridge", "whatsapp"}
    assert (len(deliveries["items"]), deliveries["next_cursor"] is None) == (2, False)
    assert (changed["priority"], breaker["phase"]) == (5, "closed")
    assert (refused["code"], refused["type"]) == ("not_installed", explained["type"])

    *others, begin = commands("Write by WhatsApp")
    removed, again, connected, status, sent, messages, draft = [answer(one, host) for one in others]
    begun = answer(begin, {**host, "CAMPAIGN": draft["id"]})

    assert (removed, again["state"]) == (204, "enabled")
    assert [(one["provider"], one["is_connected"]) for one in (connected, status)] == [("console", True)] * 2
    assert sent["id"] in {one["id"] for one in messages["items"]}
    assert (draft["status"], begun["status"], begun["id"]) == ("draft", "scheduled", draft["id"])
