"""The ``output`` of a step: what it captures from its result.

``$…`` is a JSONPath on the result; text with a placeholder is rendered; text that reads a result key, a captured
variable or a step is an expression; anything else is a literal. Nothing found is an error, never a nil.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import holes
from testmesh_engine.expressions.errors import AbsentError, EvaluationError, ExpressionError, OutputError, nearest
from testmesh_engine.expressions.expression import Expression, compile_expression
from testmesh_engine.expressions.functions import FUNCTIONS
from testmesh_engine.expressions.jsonpath import JsonPath, compile_jsonpath
from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.template import Template, compile_template
from testmesh_engine.expressions.values import MISSING, Missing, Value, equal, kind_of, show

RECEIVED = (("body",), ("messages", 0, "value"), ("first_row",), ("value",))
"""What a step received, the first that is there: a path that starts with no result key is looked up in it."""

_WILDCARD = re.compile(r"[^\W\d]\w*(?:\.\w+|\[[^\]]*\])*\[\*\](?:\.\w+|\[[^\]]*\])*")
_SEARCHES = frozenset({"find", "findLast", "findIndex", "findLastIndex", "filter", "first", "last"})
"""Functions of which nil, or an empty list, means that they have found nothing."""

_LONE_PATH = re.compile(r"([^\W\d]\w*)(?:\??\.\w+|\[[^\]]*\])*")
_FIRST_WORD = re.compile(r"[^\W\d][\w-]*")


class _Source(Protocol):
    """Where an output's value comes from."""

    def read(self, result: dict[str, Value], scope: Scope) -> Value | Missing:
        """The value, or why it is not there."""
        ...


class Output:
    """A compiled output. ``names`` is what it reads from the scope, result keys included.

    ``meant`` is set for a text that is taken as it is and looks like an expression: the one that it was meant for.
    """

    __slots__ = ("_default", "_first", "_reader", "meant", "names", "source")

    def __init__(
        self,
        source: str,
        reader: _Source,
        *,
        names: tuple[NameUse, ...] = (),
        default: Template | None = None,
        meant: str = "",
    ) -> None:
        self.source = source
        self.names = names
        self.meant = meant
        self._reader = reader
        self._default = default
        lone = _LONE_PATH.fullmatch(source.strip())
        self._first = lone[1] if lone else ""

    def with_default(self, default: Template) -> Output:
        """The same with a value for when nothing is found."""
        names = (*self.names, *default.names)
        return Output(self.source, self._reader, names=names, default=default, meant=self.meant)

    def extract(self, result: dict[str, Value], scope: Scope, *, name: str = "") -> Value:
        """The captured value from ``result`` (all result keys of the step); ``scope`` is that of its assertions.

        ``name`` is what the value is to be called: what is called so already is older, and not what a path to it
        means. Raises ``OutputError`` where nothing is found, naming what is there instead.
        """
        try:
            found = self._read(result, scope, name)
        except OutputError:
            raise
        except EvaluationError as error:
            raise OutputError(f"{self.source}: {error.message}", error.hint) from None
        if not isinstance(found, Missing):
            return found
        if self._default is not None:
            return self._default.render(scope)
        raise OutputError(f"{self.source} finds nothing: {found}", "write {path, default} where that is fine")

    def _read(self, result: dict[str, Value], scope: Scope, name: str) -> Value | Missing:
        missing = _not_received(name, result) if name and name == self._first and name not in result else None
        if missing is None:
            return self._reader.read(result, scope)
        older = f"; write ${{{name}}} for what was called so before" if _knows(scope, name) else ""
        return _Reason(f"{missing}{older}")


def _not_received(name: str, result: dict[str, Value]) -> Missing | None:
    """Why what was received has no ``name``, ``None`` where it has."""
    got = received(result)
    if isinstance(got, Missing):
        return _Reason("the step has received nothing")
    found = JsonPath("", (name,)).follow(got, _received_name(result))
    return found if isinstance(found, Missing) else None


def _knows(scope: Scope, name: str) -> bool:
    try:
        return scope.lookup(name) is not MISSING
    except EvaluationError:
        return False


def compile_output(spec: Value, *, result_keys: Collection[str], dashed: Collection[str] = ()) -> Output:
    """Compile one output: a JSONPath (``$…``), an expression, a template, a literal, or {``path``, ``default``}.

    ``result_keys`` are the keys that the step's action exposes (``status``, ``body``, …). Raises ``ExpressionError``.
    """
    if isinstance(spec, dict) and "path" in spec:
        return _with_default(spec, result_keys=result_keys, dashed=dashed)
    if not isinstance(spec, str):
        template = compile_template(spec, dashed=dashed)
        return Output(show(spec), _Rendered(template), names=template.names)
    return _compile_text(spec, result_keys=frozenset(result_keys), dashed=dashed)


def _with_default(spec: dict[str, Value], *, result_keys: Collection[str], dashed: Collection[str]) -> Output:
    unknown = next((key for key in spec if key not in ("path", "default")), None)
    if unknown is not None:
        raise ExpressionError(
            f"an output has no key {show(unknown)}", hint="it has `path` and `default`", path=(unknown,)
        )
    path = spec["path"]
    if not isinstance(path, str):
        raise ExpressionError(f"`path` is a text, not {kind_of(path)} {show(path)}", path=("path",))
    output = _compile_text(path, result_keys=frozenset(result_keys), dashed=dashed)
    return output.with_default(compile_template(spec["default"], dashed=dashed)) if "default" in spec else output


def _compile_text(text: str, *, result_keys: frozenset[str], dashed: Collection[str]) -> Output:
    stripped = text.strip()
    if holes.has_holes(text):
        template = compile_template(text, dashed=dashed)
        _check_no_path(text, template)
        return Output(text, _Rendered(template), names=template.names)
    if stripped.startswith("$"):
        return _path_output(text, compile_jsonpath(text))
    if _WILDCARD.fullmatch(stripped):
        return _path_output(text, replace(compile_jsonpath(f"$.{stripped}"), source=stripped))
    return _expression_or_literal(text, result_keys=result_keys, dashed=dashed)


def _check_no_path(text: str, template: Template) -> None:
    path = next((use for use in template.names if use.name == "$"), None)
    if path is not None:
        written = text[path.offset :].split("}", maxsplit=1)[0].strip()
        hint = f"write `{written}` without anything around it, or `{written.removeprefix('$').lstrip('.')}` here"
        raise ExpressionError(f"`{written}` is a path, and a placeholder holds none", path.offset, hint=hint)


def _path_output(text: str, path: JsonPath) -> Output:
    return Output(text, _Path(path))


def _expression_or_literal(text: str, *, result_keys: frozenset[str], dashed: Collection[str]) -> Output:
    """Text that is no expression at all (``hello world``) is a literal; a single unknown word is so as well."""
    try:
        expression = compile_expression(text, dashed=dashed, condition=False)
    except ExpressionError:
        if _looks_like_expression(text, result_keys):
            raise
        return Output(text, _Literal(text), meant=_meant(text, result_keys))
    # A name that nobody knows may be a key of what will be received, so none of them is wrong before the run.
    names = tuple(replace(name, optional=True) for name in expression.names)
    return Output(text, _Evaluated(expression), names=names)


def _meant(text: str, result_keys: Iterable[str]) -> str:
    """What a text that is no expression was likely meant for: ``body.id`` for ``body id``, "" where it is a text."""
    first, _, rest = text.strip().partition(" ")
    word, read = _FIRST_WORD.match(first), _FIRST_WORD.match(rest)
    if first in result_keys:
        return f"{first} == {rest}" if rest.isdigit() else f"{first}.{rest}" if rest.isidentifier() else f"{first}.…"
    return f"{first}({rest})" if word and first in FUNCTIONS and read and read[0] in result_keys else ""


def _looks_like_expression(text: str, result_keys: Iterable[str]) -> bool:
    """Whether an author of this text meant an expression: it starts with a result key, or calls a function."""
    word = _FIRST_WORD.match(text.strip())
    if word is None:
        return False
    after = text.strip()[word.end() :].lstrip()
    known = word[0] in result_keys or word[0] in ("result", "response")
    return (known and after[:1] in (".", "[", "?", "=", "|")) or (word[0] in FUNCTIONS and after.startswith("("))


@dataclass(frozen=True, slots=True)
class _Literal:
    text: str

    def read(self, result: dict[str, Value], scope: Scope) -> Value | Missing:
        _ = result, scope
        return self.text


@dataclass(frozen=True, slots=True)
class _Rendered:
    template: Template

    def read(self, result: dict[str, Value], scope: Scope) -> Value | Missing:
        _ = result
        return self.template.render(scope)


class _Reason(Missing):
    """Why an expression has no value."""

    __slots__ = ("_reason",)

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __str__(self) -> str:
        return self._reason


@dataclass(frozen=True, slots=True)
class _Evaluated:
    expression: Expression

    def read(self, result: dict[str, Value], scope: Scope) -> Value | Missing:
        try:
            value = self.expression.evaluate(_ReceivedScope(scope, result))
        except AbsentError as error:
            return _Reason(f"{error.message} ({error.hint})" if error.hint else error.message)
        if self.expression.function in _SEARCHES and (value is None or value == []):
            return _Reason("it is an empty list" if value == [] else "it is nil")
        return value


@dataclass(frozen=True, slots=True)
class _Path:
    path: JsonPath

    def read(self, result: dict[str, Value], scope: Scope) -> Value | Missing:
        _ = scope
        got = received(result)
        if self.path.first in result:
            return self._of_result(result, got)
        if isinstance(got, Missing):
            return self._no_such_key(result) if self.path.steps != () else dict(result)
        return self._found(got, _received_name(result))

    def _found(self, root: Value, where: str) -> Value | Missing:
        if self.path.definite:
            return self.path.follow(root, where)
        return self.path.find(root) or _Reason(self.path.why_nothing(root, where))

    def _of_result(self, result: dict[str, Value], got: Value | Missing) -> Value | Missing:
        """A key of the result, but never silently over another value under the same path of what was received."""
        value = self._found(result, "result")
        if isinstance(got, Missing) or self.path.first == _received_name(result).split("[")[0]:
            return value
        other = self._found(got, "")
        if isinstance(other, Missing) or (not isinstance(value, Missing) and equal(value, other)):
            return value
        rest = self.path.source.removeprefix("$")
        raise OutputError(
            f"{self.path.source} could be {show(value, 60)} of the step or {show(other, 60)} of what it received",
            f"write `result{rest}` or `{_received_name(result)}{rest}`",
        )

    def _no_such_key(self, result: dict[str, Value]) -> Missing:
        near = nearest(self.path.first, result)
        return _Reason(f"the step has {_keys(result)}" + (f"; did you mean {show(near)}?" if near else ""))


def _keys(result: dict[str, Value]) -> str:
    return ", ".join(result) or "an empty result"


def received(result: dict[str, Value]) -> Value | Missing:
    """What the step received: ``body``, ``messages[0].value``, ``first_row``, or a producer's ``value``."""
    for steps in RECEIVED:
        found = JsonPath("", steps).follow(result)
        if not isinstance(found, Missing):
            return found
    return MISSING


def _received_name(result: dict[str, Value]) -> str:
    for steps in RECEIVED:
        if not isinstance(JsonPath("", steps).follow(result), Missing):
            return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)[1:]
    return "result"


class _ReceivedScope:
    """The scope of the assertions, with the keys of what was received right after those of the result."""

    def __init__(self, scope: Scope, result: dict[str, Value]) -> None:
        got = received(result)
        self._scope = scope
        self._result = result
        self._got: dict[str, Value] = got if isinstance(got, dict) else {}

    def lookup(self, name: str) -> Value | Missing:
        """A result key, else what was received, else what was known before: the output is about this step."""
        if name in self._got and name not in self._result:
            return self._got[name]
        try:
            return self._scope.lookup(name)
        except EvaluationError as error:
            raise AbsentError(error.message, error.hint) from None

    def names(self) -> Iterable[str]:
        return (*self._scope.names(), *self._got)
