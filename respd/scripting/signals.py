"""Signals, while a script runs. Never compiled: Python calls their handlers where it interprets."""


def handle_signals() -> None:
    """Have the handlers of signals that came called."""
