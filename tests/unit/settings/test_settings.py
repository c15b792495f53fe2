"""Settings come from the environment alone; what is wrong is named, never shown."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from pideai_host.api.errors import ConfigurationError
from pideai_host.settings import Settings

KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
VARIABLES = (
    "PIDEAI_PORT",
    "PIDEAI_PLUGINS",
    "PIDEAI_WEBHOOK_SECRETS",
    "PIDEAI_MASTER_KEYS",
    "PIDEAI_HTTP_ALLOW",
    "PIDEAI_LOG_LEVEL",
    "PIDEAI_LOG_FORMAT",
    "PIDEAI_POOL_MIN_SIZE",
    "PIDEAI_POOL_MAX_SIZE",
    "PIDEAI_RETENTION_DAYS",
    "PIDEAI_SWEEP_INTERVAL_S",
    "PIDEAI_CORS_ORIGINS",
    "SUPABASE_URL",
    "SUPABASE_JWKS_URL",
)


def test_empty_environment_means_an_embedded_host_on_port_8080() -> None:
    settings = Settings.from_env({})

    assert (settings.embedded, settings.database_url, settings.host, settings.port) == (True, None, "127.0.0.1", 8080)


@pytest.mark.parametrize("given_name", ["DATABASE_URL", "ADMIN_DATABASE_URL"])
def test_one_database_url_serves_both_roles(given_name: str) -> None:
    settings = Settings.from_env({given_name: "postgresql://h/d"})

    assert (settings.database_url, settings.admin_database_url) == ("postgresql://h/d", "postgresql://h/d")


def test_a_database_url_means_no_embedded_server() -> None:
    assert Settings.from_env({"DATABASE_URL": "postgresql://h/d"}).embedded is False


def test_two_database_urls_are_kept_apart() -> None:
    settings = Settings.from_env({"DATABASE_URL": "postgresql://r@h/d", "ADMIN_DATABASE_URL": "postgresql://o@h/d"})

    assert (settings.database_url, settings.admin_database_url) == ("postgresql://r@h/d", "postgresql://o@h/d")


def test_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"PIDEAI_PORT": "", "PIDEAI_HOST": " "}) == Settings.from_env({})


@pytest.mark.parametrize("name", ["DATABASE_URL", "ADMIN_DATABASE_URL"])
def test_a_blank_database_url_does_not_become_a_database_of_our_own(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is set, but blank"):
        Settings.from_env({name: " "})


@pytest.mark.parametrize("name", ["DATABASE_URL", "ADMIN_DATABASE_URL"])
def test_messages_name_the_variable_that_was_set(name: str) -> None:
    settings = Settings.from_env({name: "postgresql://h/d"})

    assert (settings.database_variable, settings.admin_database_variable) == (name, name)


def test_data_folder_may_be_chosen() -> None:
    assert Settings.from_env({"PIDEAI_DATA_DIR": "/srv/pideai"}).data_dir == Path("/srv/pideai")


def test_root_keeps_its_data_in_the_systems_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)

    assert Settings.from_env({}).data_dir == Path("/var/lib/pideai-host")


def test_others_keep_their_data_in_their_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/ana/.data")

    assert Settings.from_env({}).data_dir == Path("/home/ana/.data/pideai-host")


@pytest.mark.parametrize(
    ("told", "expected"),
    [("", None), ("none", frozenset()), ("whatsapp", {"whatsapp"}), ("a1, web-hook,", {"a1", "web-hook"})],
    ids=["all", "none", "one", "several"],
)
def test_plugins_are_all_none_or_some(told: str, expected: object) -> None:
    assert Settings.from_env({"PIDEAI_PLUGINS": told}).plugins == expected


@pytest.mark.parametrize(("told", "is_asked"), [({}, True), ({"PIDEAI_PLAN_GATE": "off"}, False)], ids=["unset", "off"])
def test_a_stores_plan_is_asked_unless_switched_off(told: dict[str, str], is_asked: bool) -> None:
    assert Settings.from_env(told).plan_gate is is_asked


JWT_SECRET = "super-secret-jwt-token-with-at-least-32-characters"


def test_tokens_are_judged_by_the_projects_keys_unless_told_otherwise() -> None:
    settings = Settings.from_env({})

    assert (settings.token_checks, settings.legacy_jwt_secret) == ({"jwks"}, None)


@pytest.mark.parametrize("checks", ["shared_secret", "jwks, shared_secret"])
def test_a_shared_secret_is_taken_where_it_is_asked_for(checks: str) -> None:
    environ = {"PIDEAI_TOKEN_CHECKS": checks, "PIDEAI_LEGACY_JWT_SECRET": JWT_SECRET}

    assert Settings.from_env(environ).legacy_jwt_secret == JWT_SECRET


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PIDEAI_LEGACY_JWT_SECRET": JWT_SECRET}, "PIDEAI_LEGACY_JWT_SECRET"),
        ({"PIDEAI_TOKEN_CHECKS": "shared_secret"}, "PIDEAI_LEGACY_JWT_SECRET"),
        ({"PIDEAI_TOKEN_CHECKS": "user_lookup", "PIDEAI_LEGACY_JWT_SECRET": JWT_SECRET}, "PIDEAI_LEGACY_JWT_SECRET"),
        ({"PIDEAI_TOKEN_CHECKS": "shared_secret", "PIDEAI_LEGACY_JWT_SECRET": "short"}, "PIDEAI_LEGACY_JWT_SECRET"),
        ({"PIDEAI_TOKEN_CHECKS": "hs256"}, "PIDEAI_TOKEN_CHECKS"),
        (
            {"PIDEAI_TOKEN_CHECKS": "shared_secret,user_lookup", "PIDEAI_LEGACY_JWT_SECRET": JWT_SECRET},
            "PIDEAI_TOKEN_CHECKS",
        ),
    ],
    ids=["secret only", "no secret", "secret for nothing", "short secret", "unknown way", "two ways for HS256"],
)
def test_no_way_of_judging_tokens_is_on_by_accident(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as refusal:
        Settings.from_env(environ)
    assert JWT_SECRET not in str(refusal.value)


def test_two_webhook_secrets_are_valid_while_one_replaces_the_other() -> None:
    settings = Settings.from_env({"PIDEAI_WEBHOOK_SECRETS": "new-secret-0123456, old-secret-0123456"})

    assert settings.webhook_secrets == ("new-secret-0123456", "old-secret-0123456")


def test_master_keys_keep_their_order() -> None:
    settings = Settings.from_env({"PIDEAI_MASTER_KEYS": f"k2:{KEY},k1:{KEY}"})

    assert settings.master_keys == (("k2", b"A" * 32), ("k1", b"A" * 32))


def test_supabase_addresses_follow_from_the_projects_url() -> None:
    settings = Settings.from_env({"SUPABASE_URL": "https://ref.supabase.co/"})

    assert (settings.jwks_url, settings.jwt_issuer, settings.jwt_audience) == (
        "https://ref.supabase.co/auth/v1/.well-known/jwks.json",
        "https://ref.supabase.co/auth/v1",
        "authenticated",
    )


def test_supabase_addresses_may_be_set_one_by_one() -> None:
    settings = Settings.from_env({"SUPABASE_JWKS_URL": "http://127.0.0.1:9/keys", "SUPABASE_JWT_ISSUER": "me"})

    assert (settings.jwks_url, settings.jwt_issuer) == ("http://127.0.0.1:9/keys", "me")


def test_private_networks_may_be_allowed() -> None:
    settings = Settings.from_env({"PIDEAI_HTTP_ALLOW": "127.0.0.1,10.1.0.0/16, fd00::/8"})

    assert settings.http_allow == (ip_network("127.0.0.1/32"), ip_network("10.1.0.0/16"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PIDEAI_PORT", "http"),
        ("PIDEAI_PORT", "65536"),
        ("PIDEAI_PORT", "-1"),
        ("PIDEAI_PORT", "8_0"),
        ("PIDEAI_PORT", "٨٠"),
        ("PIDEAI_PLUGINS", "none,whatsapp"),
        ("PIDEAI_PLUGINS", "What's up"),
        ("PIDEAI_WEBHOOK_SECRETS", "too-short"),
        ("PIDEAI_WEBHOOK_SECRETS", "a-secret-0123456,b-secret-0123456,c-secret-0123456"),
        ("PIDEAI_MASTER_KEYS", KEY),
        ("PIDEAI_MASTER_KEYS", "k1:c2hvcnQ="),
        ("PIDEAI_MASTER_KEYS", f"k1:{KEY},k1:{KEY}"),
        ("PIDEAI_MASTER_KEYS", f"bad id:{KEY}"),
        ("PIDEAI_HTTP_ALLOW", "10.0.0.1/8"),
        ("PIDEAI_HTTP_ALLOW", "localhost"),
        ("PIDEAI_LOG_LEVEL", "loud"),
        ("PIDEAI_LOG_FORMAT", "xml"),
        ("PIDEAI_POOL_MIN_SIZE", "11"),
        ("PIDEAI_POOL_MAX_SIZE", "0"),
        ("PIDEAI_POOL_MAX_SIZE", "1"),
        ("PIDEAI_RETENTION_DAYS", "14"),
        ("PIDEAI_SWEEP_INTERVAL_S", "0"),
        ("PIDEAI_CORS_ORIGINS", "*"),
        ("PIDEAI_CORS_ORIGINS", "https://panel.example.com/path"),
        ("SUPABASE_URL", "ref.supabase.co"),
        ("SUPABASE_URL", "https://user:word@ref.supabase.co"),
        ("SUPABASE_JWKS_URL", "file:///etc/passwd"),
        ("SUPABASE_JWKS_URL", "https://host:99999/keys"),
    ],
)
def test_wrong_value_is_refused_by_name_and_never_shown(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        Settings.from_env({name: told})

    assert told not in f"{caught.value.message} {caught.value.hint}".split()


@given(st.sampled_from(VARIABLES), st.text(st.characters(exclude_characters="\0"), max_size=80))
def test_any_value_is_read_or_refused_by_name(name: str, told: str) -> None:
    try:
        Settings.from_env({name: told})
    except ConfigurationError as refused:
        assert name in refused.message  # noqa: PT017 - both ends are fine, this one has a rule


@pytest.mark.parametrize("show", [repr, str, pretty_repr])
def test_settings_print_no_secret(show: object) -> None:
    settings = Settings.from_env(
        {
            "DATABASE_URL": "postgresql://me:hidden@h/d",
            "ADMIN_DATABASE_URL": "postgresql://me:hidden@h/d",
            "PIDEAI_WEBHOOK_SECRETS": "hidden-0123456789",
            "PIDEAI_MASTER_KEYS": f"k1:{KEY}",
            "SUPABASE_SERVICE_ROLE_KEY": "hidden",
        }
    )

    shown = show(settings)

    assert "hidden" not in shown
    assert "AAAA" not in shown
