"""What a report shows of values and of assertions: whole, but for secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from testmesh_engine.contract.result import AssertionResult, AttemptResult, FlowResult, Outcome, Phase, StepResult
from testmesh_engine.expressions import MapScope, Value, compile_expression
from testmesh_engine.report.events import Event, FlowFinished, StepFinished
from testmesh_engine.runtime.guard import Guard
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.present import shown, shown_check, shown_result, with_hint

BODY: Mapping[str, Value] = {
    "access_token": "eyJhbGciOi.hidden-part.end",
    "page_token": "page-two",
    "pin_secret": 1234,
    "user": {"password": "hunter2pass", "name": "ann"},
    "status": 500,
}


def checked(source: str) -> AssertionResult:
    """The assertion on ``BODY`` as a report shows it, with nothing learnt before."""
    scope = MapScope({"body": dict(BODY)})
    return shown_check(source, compile_expression(source).check(scope), Masker())


@pytest.mark.parametrize(
    "source",
    [
        'body.access_token[0:9] == "x"',
        'split(body.access_token, ".")[1] == "x"',
        'body["access_token"] startsWith "x"',
        "body.pin_secret + 1 == 7",
        'body.user.password == "x"',
        'upper(body.user.password) == "x"',
    ],
)
def test_what_is_made_of_a_secret_is_a_secret(source: str) -> None:
    """A slice of a token is still the token."""
    found = checked(source)
    said = f"{found.message} {found.operands}"
    for part in ("eyJhb", "hidden", "1235", "hunter2", "HUNTER2"):
        assert part not in said
    assert "the value is a secret" in found.message
    assert not found.passed


@pytest.mark.parametrize(("source", "shown_value"), [("body.page_token == 1", "page-two"), ("body.status == 1", "500")])
def test_what_is_no_secret_is_shown(source: str, shown_value: str) -> None:
    """A failed assertion without its values helps nobody."""
    assert shown_value in checked(source).message


def test_the_message_of_a_failed_secret_does_not_quote_a_declared_one() -> None:
    """The expression itself may hold it."""
    source = 'body.access_token == "declared-secret"'
    check = compile_expression(source).check(MapScope({"body": dict(BODY)}))
    assert "declared-secret" not in str(shown_check(source, check, Masker(["declared-secret"])))


def test_a_text_body_is_shown_without_its_secrets() -> None:
    """JSON that says it is text, and lines of ``key: value``."""
    result = {"body": '{"password":"pw"}', "url": "http://h/?password=pw", "headers": {"location": "/?token=pw"}}
    expected = {"body": '{"password":"***"}', "url": "http://h/?password=***", "headers": {"location": "/?token=***"}}
    assert expected == shown_result(result, Masker())
    assert "user: ann\npassword: ***" == shown("user: ann\npassword: pw", Masker(), key="body")


def test_text_is_masked_before_it_is_cut() -> None:
    """Half a secret tells much of it."""
    secret = "declared-secret-of-some-length"
    text = "x" * (4096 - 5) + secret + "y" * 200_000
    found = shown(text, Masker([secret]))
    assert isinstance(found, str)
    assert "decla" not in found
    assert f"… ({len(text)} characters, cut)" in found or found.endswith("cut)")


def test_bytes_are_looked_at_as_the_text_that_they_are() -> None:
    """Base64 would hide what is to be hidden."""
    assert "one *** two" == shown(b"one declared-secret two", Masker(["declared-secret"]))
    assert "AP8=" == shown(b"\x00\xff", Masker(["declared-secret"]))


@pytest.mark.parametrize(
    "source",
    ['body.echo[2:12] == "x"', 'split(body.echo, "-") == []', 'body.echo == "x"', 'upper(body.echo)[0:9] == "x"'],
)
def test_a_part_of_a_known_secret_is_a_secret_whatever_it_is_called(source: str) -> None:
    """A service sends it back under a name of its own."""
    check = compile_expression(source).check(MapScope({"body": {"echo": "alpha-bravo-charlie"}}))
    found = str(shown_check(source, check, Masker(["alpha-bravo-charlie"])))
    for part in ("alpha", "bravo", "charl", "ALPHA", "pha-br"):
        assert part not in found


def test_a_result_is_masked_with_what_was_learnt_since() -> None:
    """Names that tie its parts together stay, and nothing else is changed."""
    attempt = AttemptResult(number=1, duration_ms=1234.5, error="no abcdefgh", request={"abcdefgh": [1234, "abcdefgh"]})
    step = StepResult(
        id="abcdefgh",
        action="delay",
        phase=Phase.STEPS,
        outcome=Outcome.FAILED,
        message="abcdefgh",
        tags=("abcdefgh",),
        attempts=(attempt,),
    )
    event = StepFinished(step=step, flow=3)
    told: list[Event] = []
    Guard(Masker(), told.append).tell(event)
    guard = Guard(Masker(["abcdefgh"]), told.append)
    guard.tell(event)
    guard.tell(event)
    expected = replace(
        step,
        message="***",
        tags=("***",),
        attempts=(replace(attempt, error="no ***", request={"***": [1234, "***"]}),),
    )
    assert [event, *[StepFinished(step=expected, flow=3)] * 2] == told


def test_what_was_told_is_looked_at_again_once_more_is_known() -> None:
    """The whole result comes last, and may still be kept clean."""
    masker = Masker()
    told: list[Event] = []
    guard = Guard(masker, told.append)
    step = StepResult(id="a", action="delay", phase=Phase.STEPS, outcome=Outcome.FAILED, message="is abcdefgh")
    guard.tell(StepFinished(step=step))
    masker.learn({"token": "abcdefgh"})
    result = FlowResult(name="n", file="f", outcome=Outcome.FAILED, steps=(step,))
    guard.tell(FlowFinished(result=result))
    assert FlowFinished(result=replace(result, steps=(replace(step, message="is ***"),))) == told[-1]


def test_a_number_is_shown_as_it_was_received() -> None:
    """In the result and as an operand: the line above says `total is 59.980`."""
    assert {"total": Decimal("59.980")} == shown({"total": Decimal("59.980")}, Masker())
    scope = MapScope({"total": Decimal("59.980")})
    (operand,) = shown_check("total == 1", compile_expression("total == 1").check(scope), Masker()).operands
    assert "59.980" == str(operand.value)


def test_a_number_that_is_a_secret_is_masked() -> None:
    """Also one with a fraction."""
    assert {"pin": "***", "n": Decimal("1.50")} == shown(
        {"pin": Decimal("92.736"), "n": Decimal("1.50")}, Masker(["92.736"])
    )


@pytest.mark.parametrize("empty", [{}, []])
def test_no_secret_is_claimed_where_there_is_none(empty: Value) -> None:
    """A response without cookies shows that it has none."""
    assert {"cookies": empty} == shown({"cookies": empty}, Masker())


@pytest.mark.parametrize(
    ("hint", "line"),
    [
        ("write it", "none is there. Write it"),
        ("mock_server_start starts one.", "none is there. mock_server_start starts one."),
        ("", "none is there"),
    ],
)
def test_a_hint_is_a_sentence_of_its_own_and_names_stay_as_they_are_written(hint: str, line: str) -> None:
    """A name with a capital could not be pasted."""
    assert line == with_hint("none is there", hint)
