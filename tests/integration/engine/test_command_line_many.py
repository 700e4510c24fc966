"""The command line on folders of flows: what is picked, what runs at once, and what a whole call ends with."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from support.command_line import Cli, until
from support.web import Web, web_server

PASSING = "steps: [{action: delay, config: {duration: 1ms}}]"
FAILING = "steps: [{action: delay, config: {duration: 1ms}, assert: [1 == 2]}]"
SKIPPED = "steps: [{action: delay, config: {duration: 1ms}, disabled: true}]"
WRONG = "steps: [{action: delay, config: {duration: '${1 + nil}'}}]"
NO_DATABASE = "steps: [{action: database_query, config: {connection: 'postgresql://u@127.0.0.1:1/d', query: SELECT 1}}]"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def _results(path: Path) -> list[dict[str, Any]]:
    flows: list[dict[str, Any]] = json.loads(path.read_text())["flows"]
    return flows


def test_a_folder_runs_its_flows_and_passes_over_what_is_none(cli: Cli) -> None:
    """Under -v the files that were passed over are named."""
    cli.flow(PASSING, "flows/a.yaml")
    cli.flow(PASSING, "flows/sub/b.yml")
    (cli.folder / "flows" / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    code, _, err = cli.call("run", "flows", "--report", "json=r.json", "-v")
    assert 0 == code
    assert ["flows/a.yaml", "flows/sub/b.yml"] == [flow["file"] for flow in _results(cli.folder / "r.json")]
    assert "passed over, for there is no flow: in them: flows/kustomization.yaml" in err


def test_a_mistyped_root_key_in_a_folder_stops_the_call(cli: Cli) -> None:
    """A flow that vanishes is a test that is believed to pass."""
    cli.flow(PASSING, "flows/a.yaml")
    (cli.folder / "flows" / "b.yaml").write_text("flwo:\n  name: x\n  steps: []\n")
    code, _, err = cli.call("run", "flows")
    assert 2 == code
    assert "flows/b.yaml:1:1: error: the root key flow: is missing" in err


def test_a_file_that_a_tag_would_leave_out_is_checked_all_the_same(cli: Cli) -> None:
    """Its tags can't be believed before it is read, and a broken file must not wait for the nightly run."""
    cli.flow(f"tags: [smoke]\n{PASSING}", "flows/a.yaml")
    cli.flow("tags: [slow]\nsteps: []", "flows/b.yaml")
    code, _, err = cli.call("run", "flows", "--tag", "smoke")
    assert 2 == code
    assert "flows/b.yaml:4:10: error: steps is empty" in err


def test_a_call_that_is_refused_says_how_many_flows_are_wrong(cli: Cli) -> None:
    """Also where they are so under --strict only."""
    cli.flow(PASSING, "flows/a.yaml")
    for name in "bc":
        cli.flow(f"env: {{UNUSED: 1}}\n{PASSING}", f"flows/{name}.yaml")
    assert 0 == cli.call("run", "flows")[0]
    code, _, err = cli.call("run", "flows", "--strict", "--report", "json=r.json")
    assert 2 == code
    assert "testmesh: nothing was run: 2 of 3 flows can't be\n" in err
    ends = {flow["file"]: flow["outcome"] for flow in _results(cli.folder / "r.json")}
    assert {"flows/a.yaml": "not_run", "flows/b.yaml": "errored", "flows/c.yaml": "errored"} == ends


INPUT = "inputs: {user: }\nsteps: [{action: delay, config: {duration: 1ms}, assert: [user == 'john']}]"


def test_a_flow_that_lacks_an_input_is_skipped_where_it_was_found_and_wrong_where_it_was_named(cli: Cli) -> None:
    """It may be there for other flows to call; who names it means to run it."""
    cli.flow(INPUT, "flows/login.yaml")
    code, _, err = cli.call("run", "flows", "--report", "json=r.json")
    assert 2 == code, err
    cli.flow(PASSING, "flows/a.yaml")
    assert 0 == cli.call("run", "flows", "--report", "json=r.json")[0]
    results = _results(cli.folder / "r.json")
    assert ["passed", "skipped"] == [flow["outcome"] for flow in results]
    assert "the input user has no value" in results[1]["first_failure"]["message"]
    assert 2 == cli.call("run", "flows/login.yaml")[0]
    assert 2 == cli.call("run", "flows", "flows/login.yaml")[0]
    assert 0 == cli.call("run", "flows", "--var", "user=john")[0]


def test_each_row_of_data_is_a_run_with_a_result_of_its_own(cli: Cli) -> None:
    """From a file beside the flow; one that fails touches no other, and random values differ."""
    (cli.folder / "flows").mkdir()
    (cli.folder / "flows" / "users.csv").write_text("name,age\njohn,7\njane,8\njim,9\n")
    cli.flow(
        """
data: {file: users.csv}
steps:
  - {id: a, action: delay, config: {duration: 1ms}, assert: ["row.name != 'jane'"], output: {seen: "${RANDOM_ID}"}}
output: {seen: seen}
""",
        "flows/a.yaml",
    )
    code, out, err = cli.call("run", "flows", "--parallel", "3", "--report", "json=r.json")
    assert 1 == code, out + err
    results = _results(cli.folder / "r.json")
    assert ["passed", "failed", "passed"] == [flow["outcome"] for flow in results]
    assert ["row 1 of 3 (name: john)", "row 2 of 3 (name: jane)", "row 3 of 3 (name: jim)"] == [
        flow["row"] for flow in results
    ]
    assert 3 == len({flow["output"]["seen"] for flow in results})


def test_two_flows_of_one_name_have_random_values_of_their_own(cli: Cli) -> None:
    """Copies that run at once would write the same order; the seed of the second one repeats it alone."""
    body = "steps: [{id: a, action: delay, config: {duration: 1ms}, output: {seen: RANDOM_ID}}]\noutput: {seen: seen}"
    for name in "ab":
        cli.flow(body, f"flows/{name}.yaml")
    report = ("--report", "json=r.json")
    cli.call("run", "flows", "--seed", "s", *report)
    first, second = _results(cli.folder / "r.json")
    assert first["output"]["seen"] != second["output"]["seen"]
    assert ("s", "s/2") == (first["seed"], second["seed"])
    cli.call("run", "flows/b.yaml", "--seed", second["seed"], *report)
    assert second["output"] == _results(cli.folder / "r.json")[0]["output"]


def test_tags_and_suites_pick_flows(cli: Cli) -> None:
    """One of the tags, none of those with a mark before them."""
    for name, keys in {"a": "tags: [smoke]", "b": "tags: [smoke, slow]", "c": "suite: shop"}.items():
        cli.flow(f"{keys}\n{PASSING}", f"flows/{name}.yaml")
    report = ("--report", "json=r.json")
    assert 0 == cli.call("run", "flows", "--tag", "smoke", "--tag", "!slow", *report)[0]
    assert ["flows/a.yaml"] == [flow["file"] for flow in _results(cli.folder / "r.json")]
    assert 0 == cli.call("run", "flows", "--suite", "shop", *report)[0]
    assert ["flows/c.yaml"] == [flow["file"] for flow in _results(cli.folder / "r.json")]


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ([PASSING, PASSING], 0),
        ([PASSING, FAILING], 1),
        ([FAILING, NO_DATABASE], 1),
        ([PASSING, NO_DATABASE], 3),
        ([FAILING, WRONG, NO_DATABASE], 2),
        ([PASSING, SKIPPED], 0),
        ([FAILING, SKIPPED], 1),
        ([SKIPPED, SKIPPED], 2),
    ],
)
def test_the_exit_code_of_several_flows_is_the_worst_of_them(cli: Cli, bodies: list[str], code: int) -> None:
    """2 before 1 before 3 before 0; flows that are skipped don't count, unless all are."""
    for number, body in enumerate(bodies):
        cli.flow(body, f"flows/{number}.yaml")
    found, out, err = cli.call("run", "flows", "--parallel", "2")
    assert code == found, out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "empty"), "there is no *.yaml or *.yml in the folder empty"),
        (
            ("run", "other"),
            "there is no flow in other\n  A flow file has the root key flow:, which is in none of: other/v.yaml",
        ),
        (("run", "flows/*.json"), "no *.yaml or *.yml matches flows/*.json"),
        (("run", "flows", "--tag", "smok"), 'none of 1 flows has --tag smok\n  Did you mean "smoke"? Tags: smoke.'),
        (("run", "flows", "--suite", "x"), "none of 1 flows has --suite x"),
        (("run", "flows", "--parallel", "0"), "'--parallel'"),
        (("validate", "empty"), "there is no *.yaml or *.yml in the folder empty"),
        (("watch", "-"), "standard input can't be watched"),
        (("actions", "http_requst"), 'there is no action "http_requst"\n  Did you mean "http_request"?'),
        (("actions", "mongodb_find"), 'there is no action "mongodb_find"'),
        (("completion", "tcsh"), "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (("run", "flows", "--tags", "x"), "No such option '--tags'"),
        (("schema", "--output", "no/where"), "no/where can't be written: No such file or directory"),
    ],
)
def test_nothing_to_run_is_exit_code_2_with_what_was_looked_for(
    cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    """Never green because a name is wrong."""
    cli.flow(f"tags: [smoke]\n{PASSING}", "flows/a.yaml")
    (cli.folder / "empty").mkdir()
    (cli.folder / "other").mkdir()
    (cli.folder / "other" / "v.yaml").write_text("image: x\n")
    code, _, err = cli.call(*arguments)
    assert 2 == code
    assert said in err


def test_fail_fast_leaves_the_rest_and_says_so(cli: Cli) -> None:
    """Each flow that was not started is in the reports."""
    for number, body in enumerate((PASSING, FAILING, PASSING)):
        cli.flow(body, f"flows/{number}.yaml")
    code, out, _ = cli.call("run", "flows", "--fail-fast", "--report", "json=r.json")
    assert 1 == code
    assert ["passed", "failed", "not_run"] == [flow["outcome"] for flow in _results(cli.folder / "r.json")]
    assert "not run: --fail-fast, and tested failed" in out


def test_a_signal_ends_all_flows_that_run_each_with_its_teardown(cli: Cli, web: Web) -> None:
    """Those that were not started are told as interrupted."""
    web.seen.clear()
    for number in range(4):
        cli.flow(
            f"""
steps: [{{action: http_request, config: {{url: "{web.url}/silent?{number}"}}, assert: [status == 200]}}]
teardown: [{{action: http_request, config: {{url: "{web.url}/order?clean-{number}"}}}}]
""",
            f"flows/{number}.yaml",
        )
    with cli.start("run", "flows", "--parallel", "2", "--report", "json=r.json") as process:
        until(lambda: {"GET /silent?0", "GET /silent?1"} <= set(web.seen))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert 130 == process.returncode
    assert {"GET /order?clean-0", "GET /order?clean-1"} == {line for line in web.seen if "clean" in line}
    results = _results(cli.folder / "r.json")
    assert [True] * 4 == [flow["interrupted"] for flow in results]
    assert ["not started: interrupted by SIGINT"] * 2 == [flow["first_failure"]["message"] for flow in results[2:]]


def test_a_signal_before_click_is_imported_is_heard(cli: Cli) -> None:
    """The first thing that the process does is to listen."""
    cli.flow(PASSING)
    (cli.folder / "sitecustomize.py").write_text(
        "import os, sys, signal\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'testmesh_engine.cli.commands':\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    cli.environment["PYTHONPATH"] = str(cli.folder)
    assert 130 == cli.call("run", "flow.yaml", "--report", "jsonl=-")[0]


def test_a_seed_repeats_the_random_values_of_a_run(cli: Cli) -> None:
    """The report tells it; any text is one."""
    cli.flow("steps: [{id: a, action: delay, config: {duration: 1ms}, assert: [RANDOM_ID == 1]}]", "a.yaml")
    runs = []
    for seed in (("--seed", "été 1"), ("--seed", "été 1"), ("--seed", "2"), (), ()):
        cli.call("run", "a.yaml", "--report", "json=r.json", *seed)
        (flow,) = _results(cli.folder / "r.json")
        runs.append((flow["seed"], str(flow["steps"][0]["attempts"][0]["assertions"])))
    assert runs[0] == runs[1]
    assert 4 == len({shown for _, shown in runs})
    again = cli.call("run", "a.yaml", "--report", "json=r.json", "--seed", runs[4][0])
    assert runs[4][1] in str(_results(cli.folder / "r.json")[0]["steps"]), again


def test_of_several_env_files_the_later_one_wins(cli: Cli) -> None:
    """As of several --var."""
    (cli.folder / "one.env").write_text("A=1\nB=1\n")
    (cli.folder / "two.env").write_text("B=2\n")
    cli.flow("steps: [{action: delay, config: {duration: 1ms}, assert: [\"A + B == '12'\"]}]", "a.yaml")
    code, out, err = cli.call("run", "a.yaml", "--env-file", "one.env", "--env-file", "two.env")
    assert 0 == code, out + err


def test_validate_reads_a_folder_and_sums_up(cli: Cli) -> None:
    """Every problem of every file, and what was passed over."""
    cli.flow(PASSING, "flows/a.yaml")
    cli.flow("steps: []", "flows/b.yaml")
    (cli.folder / "flows" / "values.yaml").write_text("image: x\n")
    code, out, _ = cli.call("validate", "flows")
    assert 2 == code
    assert "flows/a.yaml: tested: ok" in out
    assert "flows/b.yaml:3:10: error: steps is empty" in out
    assert "2 flows in 2 files: 1 with errors\npassed over, for there is no flow: in them: flows/values.yaml\n" in out


def test_validate_knows_the_env_file_beside_the_flow(cli: Cli) -> None:
    """As a run does."""
    (cli.folder / ".env").write_text("WHO=me\n")
    cli.flow("steps: [{action: delay, config: {duration: 1ms}, assert: [WHO == 'me']}]", "a.yaml")
    assert (0, "a.yaml: tested: ok\n") == cli.call("validate", "a.yaml", "--strict")[:2]


class _Session(BaseHTTPRequestHandler):
    """Tells a client what it sent, and who it is by the cookie that it got first."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wrong: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """``/login/<who>`` sets a cookie, ``/whoami/<who>`` tells the cookie and the body."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        what, who = self.path.strip("/").split("/")
        cookie = self.headers.get("Cookie", "")
        if (what == "login") is not (cookie == "") or (what == "whoami" and cookie != f"session={who}"):
            self.wrong.append(f"{self.path}: cookie {cookie}")
        answer = json.dumps({"who": who, "sent": body, "token": f"token-of-flow-{who}", "cookie": cookie}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        if what == "login":
            self.send_header("Set-Cookie", f"session={who}; Path=/")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def sessions() -> Iterator[str]:
    """The base URL of a server with sessions."""
    _Session.wrong.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Session)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_flows_that_run_at_once_share_nothing(cli: Cli, sessions: str) -> None:
    """Neither variables nor cookies nor masks nor results: eight flows, all at once, many steps each."""
    for number in range(8):
        who = f"f{number}"
        steps = "\n".join(
            f"""
  - id: ask_{step}
    action: http_request
    config:
      url: "{sessions}/whoami/${{WHO}}"
      method: POST
      body: {{who: "${{WHO}}", n: {step}, random: "${{RANDOM_ID}}", token: "${{my_token}}"}}
    assert:
      - body.cookie == 'session={who}'
      - body.who == '{who}'
      - body.sent.token == 'token-of-flow-{who}'
      - body.sent.n == {step}
      - seen == '{who}'
    output: {{seen: $.body.who, random_{step}: $.body.sent.random}}"""
            for step in range(25)
        )
        cli.flow(
            f"""
env: {{WHO: {who}, PASSWORD: "common-word"}}
steps:
  - id: login
    action: http_request
    config: {{url: "{sessions}/login/${{WHO}}", method: POST, body: {{password: "pw-of-{who}-1234", note: "common"}}}}
    assert: [status == 200]
    output: {{my_token: $.body.token, seen: $.body.who}}
{steps}
""",
            f"flows/{who}.yaml",
        )
    code, out, err = cli.call("run", "flows", "--parallel", "8", "--report", "json=r.json", "--report", "jsonl=l.jsonl")
    assert (0, []) == (code, _Session.wrong), out + err
    results = _results(cli.folder / "r.json")
    assert [f"flows/f{number}.yaml" for number in range(8)] == [flow["file"] for flow in results]
    assert [26] * 8 == [len(flow["steps"]) for flow in results]
    assert [26] * 8 == [flow["metrics"]["http_requests"] for flow in results]
    text = (cli.folder / "r.json").read_text() + (cli.folder / "l.jsonl").read_text() + out
    assert [] == [who for who in range(8) if f"pw-of-f{who}-1234" in text]
    randoms = [step["attempts"][0]["request"] for flow in results for step in flow["steps"][1:]]
    assert 200 == len({str(request) for request in randoms})


def test_watch_runs_again_when_a_file_changes_and_says_what_is_wrong_meanwhile(cli: Cli) -> None:
    """Ctrl-C ends it with 130."""
    path = cli.flow(PASSING, "flows/a.yaml")
    errors = cli.folder / "err"
    with errors.open("w") as err, cli.start("watch", "flows", stderr=err) as process:

        def said(text: str, times: int) -> None:
            until(lambda: errors.read_text().count(text) >= times)

        said("waiting for a change", 1)
        cli.flow("steps: []", "flows/a.yaml")
        said("waiting for a change", 2)
        assert "flows/a.yaml:3:10: error: steps is empty" in errors.read_text()
        (cli.folder / "flows" / ".env").write_text("X=1\n")
        said("flows/.env is new", 1)
        said("waiting for a change", 3)
        path.unlink()
        said("there is no *.yaml or *.yml in the folder flows", 1)
        said("waiting for a change", 4)
        cli.flow(PASSING, "flows/b.yaml")
        said("waiting for a change", 5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert 130 == process.returncode
    assert 2 == out.count("PASSED"), out


def test_watch_sees_what_changes_while_the_flow_runs_and_the_files_that_it_names(cli: Cli) -> None:
    """Nothing that is saved is lost."""
    rows = cli.folder / "rows.csv"
    rows.write_text("name\njohn\n")
    cli.flow("data: {file: rows.csv}\nsteps: [{action: delay, config: {duration: 700ms}, name: '${row.name}'}]")
    errors = cli.folder / "err"
    with errors.open("w") as err, cli.start("watch", "flow.yaml", stderr=err) as process:
        until(lambda: "started" in errors.read_text())
        time.sleep(0.4)
        cli.flow("data: {file: rows.csv}\nsteps: [{action: delay, config: {duration: 1ms}, name: '${row.name}'}]")
        until(lambda: "flow.yaml changed" in errors.read_text())
        until(lambda: errors.read_text().count("waiting for a change") == 2)
        rows.write_text("name\njane\njim\n")
        until(lambda: "rows.csv changed" in errors.read_text())
        until(lambda: errors.read_text().count("waiting for a change") == 3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert (130, True) == (process.returncode, "jim" in out)


def test_watch_ends_a_flow_that_runs_with_its_teardown(cli: Cli, web: Web) -> None:
    """As run does."""
    web.seen.clear()
    cli.flow(f"""
steps: [{{action: http_request, config: {{url: "{web.url}/silent"}}, assert: [status == 200]}}]
teardown: [{{action: http_request, config: {{url: "{web.url}/order?clean"}}}}]
""")
    with cli.start("watch", "flow.yaml") as process:
        until(lambda: "GET /silent" in web.seen)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert (130, "GET /order?clean") == (process.returncode, web.seen[-1])
    assert "waiting" not in err


@pytest.mark.parametrize("command", ["", "run", "watch", "validate", "actions", "schema", "completion", "version"])
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    """In no more columns than a terminal has."""
    code, out, _ = cli.call(*([command] if command else []), "--help")
    assert 0 == code
    assert out.startswith("Usage: testmesh")
    assert [] == [line for line in out.splitlines() if len(line) > 100]


def test_testmesh_alone_prints_its_help(cli: Cli) -> None:
    """It has nothing to run, which is no success."""
    code, out, err = cli.call()
    assert 2 == code
    assert "First steps:" in out + err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(cli: Cli, shell: str) -> None:
    """Which asks testmesh itself for what may follow."""
    code, out, _ = cli.call("completion", shell)
    assert 0 == code
    assert f"_TESTMESH_COMPLETE={shell}_complete" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("testmesh ru", ["plain,run"]),
        ("testmesh run --par", ["plain,--parallel"]),
        ("testmesh run --report js", ["plain,json=", "plain,jsonl="]),
        ("testmesh run fl", ["file,fl"]),
        ("testmesh actions http", ["plain,http_request"]),
    ],
)
def test_a_shell_gets_what_may_follow(cli: Cli, words: str, expected: list[str]) -> None:
    """Commands, options, kinds of reports, files, actions."""
    cli.environment |= {
        "_TESTMESH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code, out, err = cli.call()
    assert (0, expected) == (code, out.splitlines()), err


def test_help_imports_no_engine(cli: Cli) -> None:
    """Nor does completion: both answer while somebody waits."""
    cli.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    _, _, err = cli.call("--help")
    assert "testmesh_engine.cli.commands" in err
    assert [] == [name for name in ("yaml", "testmesh_engine.language", "testmesh_engine.report") if name in err]


def test_validate_lists_what_a_flow_needs_from_outside(cli: Cli) -> None:
    """In JSON too; a default that is a secret is not shown."""
    body = """
env: {URL: "${URL}"}
inputs: {user: , api_token: hunter2pass, count: 3}
steps: [{action: delay, config: {duration: 1ms}, assert: ["URL + user + api_token != string(count)"]}]
"""
    cli.flow(body, "a.yaml")
    code, out, _ = cli.call("validate", "a.yaml")
    assert 0 == code, out
    assert "  from outside: URL (required), user (required), api_token (default ***), count (default 3)\n" in out
    (flow,) = json.loads(cli.call("validate", "a.yaml", "--output", "json")[1])["flows"]
    assert [("URL", True), ("user", True), ("api_token", False), ("count", False)] == [
        (need["name"], need["required"]) for need in flow["needs"]
    ]


def test_validate_of_standard_input_reads_no_file(cli: Cli) -> None:
    """The operator asks it about flows of strangers."""
    (cli.folder / "secret.env").write_text("TOKEN hunter2\n")
    cli.flow(f"env_file: secret.env\n{PASSING}", "a.yaml")
    text = (cli.folder / "a.yaml").read_text()
    code, out, _ = cli.call("validate", "-", stdin=text)
    assert 2 == code
    assert "secret.env can't be read: the flow came without a folder" in out
    assert "hunter2" not in out


def test_actions_are_listed_and_explained(cli: Cli) -> None:
    """A line for each; of one all that it declares."""
    assert "http_request" in cli.call("actions")[1]
    code, out, _ = cli.call("actions", "kafka.consume")
    assert 0 == code
    assert "kafka_consumer = kafka_consume = kafka.consume" in out
    assert "required, text: the topic's name" in out
    assert "- id: published" in out


def test_the_schema_is_printed_or_written(cli: Cli) -> None:
    """One JSON document."""
    code, out, _ = cli.call("schema")
    assert 0 == code
    assert "$schema" in json.loads(out)
    assert (0, "") == cli.call("schema", "--output", "s.json")[:2]
    assert out == (cli.folder / "s.json").read_text()
