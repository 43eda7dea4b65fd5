"""A session joins the caller's cluster, or starts one and ends it."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from tsne_widget._ray_session import ray_session


@pytest.fixture
def fake(monkeypatch):
    """A module ``ray`` that notes the calls of its functions."""
    calls = []
    module = SimpleNamespace(
        calls=calls,
        is_initialized=lambda: False,
        init=lambda address, **options: calls.append(("init", address, options)),
        shutdown=lambda: calls.append("shutdown"),
    )
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # it is restored after the test
    return module


def test_session_starts_a_cluster_without_dashboard_and_ends_it_also_after_an_error(fake):
    with pytest.raises(ZeroDivisionError), ray_session():
        raise ZeroDivisionError
    (_, address, options), last = fake.calls
    assert address == "local"
    assert options["include_dashboard"] is False
    assert last == "shutdown"


def test_session_joins_the_cluster_of_the_environment_and_leaves_it(fake, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with ray_session():
        pass
    assert [call[1] for call in fake.calls[:-1]] == ["10.0.0.1:6379"]
    assert fake.calls[-1] == "shutdown"


def test_session_leaves_the_connection_of_the_caller_open(fake):
    fake.is_initialized = lambda: True
    with ray_session():
        pass
    assert not fake.calls


def test_session_sends_no_usage_statistics(fake, monkeypatch):
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    with ray_session():
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
