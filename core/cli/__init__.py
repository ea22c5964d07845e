"""`gongzhi`: serve, demo, check, apply, config, permissions, documents, plugin, import, export, holdings, retention, migrate,
explain, schema, admin."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer
from rich.console import Console
from tortoise.exceptions import DBConnectionError

from core.config import Config, read_config
from core.errors import Refusal, Told
from core.problems import Problem

app = typer.Typer(help="Gongzhi (共治): the server that neighbourhoods govern themselves with.", no_args_is_help=True)
admin = typer.Typer(help="Accounts of the people who run this server.", no_args_is_help=True)
plugin = typer.Typer(help="Plugins and their tables.", no_args_is_help=True)
config_app = typer.Typer(help="The configuration file and what it makes of an area.", no_args_is_help=True)
schema_app = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)
documents_app = typer.Typer(help="Trusted documents.", no_args_is_help=True)
app.add_typer(admin, name="admin")
app.add_typer(plugin, name="plugin")
app.add_typer(config_app, name="config")
app.add_typer(schema_app, name="schema")
app.add_typer(documents_app, name="documents")
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file; gongzhi.toml unless told.")]


def main() -> None:
    """Entry point: errors a person can mend are told in a line each, not as a traceback."""
    gc.set_threshold(
        100_000, 20, 20
    )  # what is loaded at start stays: looking through it again and again costs a second
    from core.cli.plugged import add_commands

    add_commands(app, sys.argv[1:])
    try:
        app(standalone_mode=True)
    except Told as error:
        for line in error.lines(language()):
            err.print(f"gongzhi: {line}", markup=False)
        sys.exit(2)
    except (OSError, DBConnectionError, asyncpg.PostgresError) as error:
        err.print(f"gongzhi: {Problem('DATABASE_UNREACHABLE', {'error': error}).text(language())}", markup=False)
        sys.exit(2)


def language() -> str:
    """What the terminal speaks: Chinese where the locale is Chinese, else English."""
    spoken = next((os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), "")
    return "zh-CN" if spoken.lower().startswith("zh") else "en"


def configuration(path: Path | None) -> Config:
    return read_config(path)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """On the faster event loop, where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.run(work)
    return uvloop.run(work)


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
    scale: Annotated[float, typer.Option(min=0.01, max=1000, help="How many times 2,000 people.")] = 1.0,
    small: Annotated[bool, typer.Option("--small", help="Only a village and a dozen people, at once.")] = False,
    config: ConfigOption = None,
) -> None:
    """Make a district with invented people to try things on, and with --serve, serve it."""
    from core.cli.serving import demo as demo_it

    run(demo_it(configuration(config), database, scale=0 if small else scale, serve=serve, fresh=fresh))


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database to what core and the plugins declare, and prove it."""
    from core.cli.tasks import migrate as migrate_it

    run(migrate_it(configuration(config)))


JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print everything that is wrong with the file and the plugins, at once; nothing is changed. Exits 2 if anything is."""
    from core.cli.configuring import check as check_it

    run(check_it(config, as_json))


@app.command()
def apply(config: ConfigOption = None) -> None:
    """Take up the file's area sections, whole or not at all. A running server does it by itself."""
    from core.cli.configuring import apply as apply_it

    run(apply_it(configuration(config)))


@app.command()
def permissions(
    area: Annotated[str | None, typer.Option(help="As it stands in the area with this code.")] = None,
    person: Annotated[str | None, typer.Option(help="And whether this login may, and why; with --area.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print which role may do what: as declared, or in an area, with what was cut by whom."""
    from core.cli.permissions import show

    if person is not None and area is None:
        raise typer.BadParameter("tell the area too", param_hint="--person")
    run(show(configuration(config), area, person, as_json))


@config_app.command("show")
def config_show(
    area: Annotated[str, typer.Argument(help="Code of the area.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every plugin and setting as it holds in an area, and where each value comes from."""
    from core.cli.configuring import show

    run(show(configuration(config), area, as_json))


@config_app.command("schema")
def config_schema(config: ConfigOption = None) -> None:
    """Print the JSON Schema of gongzhi.toml for these plugins, for editors."""
    from core.cli.reference import json_schema

    print(json_schema(configuration(config)))


@config_app.command("reference")
def config_reference(config: ConfigOption = None) -> None:
    """Print the reference of gongzhi.toml for these plugins, as Markdown."""
    from core.cli.reference import reference

    print(reference(configuration(config)))


@config_app.command("time-zone")
def config_time_zone(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Have the database count its days in the file's time_zone from now on; stop every server before."""
    from core.cli.configuring import move_zone

    def agreed(kept: str, zone: str) -> None:
        if not yes:
            typer.confirm(f"Move open windows, terms and periods from {kept} to {zone}?", abort=True)

    run(move_zone(configuration(config), agreed))


@documents_app.command("check")
def documents_check(
    path: Annotated[
        Path | None, typer.Argument(help="A manifest or a folder; those of the configuration unless told.")
    ] = None,
    area: Annotated[str | None, typer.Option(help="As the endpoint of this area has it on now.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print which trusted documents do not validate against the schema of these plugins. Exits 2 if any does not."""
    from core.cli.documents import check as check_them

    run(check_them(configuration(config), path, area, as_json))


@app.command()
def explain(
    file: Annotated[typer.FileText, typer.Argument(help="A GraphQL document, or - for standard input.")],
    operation: Annotated[str | None, typer.Option(help="Which operation, if there are several.")] = None,
    variables: Annotated[str, typer.Option(help="Variables as JSON.")] = "{}",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the one SQL statement that a query becomes, what is bound to it, what it costs, and which indexes it uses."""
    from core.cli.explaining import explain as explain_it

    run(explain_it(configuration(config), file.read(), operation, variables, as_json))


@app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(help="A .xlsx or .csv file.", exists=True, dir_okay=False)] = None,
    area: Annotated[str | None, typer.Option(help="Code of the area it is for; the only root unless told.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Take it in; without this it is only checked.")] = False,
    sheet: Annotated[
        str | None,
        typer.Option(help="areas, people, households, organizations, memberships or assets; found out unless told."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Likely duplicates and unknown columns stop it too.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write every finding to this CSV file.")] = None,
    template: Annotated[Path | None, typer.Option(help="Write an empty workbook to fill in, and end.")] = None,
    reference: Annotated[bool, typer.Option("--reference", help="Print what every sheet may hold, and end.")] = False,
    config: ConfigOption = None,
) -> None:
    """Take in a spreadsheet: areas, people, households, organizations, memberships, assets. A dry run unless --apply."""
    from core.cli import data

    if template is not None:
        data.template(configuration(config), template)
    elif reference:
        data.reference(configuration(config))
    elif file is None:
        raise typer.BadParameter("name a file")
    else:
        run(
            data.bring_in(
                configuration(config), file, area=area, apply=apply, sheet=sheet, strict=strict, report=report
            )
        )


@app.command()
def export(
    list_name: Annotated[str, typer.Argument(metavar="LIST", help="A root list of the API, such as actors.")],
    file: Annotated[Path, typer.Argument(help="A .xlsx or .csv file to write.")],
    where: Annotated[str | None, typer.Option(help='Conditions, as JSON: \'{"kind": {"eq": "PERSON"}}\'.')] = None,
    arguments: Annotated[str | None, typer.Option(help="Other arguments of the list, as JSON.")] = None,
    columns: Annotated[str | None, typer.Option(help="Only these fields, with commas, in this order.")] = None,
    as_login: Annotated[
        str | None, typer.Option("--as", help="As this account sees it; as the server unless told.")
    ] = None,
    english: Annotated[
        bool, typer.Option("--english", help="Field names and codes instead of Chinese headers.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Write a list as a spreadsheet, with the columns that the caller may see."""
    from core.cli import data

    run(
        data.take_out(
            configuration(config),
            list_name,
            file,
            where=where,
            arguments=arguments,
            columns=columns,
            as_login=as_login,
            language="en" if english else "zh-CN",
        )
    )


@app.command()
def holdings(
    person: Annotated[str, typer.Argument(help="Login, or id of the actor.")],
    file: Annotated[Path, typer.Argument(help="A .json file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write all that is held on a person, of core and of every plugin, as JSON."""
    from core.cli.privacy import take_out_holdings

    run(take_out_holdings(configuration(config), person, file, force=force))


@app.command()
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Erase it; a running server does so once a day.")] = False,
    config: ConfigOption = None,
) -> None:
    """Print which personal texts have been kept long enough, by table and column."""
    from core.cli.privacy import retention as settle_it

    run(settle_it(configuration(config), apply=apply))


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


KeyArgument = Annotated[str, typer.Argument(help="Key of the plugin.")]


@plugin.command("list")
def plugin_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every plugin on this machine: whether it is installed, how it loads, and where it is on."""
    from core.cli.configuring import plugin_list as list_them

    run(list_them(configuration(config), as_json))


@plugin.command("enable")
def plugin_enable(
    key: KeyArgument,
    area: Annotated[str, typer.Option(help="Code of the area.")],
    pilot_until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As a pilot, to this day.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write into the file that a plugin is on in an area and below; comments stay. A running server takes it up."""
    from core.cli.editing import edit, enable

    out.print(run(edit(config, area, enable(key, area, pilot_until.date() if pilot_until else None))))


@plugin.command("disable")
def plugin_disable(
    key: KeyArgument, area: Annotated[str, typer.Option(help="Code of the area.")], config: ConfigOption = None
) -> None:
    """Write into the file that a plugin is off in an area and below; data and history stay."""
    from core.cli.editing import disable, edit

    out.print(run(edit(config, area, disable(key, area))))


@plugin.command("replay")
def plugin_replay(
    key: KeyArgument,
    area: Annotated[str | None, typer.Option(help="Only what happened in this area and below.")] = None,
    config: ConfigOption = None,
) -> None:
    """Deliver the events a plugin missed while it was off, or failed at, where it is on now. Each is delivered once."""
    from core.cli.ending import replay

    run(replay(configuration(config), key, area))


@plugin.command("export")
def plugin_export(
    key: KeyArgument, to: Annotated[Path, typer.Option(help="A new folder.")], config: ConfigOption = None
) -> None:
    """Write every row of a plugin's tables as JSON lines."""
    from core.cli.ending import export

    run(export(configuration(config), key, to))


@plugin.command("purge")
def plugin_purge(
    key: KeyArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Drop the tables of a plugin that is no longer installed. This cannot be undone; export first."""
    from core.cli.ending import purge

    if not yes:
        typer.confirm(f"Drop every table of {key} for good?", abort=True)
    run(purge(configuration(config), key))


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


@plugin.command("reference")
def plugin_reference(config: ConfigOption = None) -> None:
    """Print the ports, events, permissions and guards of core and the plugins, as Markdown; needs no database."""
    from core.cli.reference import plugins

    print(plugins(configuration(config)))


@schema_app.command("codes")
def schema_codes(config: ConfigOption = None) -> None:
    """Print every error code with its messages, as Markdown; needs no database."""
    from core.cli.reference import codes

    print(codes(configuration(config)))


@schema_app.command("fallbacks")
def schema_fallbacks(config: ConfigOption = None) -> None:
    """Print which root fields of queries do not become SQL, and why, as Markdown; needs no database."""
    from core.cli.reference import fallbacks

    print(fallbacks(configuration(config)))


@schema_app.command("public")
def schema_public(config: ConfigOption = None) -> None:
    """Print what everybody sees, signed in or not, and why, as Markdown; needs no database."""
    from core.cli.reference import everybodys

    print(everybodys(configuration(config)))


@schema_app.command("print")
def schema_print(
    only: Annotated[
        str | None,
        typer.Option(help="As the endpoint of an area that has these on: keys with commas, or core for none."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print the SDL of core and the configured plugins; needs no database."""
    from core.cli.tasks import print_schema

    print_schema(configuration(config), only)
