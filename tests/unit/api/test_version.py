import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import version
from pideai_host.api.version import api_matches


@pytest.fixture
def window(monkeypatch):
    """Offer contract 2.3 and honour all from 2.1 on."""
    monkeypatch.setattr(version, "API_VERSION", (2, 3))
    monkeypatch.setattr(version, "API_FLOOR", (2, 1))


@pytest.mark.parametrize(
    "wanted", [">=2.1,<3", ">=2.3", "==2.2", "==2.1", "<=2.1", ">2.2", ">=1,<2.2", " >= 2.0 , < 3 ", ">=2", "<3"]
)
@pytest.mark.usefixtures("window")
def test_a_range_that_meets_the_window_matches(wanted):
    assert api_matches(wanted) is True


@pytest.mark.parametrize("wanted", [">=2.4", ">2.3", "==2.0", "<2.1", "<=2.0", ">=1,<2", "==3", ">=2.3,<2.2", "==2"])
@pytest.mark.usefixtures("window")
def test_a_range_beside_the_window_does_not_match(wanted):
    assert api_matches(wanted) is False


@pytest.mark.parametrize(
    "wanted", ["", " ", "2.1", "~=2.1", "!=2.1", "^2", ">=2.1.0", ">=two", ">=2.1;<3", ">=2.1,", ">=-1"]
)
def test_what_is_no_range_is_refused_with_its_part(wanted):
    with pytest.raises(ValueError, match="is not a bound such as"):
        api_matches(wanted)


@given(st.text(max_size=30))
def test_any_text_is_answered_or_refused(text):
    try:
        answer = api_matches(text)
    except ValueError:
        answer = False

    assert answer in {True, False}


@given(st.integers(0, 99), st.integers(0, 99))
def test_an_exact_version_matches_only_inside_the_window(major, minor):
    inside = version.API_FLOOR <= (major, minor) <= version.API_VERSION

    assert api_matches(f"=={major}.{minor}") is inside
