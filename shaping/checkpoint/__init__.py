"""Trained learners on disk: arrays and JSON, written whole or not at all, never unpickled."""

from shaping.checkpoint.folder import load, load_note, save

__all__ = ["load", "load_note", "save"]
