"""Veilleur: eight predetermined events on ordinary cameras, signalled to a human who decides."""

__version__ = "0.1.0"
