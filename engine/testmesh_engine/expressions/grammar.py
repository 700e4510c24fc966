"""The operators and words of the language.

Precedence and associativity are those of expr-lang/expr, ``parser/operator/operator.go``: ``not`` binds closer than
``==``, ``??`` closer than anything, ``|`` pipes all that stands left of it.
"""

from __future__ import annotations

UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY = {
    "|": 0,
    "or": 10,
    "and": 15,
    "==": 20,
    "!=": 20,
    "<": 20,
    ">": 20,
    "<=": 20,
    ">=": 20,
    "in": 20,
    "matches": 20,
    "contains": 20,
    "startsWith": 20,
    "endsWith": 20,
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "??": 500,
}
SPELLINGS = {"||": "or", "&&": "and", "^": "**", "starts_with": "startsWith", "ends_with": "endsWith"}
WORD_OPERATORS = frozenset(
    {"not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"}
)
"""Words that are never names, but for the fields of a map."""
NEGATABLE = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
ORDER = frozenset({"<", ">", "<=", ">="})
CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "nil": None, "null": None}
RESERVED = WORD_OPERATORS.union(CONSTANTS)
"""What nothing in a flow can be called: no expression could read it."""
KINDS = {
    "null": "nil",
    "nil": "nil",
    "number": "number",
    "string": "text",
    "text": "text",
    "boolean": "boolean",
    "array": "list",
    "list": "list",
    "object": "map",
    "map": "map",
    "bytes": "bytes",
}
"""The words after ``is``, and what they ask for."""

MISTAKES = {
    "=": "compare with `==`",
    "===": "compare with `==`",
    ";": "only `let` ends with `;`: write two assertions, or join them with `and`",
    "else": "write `if a { b } else { c }`",
    "and": "an operand is missing",
    "or": "an operand is missing",
}
"""What a word in the wrong place was most likely meant for."""
