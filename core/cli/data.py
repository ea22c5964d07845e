"""`gongzhi import` and `gongzhi export`."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

import server
from core.access import ANONYMOUS
from core.accounts import compared_login
from core.cli import err, language, out
from core.cli import language as spoken
from core.config import Config
from core.data.bring import Import
from core.data.findings import Finding, write_report
from core.data.stage import Counts, Stage
from core.data.template import reference as sheets_reference
from core.data.template import write_template
from core.data.write import writing
from core.database.dialect import SQLITE
from core.enums import ExportFormat
from core.errors import ConfigurationError, Refusal
from core.messages import Messages
from core.settings.store import as_uuid
from schema.export import Export, roots_of, system_viewer

SHOWN = 50
STEPS = {
    "en": {"read": "reading", "check": "checking", "write": "writing"},
    "zh-CN": {"read": "读取", "check": "检查", "write": "写入"},
}


def template(config: Config, path: Path) -> None:
    """An empty workbook with every column, its header and an example."""
    write_template(path, server.load_host(config).sheets)
    out.print(f"{path}", markup=False)


def reference(config: Config) -> None:
    """What every sheet may hold, as Markdown."""
    print(sheets_reference(server.load_host(config).sheets))


# Whoever writes meanwhile, on PostgreSQL and on SQLite.
WAITED = {
    "en": ("another import would have waited {:.1f} s", "others waited {:.1f} s"),
    "zh-CN": ("其间其他导入须等待 {:.1f} 秒", "其间其他写入等待 {:.1f} 秒"),
}


async def bring_in(
    config: Config, path: Path, *, area: str | None, apply: bool, sheet: str | None, strict: bool, report: Path | None
) -> None:
    """Check a file and, if asked, take it in; exits 1 when something stops it."""
    host = server.load_host(config)
    names = [s.name for s in host.sheets]
    if sheet is not None and sheet not in names:
        raise ConfigurationError(f"--sheet {sheet}: one of {', '.join(names)}")
    running = await server.Server.open(config)
    began = monotonic()
    try:
        messages = running.runtime.messages
        with tempfile.TemporaryDirectory(prefix="gongzhi-") as folder, _bar() as bar:
            tasks: dict[str, TaskID] = {}

            def progress(step: str, rows: int) -> None:
                if step not in tasks:
                    tasks[step] = bar.add_task(STEPS[language()][step], total=None)
                bar.update(tasks[step], completed=rows)

            def told(stage: Stage, counts: Counts) -> None:
                bar.stop()
                _show(stage, messages)
                if report is not None:
                    write_report(report, stage.findings(), messages)
                bar.start()

            job = Import(
                running.runtime, host.sheets, Path(folder), path, area=area, only=sheet, strict=strict, system=True,
                progress=progress,
            )  # fmt: skip
            if apply:
                counts, done = await job.bring(told, file_name=path.name)
            else:
                async with job.checked() as (stage, counts, _):
                    told(stage, counts)
                done = None
        _sum(counts, monotonic() - began)
        if job.stops(counts):
            out.print(
                "nothing was taken in; mend the file and try again"
                if language() == "en"
                else "未导入任何数据;请修改文件后重试"
            )
            raise typer.Exit(1)
        if done is not None:
            who = WAITED[language()][running.runtime.database.dialect is SQLITE]
            out.print(("taken in; " if language() == "en" else "已导入;") + who.format(done.seconds))
        else:
            out.print(
                "nothing is wrong with it; --apply takes it in"
                if language() == "en"
                else "检查通过;加 --apply 执行导入"
            )
    except Refusal as refusal:
        err.print(f"gongzhi: {running.runtime.messages.render(refusal.code, language(), refusal.values)}", markup=False)
        raise typer.Exit(1) from None
    finally:
        await running.close()


async def take_out(
    config: Config,
    list_name: str,
    path: Path,
    *,
    where: str | None,
    arguments: str | None,
    columns: str | None,
    as_login: str | None,
    language: str,
) -> None:
    """Write a list to a file, whole or not at all."""
    format = ExportFormat.__members__.get(path.suffix.lstrip(".").upper())
    if format is None:
        raise ConfigurationError(f"{path}: .xlsx or .csv")
    try:
        given = json.loads(where or "null"), json.loads(arguments or "null")
    except ValueError as error:
        raise ConfigurationError(f"--where, --arguments: {error}") from None
    running = await server.Server.open(config)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        runtime = running.runtime
        viewer = system_viewer(await roots_of(runtime))
        if as_login is not None:
            mark = runtime.database.dialect.mark(1)
            rows = await runtime.database.read(
                f"SELECT id FROM core_account WHERE login = {mark}", [compared_login(as_login)]
            )
            viewer = await runtime.viewer_of(as_uuid(rows[0][0])) if rows else ANONYMOUS
            if not viewer.signed_in:
                raise ConfigurationError(f"--as {as_login}: no such account")
        export = Export(
            running.graphql, list_name, where=given[0], arguments=given[1], language=language,
            columns=[c.strip() for c in columns.split(",")] if columns else None,
        )  # fmt: skip
        with _bar() as bar:
            task = bar.add_task(list_name, total=None)
            with writing(unfinished, format, export.title or list_name) as writer:
                count = await export.write(writer, viewer, lambda n: bar.update(task, completed=n))
        unfinished.replace(path)
        out.print(f"{path}: {count}", markup=False)
    except Refusal as refusal:
        err.print(f"gongzhi: {running.runtime.messages.render(refusal.code, spoken(), refusal.values)}", markup=False)
        raise typer.Exit(1) from None
    finally:
        unfinished.unlink(missing_ok=True)
        await running.close()


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=err, transient=True,
    )  # fmt: skip


def _show(stage: Stage, messages: Messages) -> None:
    more: Counter[str] = Counter()
    for number, finding in enumerate(stage.findings()):
        if number < SHOWN:
            out.print(_line(finding, messages), markup=False)
        else:
            more[finding.code] += 1
    for code, count in more.most_common():
        out.print(f"… {code}: {count}", markup=False)


def _line(finding: Finding, messages: Messages) -> str:
    where = [finding.sheet, finding.line and str(finding.line), finding.column]
    place = ":".join(str(w) for w in where if w)
    sign = finding.severity.zh if language() == "zh-CN" else str(finding.severity).lower()
    return f"{place} {sign} {finding.code} {finding.message(messages, language())}".strip()


def _sum(counts: Counts, seconds: float) -> None:
    if language() == "zh-CN":
        out.print(
            f"{counts.rows} 行:新增 {counts.new},已有 {counts.known},有误 {counts.bad};错误 {counts.errors},提示 {counts.warnings};用时 {seconds:.1f} 秒"
        )
    else:
        out.print(
            f"{counts.rows} rows: {counts.new} new, {counts.known} there already, {counts.bad} bad;"
            f" {counts.errors} errors, {counts.warnings} warnings; {seconds:.1f} s"
        )
