"""What is sealed opens only in its place, with its key, and shows nothing on the way."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from pideai_host.api import ConfigurationError
from pideai_host.stores.secrets import (
    Sealer,
    SecretUnreadable,
    generate_webhook_secret,
    webhook_secret_fault,
)

STORE = UUID(int=1)
OTHER_STORE = UUID(int=2)
OLD = ("old", b"o" * 32)
NEW = ("new", b"n" * 32)
SECRET = "sk_live_canary"


@given(st.text(), st.uuids(), st.text())
def test_what_is_sealed_opens_in_its_place(plain, store_id, field):
    sealer = Sealer((NEW,))

    assert sealer.open(sealer.seal(plain, store_id, "pay", field), store_id, "pay", field) == plain


@pytest.mark.parametrize(
    "place",
    [(OTHER_STORE, "pay", "/key"), (STORE, "ship", "/key"), (STORE, "pay", "/other")],
    ids=["other store", "other plugin", "other field"],
)
def test_moved_to_another_place_it_does_not_open(place):
    sealer = Sealer((NEW,))
    sealed = sealer.seal(SECRET, STORE, "pay", "/key")

    with pytest.raises(SecretUnreadable):
        sealer.open(sealed, *place)


def test_the_first_key_seals_and_older_ones_still_open():
    sealed_before = Sealer((OLD,)).seal(SECRET, STORE, "pay", "/key")
    ring = Sealer((NEW, OLD))

    assert ring.open(sealed_before, STORE, "pay", "/key") == SECRET
    assert ring.seal(SECRET, STORE, "pay", "/key").startswith("v1.new.")


def test_a_value_of_a_key_that_is_gone_is_unreadable_and_says_what_to_do():
    sealed = Sealer((OLD,)).seal(SECRET, STORE, "pay", "/key")

    with pytest.raises(SecretUnreadable) as caught:
        Sealer((NEW,)).open(sealed, STORE, "pay", "/key")

    assert "PIDEAI_MASTER_KEYS" in caught.value.hint


@given(st.text(max_size=200))
def test_any_other_text_is_unreadable_and_nothing_worse(text):
    with pytest.raises(SecretUnreadable):
        Sealer((NEW,)).open(text, STORE, "pay", "/key")


@given(st.binary(max_size=60))
def test_any_other_ciphertext_is_unreadable(data):
    with pytest.raises(SecretUnreadable):
        Sealer((NEW,)).open(f"v1.new.{base64.urlsafe_b64encode(data).decode()}", STORE, "pay", "/key")


def test_sealing_twice_gives_two_texts():
    sealer = Sealer((NEW,))

    assert sealer.seal(SECRET, STORE, "pay", "/key") != sealer.seal(SECRET, STORE, "pay", "/key")


@pytest.mark.parametrize(
    "keys",
    [(), (("a", b"short"),), (("a.b", b"k" * 32),), (NEW, NEW)],
    ids=["none", "wrong size", "dot in the id", "same id twice"],
)
def test_an_unfit_ring_is_refused(keys):
    with pytest.raises(ConfigurationError):
        Sealer(keys)


def test_no_repr_and_no_error_shows_a_key_or_a_value():
    sealer = Sealer((("k", b"canary-key-canary-key-canary-key"),))
    sealed = sealer.seal(SECRET, STORE, "pay", "/key")

    with pytest.raises(SecretUnreadable) as caught:
        sealer.open(sealed, OTHER_STORE, "pay", "/key")

    shown = repr(sealer) + repr(caught.value) + caught.value.message + caught.value.hint
    assert "canary" not in shown
    assert sealed not in shown


def test_a_generated_webhook_secret_works_for_an_independent_checker_and_passes_our_own_check():
    secret = generate_webhook_secret()

    Webhook(secret)
    assert webhook_secret_fault(secret) is None
    assert secret != generate_webhook_secret()


def test_several_webhook_secrets_pass_while_a_receiver_changes_over():
    assert webhook_secret_fault(f"{generate_webhook_secret()} {generate_webhook_secret()}") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "whsec_" + base64.b64encode(b"x" * 32).decode() + " hunter2",
        " ".join(["whsec_" + base64.b64encode(b"x" * 32).decode()] * 6),
        "whsec_" + base64.b64encode(b"x" * 32).decode()[:-2] + "B=",
        "whsec_",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_" + "é" * 40,
        "whsec_***",
    ],
)
def test_an_unfit_webhook_secret_is_refused_without_being_repeated(text):
    fault = webhook_secret_fault(text)

    assert fault is not None
    assert text == "" or text not in fault or text == "whsec_"
