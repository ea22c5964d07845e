"""What clients are told of what went wrong: a code, a message in their language, and for faults a number to mention."""

from __future__ import annotations

import uuid
from typing import Any

import strawberry
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLSyntaxError

from core.errors import Conflict, NotPermitted, Refusal
from core.ids import to_global
from core.messages import Messages
from core.models import Entity
from schema.decisions import shown_remedies
from schema.mutations import ConflictError, PermissionError, RuleError

log = structlog.get_logger("gongzhi.graphql")


class PluginFailed(Exception):
    """A plugin's field, rule or resolver raised something that is no refusal."""

    def __init__(self, plugin: str, cause: BaseException) -> None:
        super().__init__(plugin)
        self.plugin = plugin
        self.cause = cause


class Errors:
    """Refusals and faults in the words of the catalogue."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages

    def user(self, refusal: Refusal, language: str) -> Any:
        message = self.messages.render(refusal.code, language, refusal.values)
        path = list(refusal.path)
        if isinstance(refusal, NotPermitted):
            return PermissionError(
                code=refusal.code,
                message=message,
                path=path,
                permission=refusal.permission,
                reason=refusal.reason,
                remedies=shown_remedies(refusal.remedies),
            )
        if isinstance(refusal, Conflict):
            current: Entity = refusal.current
            return ConflictError(
                code=refusal.code,
                message=message,
                path=path,
                expected_version=refusal.values["expected"],
                actual_version=refusal.values["actual"],
                current_id=strawberry.ID(to_global(current.tag, current.id)),
            )
        return RuleError(code=refusal.code, message=message, path=path)

    def response(self, result: ExecutionResult, language: str) -> dict[str, Any]:
        response: dict[str, Any] = {}
        if result.errors:
            response["errors"] = [self.execution(e, language) for e in result.errors]
        if result.data is not None or not result.errors:
            response["data"] = result.data
        elif any(e.path for e in result.errors):
            response["data"] = None
        return response

    def execution(self, error: GraphQLError, language: str) -> dict[str, Any]:
        original = error.original_error
        while isinstance(original, GraphQLError):
            original = original.original_error
        if isinstance(original, Refusal):
            message = self.messages.render(original.code, language, original.values)
            return _formatted(error, message, original.code)
        if isinstance(original, PluginFailed):
            return _formatted(error, "", "PLUGIN_FAILED") | self.plugin(original, language)
        if original is None:
            return self.request(error, language, "BAD_VARIABLES" if not error.path else "BAD_REQUEST")
        return _formatted(error, "", "INTERNAL_ERROR") | self.internal(original, language)

    def said(self, error: GraphQLError, language: str) -> str:
        """The message of what is wrong with a document."""
        return str(self.request(error, language)["message"])

    def internal(self, error: BaseException, language: str) -> dict[str, Any]:
        """A fault of ours: the log has it in full, the client gets a number to mention."""
        number = uuid.uuid4().hex[:12]
        log.error("request failed", error_id=number, exc_info=error)
        message = self.messages.render("INTERNAL_ERROR", language, {"id": number})
        return {"message": message, "extensions": {"code": "INTERNAL_ERROR", "id": number}}

    def plugin(self, failed: PluginFailed, language: str) -> dict[str, Any]:
        """A plugin's fault: everybody else's fields are served, and the log has it in full."""
        number = uuid.uuid4().hex[:12]
        log.error("plugin failed", plugin=failed.plugin, error_id=number, exc_info=failed.cause)
        message = self.messages.render("PLUGIN_FAILED", language, {"plugin": failed.plugin, "id": number})
        return {"message": message, "extensions": {"code": "PLUGIN_FAILED", "plugin": failed.plugin, "id": number}}

    def request(self, error: GraphQLError, language: str, code: str | None = None) -> dict[str, Any]:
        refusal = error.original_error
        if not isinstance(refusal, Refusal):
            code = code or ("PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else "VALIDATION_FAILED")
            refusal = Refusal(code, what=error.message)
        return _formatted(error, self.messages.render(refusal.code, language, refusal.values), refusal.code)


def _formatted(error: GraphQLError, message: str, code: str) -> dict[str, Any]:
    formatted: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        formatted["path"] = list(error.path)
    return formatted
