"""Words of other tools and of the original TestMesh that this language does not have, each with what to write instead.

Only what an author would look for under another name: what is near by its letters is found without a table.
"""

from __future__ import annotations

_ACTIONS = {
    "mongodb": "Ask the service that owns the data, by http_request.",
    "browser": "Test the API that the page calls by http_request; for the page itself use a browser's own test tool.",
    "docker": "A flow starts nothing: run what it needs before it, by compose or as manifests of the cluster.",
    "mcp": "An MCP server over HTTP answers http_request: the method is POST, the body JSON-RPC.",
    "contract": "Compare the body with a schema in assert: matches_schema(body, schema).",
}
"""By the first word of an action: what to do in place of one that TestMesh will not have."""

_OTHER_ACTIONS = {
    **dict.fromkeys(("http", "rest", "request", "api", "curl", "fetch"), "http_request"),
    **dict.fromkeys(("sql", "db", "database", "postgres", "postgresql", "query"), "database_query"),
    **dict.fromkeys(("kafka", "consume", "kafka_read"), "kafka_consumer"),
    **dict.fromkeys(("publish", "produce", "kafka_write"), "kafka_producer"),
    **dict.fromkeys(("sleep", "wait", "pause"), "delay"),
    **dict.fromkeys(("if", "switch"), "condition"),
    **dict.fromkeys(("loop", "foreach", "repeat"), "for_each"),
    **dict.fromkeys(("print", "echo"), "log"),
    "call": "run_flow",
}

_KEYS = {
    **dict.fromkeys(("expect", "check", "checks", "validate", "assertions", "tests", "test", "then"), "assert"),
    **dict.fromkeys(("extract", "capture", "captures", "register", "bind", "export", "exports", "set"), "output"),
    **dict.fromkeys(("vars", "variables", "environment"), "env"),
    **dict.fromkeys(("before", "before_all", "prepare", "given"), "setup"),
    **dict.fromkeys(("after", "after_all", "finally", "cleanup", "always"), "teardown"),
    **dict.fromkeys(("if", "condition", "only_if"), "when"),
    **dict.fromkeys(("skip", "ignored"), "disabled"),
    **dict.fromkeys(("on_failure", "continue_on_error", "ignore_errors", "allow_failure"), "on_error"),
    **dict.fromkeys(("retries", "max_retries", "attempts"), "retry"),
    **dict.fromkeys(("until", "wait", "wait_until", "polling"), "eventually"),
    **dict.fromkeys(("uses", "type", "kind", "run"), "action"),
    **dict.fromkeys(("with", "args", "inputs", "params"), "config"),
    **dict.fromkeys(("testcases", "stages", "tasks", "jobs"), "steps"),
    "data_source": "data",
    "dataset": "data",
    "lock": "exclusive",
    "labels": "tags",
    "title": "name",
}
"""What other tools call a key: the word here, where the place has it."""

_BESIDE_CONFIG = frozenset({
    *("assert", "assert_any", "assert_none", "output", "save", "when"),
    *("retry", "eventually", "on_error", "error_steps"),
})  # fmt: skip
_WITHIN_CONFIG = frozenset({
    *("url", "method", "headers", "body", "params", "query", "connection", "brokers", "topic", "duration", "match"),
})  # fmt: skip
_NAMES = {
    "service": "A flow starts no services: declare the URL in env, for example USER_SERVICE_URL.",
    "services": "A flow starts no services: declare the URL in env, for example USER_SERVICE_URL.",
    "undefined": "Write nil.",
    "None": "Write nil.",
    "True": "Write true.",
    "False": "Write false.",
    "yes": "Write true.",
    "no": "Write false.",
    "response_body": "Write body.",
    "json": "Write body: JSON is read as what it holds.",
    "status_code": "Write status.",
}
_STEP, _FLOW = "a step", "flow"


def of_action(name: str) -> str:
    """What to write instead of the action ``name`` that TestMesh will not have, "" for one that it never had."""
    return _ACTIONS.get(name.replace(".", "_").split("_")[0], "")


def meant_action(name: str) -> str:
    """The action that is called ``name`` elsewhere, "" where none is."""
    return _OTHER_ACTIONS.get(name.lower(), "")


def of_key(name: str, *, what: str, allowed: tuple[str, ...]) -> str:
    """What to write instead of the key ``name`` of ``what`` (as messages call it), "" where nothing is known."""
    if what == _STEP and name in _WITHIN_CONFIG:
        return f"Write {name} under config."
    if what == _STEP and name in {"depends_on", "needs"}:
        return "Steps run in the order in which they stand, each after the one above."
    if name == "data_source" and what != _FLOW:
        return "Write data: {rows: …} or data: {file: …} under flow, which runs once for each row."
    if name in _BESIDE_CONFIG and "assert" not in allowed and what not in {_STEP, _FLOW}:
        return f"Write {name} beside config, as a key of the step."
    meant = _KEYS.get(name, "")
    return f'Write "{meant}".' if meant in allowed else ""


def of_name(name: str) -> str:
    """What to write instead of a name that is none here, "" where nothing is known."""
    return _NAMES.get(name, "")
