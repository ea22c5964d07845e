"""`gongzhi import` and `gongzhi export`."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import server
from core.cli import err, language, out
from core.config import Config
from core.data.bring import Import
from core.data.findings import Finding, write_report
from core.data.stage import Counts, Stage
from core.data.template import reference as sheets_reference
from core.data.template import write_template
from core.errors import ConfigurationError, Refusal
from core.messages import Messages

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
            tasks: dict[str, int] = {}

            def progress(step: str, rows: int) -> None:
                if step not in tasks:
                    tasks[step] = bar.add_task(STEPS[language()][step], total=None)  # type: ignore[assignment]
                bar.update(tasks[step], completed=rows)  # type: ignore[arg-type]

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
            out.print("nothing was taken in; mend the file and try again" if language() == "en" else "未导入任何数据;请修改文件后重试")
            raise typer.Exit(1)
        if done is not None:
            out.print(f"taken in; others waited {done.seconds:.1f} s" if language() == "en" else f"已导入;其间其他写入等待 {done.seconds:.1f} 秒")
        else:
            out.print("nothing is wrong with it; --apply takes it in" if language() == "en" else "检查通过;加 --apply 执行导入")
    except Refusal as refusal:
        err.print(f"gongzhi: {running.runtime.messages.render(refusal.code, language(), refusal.values)}", markup=False)
        raise typer.Exit(1) from None
    finally:
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
        out.print(f"{counts.rows} 行:新增 {counts.new},已有 {counts.known},有误 {counts.bad};错误 {counts.errors},提示 {counts.warnings};用时 {seconds:.1f} 秒")
    else:
        out.print(
            f"{counts.rows} rows: {counts.new} new, {counts.known} there already, {counts.bad} bad;"
            f" {counts.errors} errors, {counts.warnings} warnings; {seconds:.1f} s"
        )
