"""The variables that are always there."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from support.flows import Options, read, run
from testmesh_engine.expressions import EvaluationError, Value
from testmesh_engine.language.faker_names import METHODS
from testmesh_engine.language.names import BUILTINS
from testmesh_engine.runtime import builtins, faker_values
from testmesh_engine.runtime.builtins import Identity, Moment
from testmesh_engine.runtime.faker_values import as_value
from testmesh_engine.runtime.layers import Layers

IDENTITY = Identity(run_id="run", execution_id="execution", seed="seed")
AT = Moment(identity=IDENTITY, flow="flow", step="step", now=datetime(2024, 2, 9, 3, 4, 5, 678901, UTC))
RANDOM = ("RANDOM_ID", "UUID", "RANDOM_INT", "RANDOM_STRING", "$uuid", "$random_int")


def faked(name: str, at: Moment = AT) -> Value:
    """The value of ``FAKER.<name>``."""
    names = builtins.lookup("FAKER", at)
    assert isinstance(names, dict)
    return names[name]


def test_validate_and_run_know_the_same_names() -> None:
    """A name that one of them lacks would pass the check and fail the run, or the other way round."""
    assert builtins.NAMES == BUILTINS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMESTAMP", 1707447845),
        ("TIMESTAMP_UNIX", 1707447845),
        ("$timestamp", 1707447845),
        ("TIMESTAMP_MS", 1707447845678),
        ("ISO_TIMESTAMP", "2024-02-09T03:04:05.678Z"),
        ("DATE", "2024-02-09"),
        ("TODAY", "2024-02-09"),
        ("TIME", "03:04:05"),
        ("DATETIME", "2024-02-09 03:04:05"),
        ("YEAR", 2024),
        ("MONTH", 2),
        ("DAY", 9),
        ("HOUR", 3),
        ("MINUTE", 4),
        ("SECOND", 5),
        ("DAY_OF_WEEK", "Friday"),
        ("FLOW_NAME", "flow"),
        ("FLOW_STATUS", "success"),
        ("EXECUTION_ID", "execution"),
        ("RUN_ID", "run"),
    ],
)
def test_times_are_those_of_the_steps_start(name: str, value: Value) -> None:
    """In UTC, and not of the seed."""
    assert value == builtins.lookup(name, AT)
    assert value == builtins.lookup(name, replace(AT, identity=replace(IDENTITY, seed="other")))


def test_random_values_have_their_form() -> None:
    """Of UUIDs version 4."""
    assert 4 == uuid.UUID(str(builtins.lookup("RANDOM_ID", AT))).version
    assert 4 == uuid.UUID(str(builtins.lookup("$uuid", AT))).version
    number = builtins.lookup("RANDOM_INT", AT)
    assert isinstance(number, int)
    assert 0 <= number <= 999_999
    assert re.fullmatch("[a-z0-9]{10}", str(builtins.lookup("RANDOM_STRING", AT)))


@pytest.mark.parametrize("name", RANDOM)
def test_the_same_seed_gives_the_same_value_whatever_was_read_before(name: str) -> None:
    """A run can be repeated, also when its steps run in another order."""
    first = builtins.lookup(name, AT)
    for other in RANDOM:
        builtins.lookup(other, AT)
    assert first == builtins.lookup(name, replace(AT, now=datetime.now(UTC), failed=True))


@pytest.mark.parametrize("name", RANDOM)
def test_each_step_flow_seed_and_name_has_a_value_of_its_own(name: str) -> None:
    """Two steps that make a user make two users."""
    ways = [
        AT,
        replace(AT, step="other"),
        replace(AT, flow="other"),
        replace(AT, identity=replace(IDENTITY, seed="other")),
        replace(AT, flow="flow/step", step=""),
        replace(AT, flow="flow', 'step", step="x"),
    ]
    assert len(ways) == len({builtins.lookup(name, at) for at in ways})
    assert builtins.lookup("UUID", AT) != builtins.lookup("$uuid", AT)


def test_a_seed_may_be_any_text() -> None:
    """Also what a terminal sends that is no UTF-8."""
    assert builtins.lookup("UUID", replace(AT, identity=replace(IDENTITY, seed="\udcff\0\n")))


def test_a_value_stays_in_all_attempts_of_a_step_and_differs_between_steps() -> None:
    """In config, assertions and outputs alike."""
    flow = """
        steps:
          - id: one
            action: delay
            config: {duration: 1ms}
            retry: {max_attempts: 3, delay: 1ms, backoff: fixed}
            output: {id: "${RANDOM_ID}", name: "${FAKER.email}", number: "{{$random_int}}"}
            assert: ['id == RANDOM_ID', 'name == FAKER.email', 'number == {{$random_int}}', 'false']
          - id: two
            action: delay
            config: {duration: 1ms}
            assert: ['id != RANDOM_ID', 'name != FAKER.email']
    """
    ran = run(flow.replace("'false']", "'true == true']"))
    assert 0 == ran.exit_code, ran.result.first_failure
    again = run(flow)
    assert 3 == len(again.step("one").attempts)
    assert {1} == {sum(not check.passed for check in attempt.assertions) for attempt in again.step("one").attempts}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_each_name_of_faker_gives_a_value_and_the_same_again(name: str) -> None:
    """Whatever is asked for in between."""
    first = faked(name)
    faked("name")
    assert first is not None
    assert first == faked(name)


def test_spellings_and_short_names_mean_one_value() -> None:
    """A flow may write it as it likes, twice."""
    assert faked("phone") == faked("PHONE_NUMBER") == faked("phoneNumber")
    assert faked("first_name") != faked("first_name", replace(AT, step="other"))


def test_fakers_values_are_values_of_the_language() -> None:
    """Numbers exact, dates as ISO text, tuples as lists."""
    assert isinstance(faked("latitude"), Decimal)
    assert isinstance(faked("pyfloat"), Decimal)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", str(faked("date_time")))
    assert isinstance(faked("latlng"), list)
    with pytest.raises(TypeError, match="bytes is no value"):
        as_value(b"x")


def test_flows_that_run_at_once_get_their_own_values() -> None:
    """There is one Faker for all of them."""
    moments = [replace(AT, step=f"step {number}") for number in range(40)]
    alone = [faked("address", at) for at in moments]
    together: dict[int, Value] = {}

    def ask(number: int) -> None:
        together[number] = faked("address", moments[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert alone == [together[number] for number in range(40)]


def test_without_faker_the_step_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the language needs it not."""
    monkeypatch.setitem(sys.modules, "faker", None)
    faker_values._faker.cache_clear()
    with pytest.raises(EvaluationError) as found:
        faked("name")
    assert 'pip install "testmesh[faker]"' in found.value.hint
    assert "run -v" not in str(found.value)


def test_an_older_faker_is_named() -> None:
    """The table is that of the version which the project was tested with."""
    with pytest.raises(EvaluationError, match="the Faker that is installed has no new_method"):
        faker_values._made("new_method", "seed")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("FAKER.emial == 1", 'FAKER has no emial.*\n.*Did you mean "email"'),
        ("FAKER == 1", "FAKER needs a name that is written out"),
        ("FAKER[RUN_ID] == 1", "FAKER needs a name that is written out"),
        ("FAKER.email() == 1", "(?s)there are no methods.*write it without"),
        ("'{{FAKER.nmae}}' == 1", 'Did you mean "name"'),
        ("'{{$uid}}' == 1", r"(?s)unknown variable \$uid.*\$uuid"),
    ],
)
def test_a_wrong_name_is_found_before_the_run(expression: str, message: str) -> None:
    """With the nearest right one."""
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        read(f'steps:\n  - {{action: delay, config: {{duration: 1ms}}, assert: ["{expression}"]}}\n')


def test_a_variable_of_the_flow_comes_before_faker() -> None:
    """Names of the flow come first, whatever is built in."""
    ran = run(
        'steps:\n  - {action: delay, config: {duration: 1ms}, assert: ["FAKER == 7"]}\n',
        Options(layers=Layers(var={"FAKER": "7"})),
    )
    assert 1 == ran.exit_code
    assert 'FAKER is text "7" against number 7' in ran.result.steps[0].message


def test_a_flow_without_faker_does_not_import_it() -> None:
    """It takes longer than a whole run."""
    code = (
        "import sys; from datetime import datetime; from testmesh_engine.runtime.builtins import *;"
        "at = Moment(identity=Identity(run_id='', execution_id='', seed=''), flow='', step='', now=datetime.now());"
        "[lookup(name, at) for name in NAMES]; print('faker' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False\n" == found.stdout
