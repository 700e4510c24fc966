"""What a flow makes of a secret is one too, wherever it is made: a slice of a token is still the token."""

from __future__ import annotations

import hashlib

import pytest

from support.flows import run

SECRET = "S3cr3tValue-xyz-0123456"
FLOW = """
env: {{KEY: {secret}, SHOWN: "made-of-nothing", {env}}}
secrets: [KEY]
output: {{kept: made}}
steps:
  - {{id: one, action: log, config: {{message: '{message}'}}, output: {{made: '{output}'}}}}
  - {{id: two, action: log, config: {{message: 'then ${{made}}'}}, assert: [message == 2]}}
"""


def told(*, env: str = "A: b", message: str = "", output: str = "SHOWN") -> str:
    """Everything that is told of a run that logs and captures these."""
    ran = run(FLOW.format(secret=SECRET, env=env, message=message, output=output))
    return f"{ran.result} {ran.events}"


@pytest.mark.parametrize(
    ("made", "part"),
    [
        ("KEY[0:8]", "S3cr3tVa"),
        ('split(KEY, "-")', "S3cr3tValue"),
        ("env.KEY[3:11]", "r3tValue"),
        ('{"a": KEY[0:8]}', "S3cr3tVa"),
        ("sha256(KEY)", hashlib.sha256(SECRET.encode()).hexdigest()),
    ],
)
@pytest.mark.parametrize("place", ["text", "alone", "output", "env"])
def test_what_is_made_of_a_declared_secret_is_masked(place: str, made: str, part: str) -> None:
    """In a text, alone, in a captured value, in a variable."""
    hole = f"${{ {made} }}"
    match place:
        case "output":
            said = told(output=made)
        case "env":
            said = told(env=f"M: '{hole}'", message="it says ${M}")
        case _:
            said = told(message=hole if place == "alone" else f"it says {hole}")
    assert "***" in said
    assert part not in said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ('KEY == "x" ? "production" : "the staging one"', "it says the staging one"),
        ("KEY exists", "it says true"),
        ("len(KEY) > 8 ? SHOWN : KEY", "it says ***"),
    ],
)
def test_what_the_author_wrote_is_no_secret(made: str, said: str) -> None:
    """A word of the flow tells nothing of the secret that it depends on; a value may."""
    assert said in told(message=f"it says ${{{made}}}")


def test_a_step_that_is_called_like_a_secret_is_none() -> None:
    """What it gave stands under keys of its own; only declared names make all that reads them secret."""
    steps = """
    steps:
      - {id: get_token, action: log, config: {message: made-of-nothing}}
      - {action: log, config: {message: "it says ${get_token.message[0:12]}"}, assert: [message != ""]}
    """
    assert "it says made-of-noth" in str(run(steps).result)


def test_what_is_made_of_no_secret_is_shown() -> None:
    """Nor is what stands in the same text as one."""
    said = told(message="it says ${KEY} of ${SHOWN[0:12]} and ${upper(SHOWN)}")
    assert "it says *** of made-of-noth and MADE-OF-NOTHING" in said
