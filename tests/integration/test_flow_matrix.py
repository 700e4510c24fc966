"""Every misbehaviour of the demo services beside the demo's flows: what goes wrong turns a flow red, and it says why.

The table of what was red where is written at the end of the run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from services.misbehaviour import CAN
from support.stack import FLOWS, Stack, running_stack

TESTMESH = Path(sys.executable).with_name("testmesh")
NAMES = tuple(sorted(path.stem for path in FLOWS.glob("*.yaml")))
GREEN_RUNS = 10
SECOND = 1000
"""In milliseconds."""
SECONDS = 120
SLOW = {"MISBEHAVE_DELAY": "2.5"}
"""Longer than the 2 s that the flows grant an answer."""
PATIENCE = "2s"
"""How long a flow waits for what never comes; its own 5 s would only make the test longer."""
STACKS = 2
"""A flow mostly waits: two services' misbehaviours can be tried at once, each on a stack of its own."""
LONGEST_FIRST = ("order", "notification", "user", "product")
SAYS_OFF = "status == 201: status is 200"
SAYS_500 = "status == 201: status is 500"
SAYS_TYPE = 'content_type == "application/json": content_type is "text/html"'
SAYS_SLOW = "within config.timeout of 2s: connected, and nothing of the answer has come"
SAYS_CUT = "the server closed the connection after"

Case = tuple[str, str]


@dataclass(frozen=True)
class Red:
    """Where a misbehaviour is to be seen: the flow, its step, and words of the message."""

    flow: str
    step: str
    says: str


EXPECTED: Mapping[Case, Red] = {
    ("user", "always-200"): Red("user-service", "create", SAYS_OFF),
    ("user", "cut-off"): Red("user-service", "create", SAYS_CUT),
    ("user", "duplicate-event"): Red("user-service", "event", "exactly 1 message wanted"),
    ("user", "error-500"): Red("user-service", "create", SAYS_500),
    ("user", "lost-trace"): Red("user-service", "event", "trace: it has no header traceparent"),
    ("user", "not-stored"): Red("user-service", "row", "row_count is 0"),
    ("user", "publish-nothing"): Red("order", "user_event", "topic user.created: at least 1 message wanted"),
    ("user", "renamed-field"): Red("order", "user_event", "user_id: not there, but userId is"),
    ("user", "slow"): Red("user-service", "create", SAYS_SLOW),
    ("user", "wrong-type"): Red("user-service", "create", SAYS_TYPE),
    ("user", "wrong-user"): Red("user-service", "event", "messages[0].value.user_id == user_id: messages[0].value.us"),
    ("product", "always-200"): Red("product-service", "create", SAYS_OFF),
    ("product", "cut-off"): Red("product-service", "create", SAYS_CUT),
    ("product", "error-500"): Red("product-service", "create", SAYS_500),
    ("product", "no-decrement"): Red("e2e-order-flow", "verify_inventory_decreased", "rows[0].inventory is 100"),
    ("product", "not-stored"): Red("product-service", "row", "row_count is 0"),
    ("product", "oversell"): Red("insufficient-inventory", "order_two", "status == 409: status is 201"),
    ("product", "slow"): Red("product-service", "create", SAYS_SLOW),
    ("product", "stale-read"): Red("product-service", "left", "body.inventory == 98: body.inventory is 100"),
    ("product", "take-one"): Red("order", "inventory", "2 of 100 were ordered, 99 are left"),
    ("product", "wrong-type"): Red("product-service", "create", SAYS_TYPE),
    ("order", "always-200"): Red("unknown-user", "order", "status == 404: status is 200"),
    ("order", "cut-off"): Red("order-service", "place", SAYS_CUT),
    ("order", "duplicate-event"): Red("order-service", "event", "exactly 1 message wanted"),
    ("order", "error-500"): Red("order-service", "place", SAYS_500),
    ("order", "lost-trace"): Red("order-service", "event", "trace: it has no header traceparent"),
    ("order", "no-user-check"): Red("user-service-down", "order", "status == 503: status is 502"),
    ("order", "not-stored"): Red("order", "order_row", "row_count is 0"),
    ("order", "publish-nothing"): Red("order", "order_event", "topic order.placed: at least 1 message wanted"),
    ("order", "renamed-field"): Red("order", "order_event", 'has no "user_id"; did you mean "userId"?'),
    ("order", "slow"): Red("order-service", "place", SAYS_SLOW),
    ("order", "stored-total"): Red("order", "order_row", "first_row.total == 59.98: first_row.total is 60.98"),
    ("order", "total-as-text"): Red("order", "place_order", 'body.total is text "59.98" against number 59.98'),
    ("order", "wrong-total"): Red("e2e-order-flow", "create_order", "body.total == 59.98: body.total is 29.99"),
    ("order", "wrong-type"): Red("order-service", "place", SAYS_TYPE),
    ("order", "wrong-user"): Red("order-service", "event", "messages[0].value.user_id == USER_ID: messages[0].value"),
    ("notification", "always-200"): Red("notification-service", "no_such_page", "status == 404: status is 200"),
    ("notification", "cut-off"): Red("notification-service", "none_yet", SAYS_CUT),
    ("notification", "drop-event"): Red("order", "notifications", "has 0 items, not 2"),
    ("notification", "error-500"): Red("notification-service", "none_yet", "status == 200: status is 500"),
    ("notification", "repeat-event"): Red("redelivered-event", "told_once", "one event came twice"),
    ("notification", "slow"): Red("notification-service", "none_yet", SAYS_SLOW),
    ("notification", "stale-read"): Red("notification-service", "both_told", "body.count == 2: body.count is 0"),
    ("notification", "wrong-recipient"): Red("notification-service", "both_told", "body.count is 0"),
    ("notification", "wrong-type"): Red("notification-service", "none_yet", SAYS_TYPE),
}


@dataclass(frozen=True)
class Ended:
    """How a flow ended, as reports have it: of one that did not pass with its first failure."""

    outcome: str
    step: str = ""
    message: str = ""
    milliseconds: float = field(default=0, compare=False)


def run_flows(stack: Stack, report: Path, **more: str) -> Mapping[str, Ended]:
    """Runs all flows in one process, four at a time; by their files' names."""
    variables = stack.variables_of_all_flows() | more
    options = [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
    command = [str(TESTMESH), "run", str(FLOWS), "--parallel", "4", "--report", f"json={report}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert report.exists(), done.stdout + done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))["flows"]
    return {Path(flow["file"]).stem: _ended(flow) for flow in found}


def _ended(flow: dict[str, Any]) -> Ended:
    failure = flow["first_failure"] or {"step": "", "message": ""}
    return Ended(flow["outcome"], failure["step"], failure["message"], float(flow["duration_ms"]))


@dataclass(frozen=True)
class Matrix:
    """How each flow ended: with all services well, and under each misbehaviour."""

    green: Sequence[Mapping[str, Ended]]
    found: Mapping[Case, Mapping[str, Ended]]

    def lines(self) -> Iterator[str]:
        """A row for each misbehaviour, a column for each flow; below it why the first red one is red."""
        yield "  ".join(f"{number} {name}" for number, name in enumerate(NAMES))
        yield f"{'':32}" + " ".join(map(str, range(len(NAMES))))
        for (service, word), flows in self.found.items():
            marks = " ".join("·" if flows[name].outcome == "passed" else "✗" for name in NAMES)
            red = EXPECTED[service, word]
            yield f"{service:13}{word:19}{marks}  {red.flow}/{red.step}: {flows[red.flow].message[:90]}"


class _Table:
    """Writes the matrix at the end of the whole run."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Pytest calls it."""
        terminalreporter.section("misbehaviours of the demo's services, and its flows")
        for line in self._matrix.lines():
            terminalreporter.write_line(line)


class Trials:
    """Stacks, each for one series of runs at a time."""

    def __init__(self, stacks: Iterable[Stack], reports: Path) -> None:
        self._stacks: SimpleQueue[Stack] = SimpleQueue()
        self._reports = reports
        for stack in stacks:
            self._stacks.put(stack)

    def green(self, times: int) -> Sequence[Mapping[str, Ended]]:
        """All services are well."""
        with self._stack() as stack:
            return [run_flows(stack, self._reports / f"green-{number}.json") for number in range(times)]

    def misbehaving(self, service: str, words: Sequence[str]) -> Mapping[Case, Mapping[str, Ended]]:
        """One service does one thing wrong after the other; only it is started anew each time."""
        found: dict[Case, Mapping[str, Ended]] = {}
        with self._stack() as stack, stack.kept_well(service):
            for word in words:
                stack.restart(service, {"MISBEHAVE": word, **SLOW})
                report = self._reports / f"{service}-{word}.json"
                found[service, word] = run_flows(stack, report, PATIENCE=PATIENCE)
        return found

    @contextmanager
    def _stack(self) -> Iterator[Stack]:
        stack = self._stacks.get()
        try:
            yield stack
        finally:
            self._stacks.put(stack)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Matrix:
    """Runs what the chosen tests ask for. The table is written when all tests have ended.

    On stacks of its own: a service that a thread has started ends with that thread, and the other tests need theirs.
    """
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    cases = {item.callspec.params["case"] for item in chosen if item.function is test_misbehaviour_turns_a_flow_red}
    of_green = (test_flows_are_green_ten_times_in_a_row, test_order_flow_with_eventually_takes_less_than_a_second)
    green_runs = GREEN_RUNS if any(item.function in of_green for item in chosen) else 0
    with ExitStack() as more, ThreadPoolExecutor(STACKS) as pool:
        stacks = [more.enter_context(running_stack()) for _ in range(STACKS)]
        trials = Trials(stacks, tmp_path_factory.mktemp("matrix"))
        words = {service: sorted(word for of, word in cases if of == service) for service in LONGEST_FIRST}
        tried = [pool.submit(trials.misbehaving, service, of_it) for service, of_it in words.items() if of_it]
        green = pool.submit(trials.green, green_runs)
        found = Matrix(green.result(), {case: flows for trial in tried for case, flows in trial.result().items()})
    request.config.pluginmanager.register(_Table(found))
    return found


def test_flows_are_green_ten_times_in_a_row(matrix: Matrix) -> None:
    """With every service well: a flow that is red now and then is worth nothing."""
    assert [dict.fromkeys(NAMES, Ended("passed"))] * GREEN_RUNS == matrix.green


def test_order_flow_with_eventually_takes_less_than_a_second(matrix: Matrix) -> None:
    """The seed's waits three for what is there at once. The fastest of ten: a busy machine says nothing of the flow."""
    assert min(ended["order"].milliseconds for ended in matrix.green) < SECOND


@pytest.mark.parametrize("case", EXPECTED, ids="-".join)
def test_misbehaviour_turns_a_flow_red(matrix: Matrix, case: Case) -> None:
    """At the step where one would look, with a message that names the cause."""
    red, flows = EXPECTED[case], matrix.found[case]
    ended = flows[red.flow]
    assert (red.flow, "failed", red.step) == (red.flow, ended.outcome, ended.step), ended.message
    assert red.says in ended.message


def test_every_misbehaviour_is_expected_somewhere() -> None:
    """One that a service learns needs a flow that notices it."""
    assert {(service, word) for service, words in CAN.items() for word in words} == set(EXPECTED)


def test_every_flow_notices_something() -> None:
    """One that is red for no misbehaviour, as it asserts nothing, has no place in the demo."""
    assert set(NAMES) == {red.flow for red in EXPECTED.values()}
