"""No secret leaves a run: random ones are planted wherever they can stand, and looked for in all that is written."""

from __future__ import annotations

import json
import os
import pty
import random
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.leaky import Told, leaky_web, refusing_database
from support.process import clean_environment
from support.secret_writers import forms
from testmesh_engine.contract.verdict import decode
from testmesh_engine.report.registry import KINDS

ALPHABETS = {
    "word": string.ascii_letters + string.digits,
    "url": string.ascii_letters + string.digits + "-_",
    "marks": string.ascii_letters + string.digits + "\"'%+&<>/\\ =?#@:;,{}[]()$!*~|^`",
    "wide": string.ascii_letters + "äöüßéñ€漢字😀 ",
    "hex": "0123456789abcdef",
}
_SEED = os.environ.get("TESTMESH_SECRETS_SEED", "") or os.urandom(4).hex()


@dataclass(frozen=True)
class Planted:
    """The secrets of one test, by the variable or the place that holds each."""

    env: Mapping[str, str]
    mask: str
    var: str
    dot_env: str
    env_file: str
    token: str
    cookie: str
    plain: str

    def all(self) -> dict[str, str]:
        """Every one, by name."""
        others = ("mask", "var", "dot_env", "env_file", "token", "cookie", "plain")
        return {**self.env, **{name: getattr(self, name) for name in others}}


def planted() -> Planted:
    """New ones, of random lengths; the seed repeats them."""
    source = random.Random(_SEED)  # noqa: S311 - made to be found

    def secret(alphabet: str, least: int = 10) -> str:
        # The last characters keep spaces, quotes and backslashes away from the end, where files and shells cut them.
        middle = "".join(source.choices(ALPHABETS[alphabet], k=source.randint(least, 40)))
        return f"{source.choice(string.ascii_letters)}{middle}{source.choice(string.ascii_letters)}"

    return Planted(
        env={f"LICENSE_{name.upper()}": secret(name) for name in ALPHABETS}
        | {"LICENSE_LINES": f"{secret('word', 20)}\n{secret('word', 20)}\n{secret('marks', 20)}"},
        mask=f"-----BEGIN THING-----\n{secret('word', 30)}\n{secret('url', 30)}\n-----END THING-----",
        var=secret("marks"),
        dot_env=secret("word"),
        env_file=secret("url"),
        token=secret("url", 20),
        cookie=secret("word"),
        plain=secret("word"),
    )


SECRETS = planted()
NUMBERED = [*SECRETS.env.values(), SECRETS.mask, SECRETS.var, SECRETS.dot_env, SECRETS.env_file]
NAMES = [*SECRETS.env, "", "GIVEN", "BESIDE", "LISTED"]


def steps(base: str, database: int) -> Iterator[dict[str, object]]:
    """Steps that send each secret everywhere, and fail on what comes back."""
    yield {
        "id": "login",
        "action": "http_request",
        "config": {"url": f"{base}/token"},
        "output": {"ticket": "$.body.access_token", "serial": "$.body.id"},
        "assert": ["body == {}", 'ticket[0:9] == "x"', 'serial[0:7] == "x"', 'body.id[2:12] == "x"'],
    }
    for number, name in enumerate(NAMES):
        yield from _received(base, number)
        if name:
            yield from _sent(base, name)
            yield from _refused(database, name)
    for name in ("ticket", "serial"):
        yield from _sent(base, name)


def _received(base: str, number: int) -> Iterator[dict[str, object]]:
    checks = ["status == 418", "body == {}", "headers == 1", "len(cookies) == 9"]
    for route in ("forms", "text", "page", "bytes"):
        yield {
            "action": "http_request",
            "config": {"url": f"{base}/{route}/{number}"},
            "assert": [*checks, *(["body.said == []", 'body.said[0][0:8] == "x"'] if route == "forms" else [])],
        }


def _sent(base: str, name: str) -> Iterator[dict[str, object]]:
    value = f"${{{name}}}"
    checks = [
        'body.body == "x"',
        "body == {}",
        f'{name} == "x"',
        f'{name}[0:8] == "x"',
        f'upper({name}) == "x"',
        f'split({name}, "") == 1',
        f"len({name}) == 0",
        f'"<{value}>" == "x"',
        {"expression": "status == 500", "message": f"for {value}"},
    ]
    configs: list[dict[str, object]] = [
        {"url": f"{base}/echo", "method": "POST", "body": {"a": f"<{value}>", f"k{value}": [value]}},
        {"url": f"{base}/echo?q={value}", "method": "POST", "body": f"plain {value}"},
        {"url": f"{base}/echo/{value}", "params": {"p": value, value: "q"}},
        {"url": f"{base}/echo", "headers": {"X-License": value}},
        {"url": f"{base}/echo", "headers": {"Authorization": f"Bearer {value}", "Cookie": f"a={value}"}},
        {"url": f"{base}/echo", "method": "POST", "form": {"f": value, f"g{value}": "1"}},
        {"url": f"{base}/echo", "auth": {"basic": {"username": "user", "password": value}}},
        {"url": f"{base}/echo", "auth": {"bearer": value}},
        {"url": f"{base}/echo", "method": f"{value}"},
        {"url": f"http://user:{value}@127.0.0.1:1/"},
        {"url": f"http://{value}.invalid/"},
        {"url": f"{value}"},
    ]
    for config in configs:
        yield {"name": f"sends {value}", "action": "http_request", "config": config, "assert": checks}
    yield {"action": "delay", "config": {"duration": value}, "assert": ["true == true"]}
    yield {"action": "delay", "config": {"duration": "1ms"}, "when": f"{name} > 5", "assert": ["true == true"]}


def _refused(database: int, name: str) -> Iterator[dict[str, object]]:
    value = f"${{{name}}}"
    for connection in (
        f"postgresql://user:{value}@127.0.0.1:{database}/db",
        f"postgresql://user:{value}@127.0.0.1:1/db",
        {"host": "127.0.0.1", "port": database, "user": value, "password": value, "database": value},
        f"{value}",
    ):
        yield {
            "action": "database_query",
            "config": {"connection": connection, "query": f"SELECT '{value}'", "params": [value]},
            "assert": ["row_count == 1"],
        }


def flow(parts: list[dict[str, object]]) -> str:
    """The flow's text; JSON is YAML."""
    whole = {
        "name": f"Plants ${{{next(iter(SECRETS.env))}}} and ${{GIVEN}}",
        "env": dict.fromkeys(("GIVEN", "BESIDE", "LISTED"), "unset"),
        "secrets": ["GIVEN", "BESIDE", "LISTED", *(["serial"] if "serial" in str(parts) else [])],
        "output": {"seen": "${LICENSE_MARKS}", "mine": "${GIVEN}"},
        "steps": [part | {"on_error": "continue"} for part in parts],
    }
    return json.dumps({"flow": whole}, indent=1)


@dataclass
class Call:
    """A folder with the flow, the files that hold secrets, and all that a run writes."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def prepare(self, text: str) -> None:
        """Write what the run reads."""
        masks = self.folder / "masks" / "one"
        masks.mkdir(parents=True, exist_ok=True)
        (masks / "key").write_text(SECRETS.mask, encoding="utf-8")
        (self.folder / ".env").write_text(f"BESIDE='{SECRETS.dot_env}'\n", encoding="utf-8")
        (self.folder / "list.env").write_text(f"LISTED={SECRETS.env_file}\n", encoding="utf-8")
        (self.folder / "flow.yaml").write_text(text, encoding="utf-8")
        secret_env = {"TESTMESH_SECRET_ENV": ",".join(SECRETS.env), "TESTMESH_MASKS": str(self.folder / "masks")}
        self.environ = clean_environment(**SECRETS.env, **secret_env)

    def arguments(self, *more: str) -> list[str]:
        """Those of a run; ``more`` ones at the end."""
        given = [f"--var=GIVEN={SECRETS.var}", f"--env-file={self.folder / 'list.env'}"]
        return ["run", str(self.folder / "flow.yaml"), *given, *more]

    def run(self, *arguments: str, code: str = "from testmesh_engine.cli.main import main; main()") -> dict[str, str]:
        """What it wrote to standard output and error."""
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, env=self.environ, cwd=self.folder, capture_output=True, timeout=240, check=False)
        assert done.returncode in (1, 2, 3), done.stderr.decode()
        return {"stdout": done.stdout.decode("utf-8", "replace"), "stderr": done.stderr.decode("utf-8", "replace")}

    def reports(self) -> list[str]:
        """The arguments for a report of each kind there is."""
        return [f"--report={kind}={self.folder / kind}" for kind in KINDS]

    def written(self) -> dict[str, str]:
        """What the reports hold, the packed and the escaped ones also as they are read."""
        found = {kind: (self.folder / kind).read_text(encoding="utf-8") for kind in KINDS}
        found["verdict, unpacked"] = str(decode(found["verdict"]))
        found["json, read"] = "\n".join(_texts(json.loads(found["json"])))
        lines = [json.loads(line) for line in found["jsonl"].splitlines()]
        found["jsonl, read"] = "\n".join(_texts(lines))
        return found


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _operands(value: object) -> Iterator[tuple[str, object]]:
    """Every operand of every assertion of a report, with its value."""
    if isinstance(value, dict):
        if "source" in value and "value" in value:
            yield str(value["source"]), value["value"]
        for item in value.values():
            yield from _operands(item)
    elif isinstance(value, list):
        for item in value:
            yield from _operands(item)


def leaks(written: Mapping[str, str]) -> list[str]:
    """Where a secret stands, in which form."""
    found = []
    for name, secret in SECRETS.all().items():
        parts = [secret, *(line for line in secret.splitlines() if len(line) >= 8 and not line.startswith("-----"))]
        given_away = {
            form for part in parts for form in (*forms(part), part.lower(), part.upper(), part[:8], part[2:12])
        }
        for place, text in written.items():
            found += [f"{name} in {place}: {_around(text, form)}" for form in given_away if form in text]
    return found


def _around(text: str, form: str) -> str:
    at = text.index(form)
    return repr(text[max(0, at - 120) : at + len(form) + 60])


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """A folder of its own."""
    return Call(tmp_path)


def told() -> Told:
    """What the servers know."""
    return Told(secrets=NUMBERED, token=SECRETS.token, cookie=SECRETS.cookie, plain=SECRETS.plain)


def assert_nothing_leaks(written: Mapping[str, str]) -> None:
    """Fails with the places, and with what repeats the test."""
    found = leaks(written)
    assert not found, f"TESTMESH_SECRETS_SEED={_SEED}\n" + "\n".join(found[:20]) + f"\n{len(found)} in all"


def test_no_report_holds_a_secret_in_any_form(call: Call) -> None:
    """Each kind of report at once, with all requests and responses."""
    with leaky_web(told()) as base, refusing_database() as database:
        call.prepare(flow(list(steps(base, database))))
        output = call.run(*call.arguments("-v", *call.reports()))
    written = call.written()
    assert written["json"].count('"outcome"') > 100
    assert "login" in output["stdout"]
    assert "***" in output["stdout"]
    assert_nothing_leaks({**output, **written})
    lengths = [
        value
        for source, value in _operands(json.loads(written["json"]))
        if source.startswith(("len(L", "len(ticket", "len(serial", "len(G"))
    ]
    assert lengths
    assert {"***"} == set(lengths)


def test_a_terminal_shows_no_secret(call: Call) -> None:
    """Neither in its lines nor in the one that moves."""
    with leaky_web(told()) as base, refusing_database() as database:
        call.prepare(flow(list(steps(base, database))[:40]))
        assert_nothing_leaks({"terminal": _on_terminal(call)})


def _on_terminal(call: Call) -> str:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "testmesh_engine", *call.arguments()]
    with subprocess.Popen(command, env=call.environ, cwd=call.folder, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        process.wait(timeout=60)
    os.close(ours)
    assert b"\x1b[" in shown
    return shown.decode("utf-8", "replace").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so where the other side has closed
        return b""


BROKEN = """
from testmesh_engine.actions.registry import load_action
def run(config, context):
    try:
        raise ValueError(f"inner {config}")
    except ValueError as error:
        raise RuntimeError(f"bug with {config['body']!r} and {str(config)[:60]}") from error
load_action("http_request").run = run
from testmesh_engine.cli.main import main
main()
"""


def test_a_traceback_of_the_engine_shows_no_secret(call: Call) -> None:
    """With -v, where the bug quotes what it was given."""
    names = [name for name in NAMES if name]
    call.prepare(
        flow(
            [
                {
                    "action": "http_request",
                    "config": {"url": "http://127.0.0.1:1", "body": f"${{{name}}}"},
                    "assert": ["status == 1"],
                }
                for name in names
            ]
        )
    )
    output = call.run(*call.arguments("-v", *call.reports()), code=BROKEN)
    assert len(names) <= output["stdout"].count("RuntimeError")
    assert_nothing_leaks({**output, **call.written()})


OUTSIDE = """
import os
import testmesh_engine.cli.run as run
def broken(*_, **__):
    raise RuntimeError(f"bug with {os.environ['LICENSE_MARKS']} and {os.environ['LICENSE_LINES']!r}")
run.run_flows = broken
from testmesh_engine.cli.main import main
main()
"""


def test_a_traceback_from_outside_of_any_flow_shows_no_secret(call: Call) -> None:
    """There is no flow then that would know them."""
    call.prepare(flow([{"action": "delay", "config": {"duration": "1ms"}}]))
    output = call.run(*call.arguments("-v"), code=OUTSIDE)
    assert "RuntimeError: bug with ***" in output["stderr"]
    assert_nothing_leaks(output)


@pytest.mark.parametrize("action", ["kafka_consumer", "database_query"])
def test_a_flow_that_never_starts_shows_no_secret(call: Call, action: str) -> None:
    """Brokers that can't be reached are named, and what stands beside them is not."""
    values = {name: f"${{{name}}}" for name in NAMES if name}
    config: dict[str, object] = {"brokers": "127.0.0.1:1", "topic": values["LICENSE_WORD"], "timeout": "1s"}
    config |= {"match": {"key": values["LICENSE_MARKS"], "value": {"v": values["LICENSE_WIDE"]}}}
    if action == "database_query":
        config = {"connection": "${NO_SUCH_VARIABLE_AT_ALL:-" + "x}", "query": values["GIVEN"]}
    call.prepare(flow([{"action": action, "config": config, "output": {"serial": "$.count"}}]))
    output = call.run(*call.arguments("-v", *call.reports()))
    assert_nothing_leaks({**output, **call.written()})


def test_an_override_of_the_wrong_kind_is_not_shown(call: Call) -> None:
    """The variable that it is for may be a secret."""
    call.prepare(flow([{"action": "delay", "config": {"duration": "1ms"}}]).replace('"unset"', "5"))
    output = call.run(*call.arguments("-v", *call.reports()))
    assert "GIVEN is a number" in output["stdout"]
    assert_nothing_leaks({**output, **call.written()})
