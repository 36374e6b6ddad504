"""Warnings as users of a shell read them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Shows warnings meant for users in one line each, without a place in the code."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_line(message, category, *args, **kwargs):
            if category is UserWarning:
                click.echo(f"keras-seq2seq: warning: {message}", err=True)
            else:
                show(message, category, *args, **kwargs)

        warnings.showwarning = show_line
        yield
