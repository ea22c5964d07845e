"""`gongzhi`: serve, demo, migrate, explain, admin."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from core.config import Config, read_config
from core.errors import ConfigurationError, MigrationError, Refusal

app = typer.Typer(help="Gongzhi (共治): the server that neighbourhoods govern themselves with.", no_args_is_help=True)
admin = typer.Typer(help="Accounts of the people who run this server.", no_args_is_help=True)
plugin = typer.Typer(help="Plugins and their tables.", no_args_is_help=True)
schema_app = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)
app.add_typer(admin, name="admin")
app.add_typer(plugin, name="plugin")
app.add_typer(schema_app, name="schema")
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file; gongzhi.toml unless told.")]


def main() -> None:
    """Entry point: errors a person can mend are told in a line each, not as a traceback."""
    try:
        app(standalone_mode=True)
    except (ConfigurationError, MigrationError) as error:
        err.print(f"[red]gongzhi:[/red] {error}", markup=True)
        sys.exit(2)


def configuration(path: Path | None) -> Config:
    return read_config(path)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Serve the API on 127.0.0.1:8000 (GONGZHI_HOST, GONGZHI_PORT); brings the database up to date first."""
    from core.cli.serving import serve as serve_it

    run(serve_it(configuration(config)))


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Serve it when it is made.")] = False,
    database: Annotated[str, typer.Option(help="Where to make it.")] = "sqlite:gongzhi-demo.db",
    fresh: Annotated[bool, typer.Option("--fresh", help="Make it anew even if it is there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Make a small living neighbourhood to try things on, and with --serve, serve it."""
    from core.cli.serving import demo as demo_it

    run(demo_it(configuration(config), database, serve=serve, fresh=fresh))


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database to what core and the plugins declare, and prove it."""
    from core.cli.tasks import migrate as migrate_it

    run(migrate_it(configuration(config)))


@app.command()
def explain(
    file: Annotated[typer.FileText, typer.Argument(help="A GraphQL document, or - for standard input.")],
    operation: Annotated[str | None, typer.Option(help="Which operation, if there are several.")] = None,
    variables: Annotated[str, typer.Option(help="Variables as JSON.")] = "{}",
    config: ConfigOption = None,
) -> None:
    """Print the one SQL statement that a query becomes, with what is bound to each parameter."""
    from core.cli.tasks import explain as explain_it

    run(explain_it(configuration(config), file.read(), operation, variables))


@admin.command("create")
def admin_create(
    login: Annotated[str, typer.Option(prompt=True, help="To sign in with.")],
    name: Annotated[str, typer.Option(prompt="Full name", help="Of the person.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="GONGZHI_ADMIN_PASSWORD")
    ],
    area: Annotated[str, typer.Option(help="Code of the area to administer; made as a district if there is none.")],
    area_name: Annotated[str | None, typer.Option(help="Name of the area, if it is made.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make the first administrator, and the root area if the database has none."""
    from core.cli.tasks import create_admin

    try:
        run(create_admin(configuration(config), login, name, password, area, area_name))
    except Refusal as refusal:
        err.print(f"[red]gongzhi:[/red] {refusal}")
        raise typer.Exit(2) from None


@plugin.command("migrate")
def plugin_migrate(config: ConfigOption = None) -> None:
    """The same as `gongzhi migrate`."""
    migrate(config)


@plugin.command("makemigrations")
def plugin_makemigrations(
    keys: Annotated[list[str] | None, typer.Argument(help="Only these apps; all unless told.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write migration files for changed models, with their dependencies between apps."""
    from core.cli.tasks import make_migrations

    run(make_migrations(configuration(config), keys or []))


@schema_app.command("print")
def schema_print(config: ConfigOption = None) -> None:
    """Print the SDL of core and the configured plugins; needs no database."""
    from core.cli.tasks import print_schema

    print_schema(configuration(config))
