"""The engine as a process, as a person and as a pod start it: exit codes, signals, verdicts, secrets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command_line import RUN_UID, Cli, until
from support.web import Web, web_server
from testmesh_engine.contract.verdict import Result, VerdictError, decode, judge
from testmesh_engine.report.registry import KINDS

PASSING = "steps: [{id: one, action: delay, config: {duration: 1ms}}]"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def test_nohup_is_kept(cli: Cli) -> None:
    """Who starts a run with nohup wants it to outlive the terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with cli.start(*cli.in_pod(cli.flow(PASSING.replace("1ms", "1s")))) as process:
        until(lambda: cli.verdict.exists() and "one" in _current(cli.verdict))
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)
    assert 0 == process.returncode


def test_a_passing_flow_leaves_a_final_verdict_and_a_log_of_json_lines(cli: Cli) -> None:
    """The operator believes it for this run, this attempt and this exit code only."""
    code, out, _ = cli.call(*cli.in_pod(cli.flow(PASSING)))
    assert 0 == code
    lines = [json.loads(line) for line in out.splitlines()]
    assert ["flow_started", "step_started", "step_finished", "flow_finished"] == [line["event"] for line in lines]
    assert "passed" == lines[-1]["result"]["outcome"]
    verdict = judge(cli.verdict.read_text(), exit_code=0, run_uid=RUN_UID, attempt=0)
    assert (Result.PASSED, ["one"]) == (verdict.result, [step.id for step in verdict.steps])
    with pytest.raises(VerdictError):
        judge(cli.verdict.read_text(), exit_code=0, run_uid=RUN_UID, attempt=1)


@pytest.mark.parametrize(
    ("body", "code", "result"),
    [
        ('steps: [{action: http_request, config: {url: "WEB/order"}, assert: [status == 500]}]', 1, Result.FAILED),
        (
            'steps: [{action: http_request, config: {url: "http://127.0.0.1:1"}, assert: [status == 1]}]',
            1,
            Result.FAILED,
        ),
        ("steps: [{action: delay, config: {duration: 1ms}, disabled: true}]", 2, Result.ERRORED),
        ("steps: []", 2, Result.ERRORED),
        (
            "steps: [{action: database_query, config: {connection: 'postgresql://u@127.0.0.1:1/d', query: SELECT 1}}]",
            3,
            Result.ERRORED,
        ),
        (
            "steps: [{action: kafka_consumer, config: {brokers: '127.0.0.1:1', topic: t}}]",
            3,
            Result.ERRORED,
        ),
    ],
)
def test_each_exit_code_comes_with_the_verdict_that_belongs_to_it(
    cli: Cli, web: Web, body: str, code: int, result: Result
) -> None:
    """Also where the flow was refused before it ran: no way out is without a verdict."""
    found, _, _ = cli.call(*cli.in_pod(cli.flow(body.replace("WEB", web.url))))
    verdict = judge(cli.verdict.read_text(), exit_code=found, run_uid=RUN_UID, attempt=0)
    assert (code, result) == (found, verdict.result)
    assert verdict.first_failure is not None or result is Result.ERRORED


def _waits(web: Web) -> str:
    return f"""
steps:
  - {{id: hang, action: http_request, config: {{url: "{web.url}/silent"}}, assert: [status == 200]}}
  - {{id: after, action: http_request, config: {{url: "{web.url}/order?after"}}, assert: [status == 200]}}
teardown:
  - {{id: clean, action: http_request, config: {{url: "{web.url}/order?clean"}}}}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_in_130_with_teardown_done_and_a_final_verdict(
    cli: Cli, web: Web, number: signal.Signals
) -> None:
    """While a service does not answer: at once, not when the step's time is over."""
    web.seen.clear()
    with cli.start(*cli.in_pod(cli.flow(_waits(web)))) as process:
        until(lambda: "GET /silent" in web.seen)
        partial = decode(cli.verdict.read_text())
        assert (False, "hang") == (partial.final, partial.current)
        sent = time.monotonic()
        process.send_signal(number)
        process.communicate(timeout=10)
    assert time.monotonic() - sent < 5
    verdict = judge(cli.verdict.read_text(), exit_code=process.returncode, run_uid=RUN_UID, attempt=0)
    assert (130, Result.INTERRUPTED) == (process.returncode, verdict.result)
    assert ["hang", "after", "clean"] == [step.id for step in verdict.steps]
    assert (["GET /order?clean"], False) == (web.seen[1:], "GET /order?after" in web.seen)


def test_a_failed_test_stays_failed_when_its_teardown_is_interrupted(cli: Cli, web: Web) -> None:
    """Else an eviction or a deadline during teardown would hide the failure, and a retry run the flow again."""
    path = cli.flow(f"""
steps:
  - {{id: check, action: http_request, config: {{url: "{web.url}/order"}}, assert: [status == 500]}}
teardown:
  - {{id: clean, action: http_request, config: {{url: "{web.url}/silent"}}, assert: [status == 200]}}
""")
    web.seen.clear()
    cli.environment["TESTMESH_GRACE_SECONDS"] = "6"
    with cli.start(*cli.in_pod(path)) as process:
        until(lambda: "GET /silent" in web.seen)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)
    verdict = judge(cli.verdict.read_text(), exit_code=process.returncode, run_uid=RUN_UID, attempt=0)
    assert (1, Result.FAILED) == (process.returncode, verdict.result)
    assert verdict.first_failure
    assert "check" == verdict.first_failure.step


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_run_that_waits_for_its_flow(cli: Cli, number: signal.Signals) -> None:
    """Nothing runs yet: one signal is enough, and there is a verdict all the same."""
    with cli.start("run", "-", "--report", f"verdict={cli.verdict}", "--report", "jsonl=-") as process:
        until(lambda: _reads_standard_input(process.pid))
        process.send_signal(number)
        process.wait(timeout=10)
        assert process.stdout is not None
        (line,) = process.stdout.read().splitlines()
    verdict = judge(cli.verdict.read_text(), exit_code=process.returncode, run_uid=RUN_UID, attempt=0)
    assert (130, Result.INTERRUPTED) == (process.returncode, verdict.result)
    assert verdict.first_failure is not None
    assert f"not started: interrupted by {number.name}" == verdict.first_failure.message
    assert "flow_finished" == json.loads(line)["event"]


def test_a_signal_ends_validate_that_waits_for_its_flow(cli: Cli) -> None:
    """As for a run: 130, without a word."""
    with cli.start("validate", "-") as process:
        until(lambda: _reads_standard_input(process.pid))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (130, "", "") == (process.returncode, out, err)


def test_a_signal_while_the_engine_starts_is_not_lost(cli: Cli, web: Web) -> None:
    """A runner is process 1 of its pod: a signal that it has no handler for never reaches it."""
    web.seen.clear()
    slow = cli.folder / "sitecustomize.py"
    slow.write_text(
        "import os, sys, signal\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'testmesh_engine.cli.run':\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    cli.environment["PYTHONPATH"] = str(cli.folder)
    code, _, _ = cli.call(*cli.in_pod(cli.flow(_waits(web))))
    verdict = judge(cli.verdict.read_text(), exit_code=code, run_uid=RUN_UID, attempt=0)
    assert (130, Result.INTERRUPTED, []) == (code, verdict.result, web.seen)


def test_nohup_keeps_a_run_from_the_end_of_its_terminal(cli: Cli) -> None:
    """Who started it so wants it to go on."""
    path = cli.flow("steps: [{id: one, action: delay, config: {duration: 400ms}}]")
    command = ("trap '' HUP; exec \"$@\"", "sh", sys.executable, "-m", "testmesh_engine", *map(str, cli.in_pod(path)))
    with subprocess.Popen(
        ["sh", "-c", *command], env=cli.environment, cwd=cli.folder, stdout=subprocess.DEVNULL
    ) as run:
        until(lambda: cli.verdict.exists() and "one" in _current(cli.verdict))
        run.send_signal(signal.SIGHUP)
        assert 0 == run.wait(timeout=10)


def test_a_killed_runner_leaves_a_partial_verdict_that_is_never_believed(cli: Cli, web: Web) -> None:
    """It tells the step that was under way."""
    with cli.start(*cli.in_pod(cli.flow(_waits(web)))) as process:
        until(lambda: cli.verdict.exists() and "hang" in _current(cli.verdict))
        process.kill()
        process.communicate(timeout=10)
    with pytest.raises(VerdictError, match="before its verdict was final"):
        judge(cli.verdict.read_text(), exit_code=0, run_uid=RUN_UID, attempt=0)


SECRETS = {"API_PASS": "hunter2-wörd/&+x", "OTHER": "tok-123456789"}


def test_secrets_stand_in_no_report(cli: Cli, web: Web) -> None:
    """Planted in URLs, headers, bodies, connection URLs, errors and captured values; searched for in everything."""
    cli.environment |= {**SECRETS, "TESTMESH_SECRET_ENV": ",".join(SECRETS), "TESTMESH_RUN_ENV": ",".join(SECRETS)}
    cli.environment |= {
        "MOUNTED": "mounted-secret-6",
        "TESTMESH_MASKS": str(_mounted(cli.folder, "mounted-secret-6\n")),
    }
    path = cli.flow(f"""
env: {{DB: "postgresql://root:dsn-password-1@127.0.0.1:1/db", CONN: "${{OTHER}}"}}
steps:
  - id: login
    name: "as ${{OTHER}}"
    action: http_request
    config:
      url: "{web.url}/echo?q=${{API_PASS}}"
      method: POST
      headers: {{Authorization: "Bearer header-secret-22", X-Other: "${{OTHER}}"}}
      body: {{password: body-secret-333, note: "it is ${{API_PASS}}", of: "${{MOUNTED}}"}}
    assert: [status == 500, body.body == "x", body.headers.Authorization == "y"]
    output: {{session_token: body.headers.Authorization}}
    on_error: continue
  - id: refused
    action: http_request
    config: {{url: "http://user:url-password-4@127.0.0.1:1/${{OTHER}}"}}
    assert: [status == 200]
    on_error: continue
  - id: query
    action: database_query
    config: {{connection: "${{DB}}", query: "SELECT '${{API_PASS}}'"}}
    on_error: continue
  - {{id: none, action: database_query, config: {{connection: "mysql://u:dsn-password-5@h/${{OTHER}}", query: x}}}}
""")
    files = {kind: cli.folder / kind for kind in KINDS}
    reports = [part for kind, file in files.items() for part in ("--report", f"{kind}={file}")]
    code, out, err = cli.call("run", path, "-v", *reports)
    assert 1 == code
    texts = {"stdout": out, "stderr": err} | {kind: file.read_text() for kind, file in files.items()}
    texts["verdict"] = str(decode(texts["verdict"]))
    planted = (
        *SECRETS.values(),
        *("dsn-password-1", "header-secret-22", "body-secret-333", "url-password-4", "dsn-password-5"),
        "mounted-secret-6",
        *("hunter2", "w%C3%B6rd", "w\\u00f6rd"),
    )
    for kind, text in texts.items():
        assert text or kind == "stderr", kind
        assert [] == [secret for secret in planted if secret in text], kind
    assert "✗ login" in out, "the login must have been sent and answered"
    assert "***" in texts["json"]


def _mounted(folder: Path, secret: str) -> Path:
    """A Secret as the kubelet mounts it: the data in a folder of its own, with a link to it beside."""
    data = folder / "masks" / "credentials" / "..2026_11_22"
    data.mkdir(parents=True)
    (data / "key").write_text(secret)
    (data.parent / "..data").symlink_to(data.name)
    (data.parent / "key").symlink_to("..data/key")
    return folder / "masks"


def test_a_database_password_that_is_short_stands_in_no_report(cli: Cli) -> None:
    """The seed's password is a word of five letters: masked in its URL, wherever the URL stands."""
    body = "steps: [{action: database_query, config: {connection: 'postgresql://root:admin@127.0.0.1:1/d', query: x}}]"
    _, out, err = cli.call("run", cli.flow(body), "-v")
    assert "127.0.0.1:1/d" in out
    assert "admin" not in out + err


def test_a_short_password_of_a_url_stands_in_no_report(cli: Cli) -> None:
    """Masked in place in the request, the error and the summary, each time."""
    body = "steps: [{action: http_request, config: {url: 'http://joe:abc@127.0.0.1:1/'}, assert: [status == 200]}]"
    _, out, err = cli.call("run", cli.flow(body), "-v")
    assert 3 == out.count("joe:***@127.0.0.1:1")
    assert ":abc@" not in out + err


def test_validating_imports_no_driver(cli: Cli) -> None:
    """Nor does running a flow that uses none."""
    flow = cli.flow("""
steps:
  - {action: http_request, config: {url: "http://h"}, assert: [status == 200]}
  - {action: database_query, config: {connection: "postgresql://h/d", query: SELECT 1}, assert: [row_count == 1]}
  - {action: kafka_consumer, config: {brokers: "h:1", topic: t}}
""")
    program = (
        "import sys\n"
        "from testmesh_engine.cli.validate import ValidateArguments, validate_paths\n"
        f"assert 0 == validate_paths(ValidateArguments(paths=({str(flow)!r},)))\n"
        "print(sorted({'httpx', 'httpcore', 'psycopg', 'confluent_kafka'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "[]" == done.stdout.splitlines()[-1]


def test_a_run_needs_no_home_and_no_writable_folder(cli: Cli) -> None:
    """As in a pod: read-only root, another user, no HOME."""
    path = cli.flow(PASSING)
    cli.environment.pop("HOME", None)
    cli.folder.chmod(0o555)
    try:
        code, out, _ = cli.call("run", path, "--report", "jsonl=-")
    finally:
        cli.folder.chmod(0o755)
    assert 0 == code, out


def test_a_report_that_cannot_be_opened_stops_the_call_before_anything_runs(cli: Cli, web: Web) -> None:
    """A run whose result would be lost is not begun."""
    web.seen.clear()
    path = cli.flow(_waits(web))
    code, _, err = cli.call("run", path, "--report", f"json={path}/all.json")
    assert (2, []) == (code, web.seen)
    assert "can't be written: Not a directory" in err


def test_validate_reads_standard_input_and_answers_in_json(cli: Cli) -> None:
    """As the operator asks: the file's name is its field of the resource."""
    text = "flow:\n  name: mine\n  steps:\n    - action: http_requst\n"
    code, out, _ = cli.call("validate", "--output", "json", "--stdin-name", "spec.source", "-", stdin=text)
    answer = json.loads(out)
    assert (2, {"name": "mine"}) == (code, answer["flow"])
    problem = answer["problems"][0]
    assert ("spec.source", 4, 15) == (problem["file"], problem["line"], problem["column"])
    assert 'Did you mean "http_request"?' in problem["hint"]


def test_validate_reads_an_object_and_names_paths(cli: Cli) -> None:
    """As kubectl has read ``spec.flow``: there are no lines to point at."""
    steps = [
        {"id": "one", "action": "http_request", "config": {"url": "http://h"}, "assert": ["status == 200", "nope"]}
    ]
    data = json.dumps({"name": "mine", "steps": steps})
    code, out, _ = cli.call("validate", "--output", "json", "--object", "spec.flow", "-", stdin=data)
    answer = json.loads(out)
    assert (2, "mine") == (code, answer["flow"]["name"])
    assert ["spec.flow.steps[0].assert[1]"] == [problem["path"] for problem in answer["problems"]]
    assert "line" not in answer["problems"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nowhere.yaml"), "nowhere.yaml can't be read: No such file or directory"),
        (("run", "--env-file", ".", "flow.yaml"), ". is a folder"),
        (("run", "flow.yaml", "--var", "X"), "--var X is no NAME=value"),
        (("run", "flow.yaml", "--var", "my-pass=hunter2"), "--var my-pass is no NAME=value\n"),
        (("run", "ports.yaml", "--var", "PROT=1"), '--var PROT: nothing declares or reads it\n  Did you mean "PORT"?'),
        (("run", "flow.yaml", "--report", "junitt=x"), "unknown report 'junitt'"),
        (("run", "flow.yaml", "--report", "json"), "--report json names no file"),
        (("run", "flow.yaml", "--timeout", "5"), "5 has no unit"),
        (("run", "flow.yaml", "--timeout", "0s"), "0s leaves no time"),
        (("run", "flow.yaml", "--env-file", "nowhere.env"), "nowhere.env can't be read"),
        (("run", "flow.yaml", "ports.yaml", "--report", "verdict=v"), "a verdict is about one flow"),
        (("validate", "binary.yaml"), "binary.yaml is no UTF-8 text"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_a_mistake_in_the_arguments_is_a_sentence_and_exit_code_2(
    cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    """Never a traceback."""
    cli.flow(PASSING)
    cli.flow(f"env: {{PORT: 1}}\n{PASSING}", "ports.yaml")
    (cli.folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    code, _, err = cli.call(*arguments)
    assert 2 == code
    assert said in err


def test_one_invalid_file_stops_the_whole_call(cli: Cli, web: Web) -> None:
    """All problems of all files are told, and nothing has run."""
    web.seen.clear()
    good = cli.flow(
        f'steps: [{{action: http_request, config: {{url: "{web.url}"}}, assert: [status == 200]}}]', "a.yaml"
    )
    code, _, err = cli.call("run", good, cli.flow("steps: []", "b.yaml"), cli.flow("stepss: []", "c.yaml"))
    assert (2, []) == (code, web.seen)
    assert "b.yaml:3:10: error: steps is empty" in err
    assert "c.yaml" in err


def test_each_file_has_the_env_file_beside_it(cli: Cli) -> None:
    """Whatever files are run in the same call."""
    asserts = "steps: [{action: delay, config: {duration: 1ms}, assert: [WHERE == 'FOLDER']}]"
    for folder in ("one", "two"):
        (cli.folder / folder).mkdir()
        (cli.folder / folder / ".env").write_text(f"WHERE={folder}\n")
    paths = [cli.flow(asserts.replace("FOLDER", folder), f"{folder}/flow.yaml") for folder in ("one", "two")]
    code, out, _ = cli.call("run", *paths)
    assert 0 == code, out


def test_a_variable_may_be_read_by_one_flow_of_several_and_by_a_name(cli: Cli) -> None:
    """Also by a key that is computed."""
    title = """
steps:
  - name: "of ${TITLE}"
    action: delay
    config: {duration: 1ms}
    assert: ["env['A' + 'B'] == '2'"]
"""
    paths = (cli.flow(PASSING), cli.flow(title, "title.yaml"))
    code, out, err = cli.call("run", *paths, "--var", "TITLE=1", "--var", "AB=2")
    assert 0 == code, out + err


def test_strict_makes_warnings_stop_a_run(cli: Cli, web: Web) -> None:
    """A step that asserts nothing passes on any result."""
    path = cli.flow(f'steps: [{{action: http_request, config: {{url: "{web.url}"}}}}]')
    assert 0 == cli.call("run", path)[0]
    code, _, err = cli.call("run", path, "--strict")
    assert 2 == code
    assert "asserts nothing" in err


def test_the_verdict_stays_within_the_bytes_that_the_pod_has(cli: Cli) -> None:
    """The kubelet would cut a longer one, and then nobody could believe it."""
    cli.environment["TESTMESH_MESSAGE_BYTES"] = "700"
    steps = "\n".join(f"  - {{id: step_{number}, action: delay, config: {{duration: 1ms}}}}" for number in range(200))
    code, _, _ = cli.call(*cli.in_pod(cli.flow(f"steps:\n{steps}")))
    assert cli.verdict.stat().st_size <= 700
    assert 200 == judge(cli.verdict.read_text(), exit_code=code, run_uid=RUN_UID, attempt=0).counts.passed


def test_version_and_help(cli: Cli) -> None:
    """A newcomer's first two calls."""
    assert cli.call("version")[1].startswith("testmesh ")
    assert cli.call("--version")[1] == cli.call("version")[1]
    assert "validate" in cli.call("--help")[1]


def _reads_standard_input(pid: int) -> bool:
    """Whether the process waits in ``read(0, …)``: system call 0 on x86-64, 63 elsewhere."""
    words = Path(f"/proc/{pid}/syscall").read_text().split()
    return words[0] in {"0", "63"} and words[1] == "0x0"


def _current(path: Path) -> str:
    text = path.read_text()
    return decode(text).current if text else ""
