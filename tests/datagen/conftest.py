"""Generation under test."""

import os

import pytest


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    """Files need not survive a loss of power here: waiting for the disk is a quarter of a tiny generation."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
