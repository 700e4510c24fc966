"""``for_each``: runs steps once for each item of a list, one after the other or several at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from testmesh_engine.actions.base import Context, Result, Round
from testmesh_engine.actions.config import Config
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind, Nesting
from testmesh_engine.errors import NothingRanError, ServiceError, UsageError
from testmesh_engine.expressions import Value, kind_of, show

ITEM, INDEX = "item", "index"
AT_ONCE = 10
"""How many rounds run at the same time where the flow does not say it: as many connections as a small service takes."""

MOST_ITEMS = 10_000
"""Each round's results are kept for the report: more would fill a runner's memory."""

_SHOWN_CHARACTERS = 60
_WORDS = (("item_name", "as"), ("index_name",))


def _loop_names(config: Mapping[str, object]) -> Collection[str]:
    """The names of the item and its index. Raises ``ValueError`` with what is wrong and the key."""
    names = []
    for words, default in zip(_WORDS, (ITEM, INDEX), strict=True):
        key = next((word for word in words if word in config), "")
        name = config[key] if key else default
        if not isinstance(name, str) or not name.isidentifier():
            message = f"{key} is the name of a variable: letters, digits and _, not first a digit, no placeholder"
            raise ValueError(message, key)
        if name in names:
            message = f"the item and its index can't both be called {name}"
            raise ValueError(message, key)
        names.append(name)
    return names


class ForEach:
    """One round of ``steps`` for each item."""

    spec = ActionSpec(
        name="for_each",
        doc="Runs steps once for each item of a list.",
        example=(
            "- id: orders\n"
            "  action: for_each\n"
            "  config:\n"
            "    items: [1, 2, 3]\n"
            "    item_name: number\n"
            "    steps:\n"
            "      - id: get\n"
            "        action: http_request\n"
            '        config: {url: "http://localhost:8080/orders/${number}"}\n'
            "        assert: [status == 200]\n"
        ),
        keys=(
            Key(
                name="items",
                kind=Kind.EXPRESSION,
                required=True,
                doc="a list, or an expression that gives one: a placeholder, list.body.orders, 1..3",
            ),
            Key(name="steps", kind=Kind.STEPS, required=True, doc="what runs for each item"),
            Key(name="item_name", kind=Kind.TEXT, doc="what the steps call the item", default=ITEM, aliases=("as",)),
            Key(name="index_name", kind=Kind.TEXT, doc="what they call its index, from 0 on", default=INDEX),
            Key(name="parallel", kind=Kind.BOOLEAN, doc="whether rounds run at once", default="false"),
            Key(
                name="max_concurrent",
                kind=Kind.INTEGER,
                doc="how many at most",
                default=str(AT_ONCE),
                aliases=("max_parallel",),
                fault=lambda value: "" if isinstance(value, int) and value >= 1 else "is a whole number from 1 on",
            ),
            Key(
                name="continue_on_error",
                kind=Kind.BOOLEAN,
                doc="whether the other items still have their turn after one that failed; the step fails in the end",
                default="false",
            ),
            Key(
                name="allow_empty",
                kind=Kind.BOOLEAN,
                doc="whether the list may be empty: the step is then skipped, else it fails",
                default="false",
            ),
        ),
        results={"items": "the results of each round's steps, by their ids", "count": "how many rounds there were"},
        nesting=Nesting(names=_loop_names, at_once=lambda config: config.get("parallel") is True),
        asserts_itself=True,
        bounds_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run all rounds.

        Raises what a step inside of it fails with, ``ServiceError`` for an empty list and for what is no list,
        ``NothingRanError`` where no step was run.
        """
        settings, nested = Config(self.spec, config), context.inside()
        items = _items(context.value(config["items"]), str(config["items"]))
        if not items and (settings.boolean("allow_empty", default=False) or not nested.in_steps):
            raise NothingRanError("the list of items is empty")
        if not items:
            hint = "Where that may be, write allow_empty: true."
            raise ServiceError("the list of items is empty: nothing was tested", kind="assertion", hint=hint)
        at_once = settings.integer("max_concurrent", AT_ONCE) if settings.boolean("parallel", default=False) else 1
        go_on = settings.boolean("continue_on_error", default=False)
        rounds = list(_rounds(items, settings))
        results: list[Value] = [*nested.run(rounds, at_once=at_once, go_on=go_on)]
        return {"items": results, "count": len(results)}


def _items(value: Value, text: str) -> list[Value]:
    if not isinstance(value, list):
        hint = "Text that holds JSON is read by fromJSON(…)." if isinstance(value, str) else ""
        message = f"items is a list, and {text} is {kind_of(value)} {show(value, 80)}"
        raise ServiceError(message, kind="assertion", hint=hint)
    if len(value) > MOST_ITEMS:
        raise UsageError(f"items has {len(value):,} items, and {MOST_ITEMS:,} are the most")
    return value


def _rounds(items: list[Value], settings: Config) -> Iterator[Round]:
    item_name, index_name = settings.text("item_name", ITEM), settings.text("index_name", INDEX)
    for index, item in enumerate(items):
        yield Round(
            steps="steps",
            label=str(index),
            told=f"items[{index}] ({item_name}: {show(item, _SHOWN_CHARACTERS)})",
            names={item_name: item, index_name: index},
        )
