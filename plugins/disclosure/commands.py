"""`gongzhi verify` and `gongzhi chain`: a chain of notices checked far from the server, and written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plugins.disclosure import seal


def verify(
    file: Annotated[Path, typer.Argument(help="A chain file.", exists=True, dir_okay=False)],
    hash: Annotated[
        str | None, typer.Option(help="And is the record with this hash (of a printed notice) in it?")
    ] = None,
) -> None:
    """Check a chain of notices, offline: nothing changed, removed or moved, no window cut short.

    Exits 1 if anything is, and 3 if the chain is intact and the hash is not in it."""
    raise typer.Exit(seal.report(seal.verify_file(file), hash, typer.echo))


def chain(
    area: Annotated[str, typer.Argument(help="Code of the area.")],
    file: Annotated[Path, typer.Argument(help="A file to write.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration file; gongzhi.toml unless told.")
    ] = None,
) -> None:
    """Write an area's chain of notices to a file for `gongzhi verify`: every record, with the texts that are public."""
    from core.cli import configuration, run
    from plugins.disclosure.export import write

    raise typer.Exit(run(write(configuration(config), area, file)))
