"""Verdicts and problems that hypothesis makes up."""

from __future__ import annotations

from hypothesis import strategies as st

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.contract.result import Counts, Failure, FlowResult, Metrics, Outcome, Phase, StepResult
from testmesh_engine.contract.verdict import Result, StepVerdict, Verdict

RUN_UID = "6f1d0c1e-0000-4000-8000-00000000000a"

# Not the halves of characters: those are written as `?`, which a test of its own shows.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
naturals = st.integers(min_value=0, max_value=10**6)

steps = st.builds(
    StepVerdict,
    id=texts,
    action=st.sampled_from(["http_request", "database_query", "kafka_consumer", "delay"]),
    phase=st.sampled_from(Phase),
    outcome=st.sampled_from(Outcome),
    duration_ms=naturals,
    message=texts,
)

metrics = st.builds(
    Metrics,
    assertions=naturals,
    http_requests=naturals,
    sql_statements=naturals,
    kafka_messages=naturals,
    retries=naturals,
)

verdicts = st.builds(
    Verdict,
    final=st.booleans(),
    result=st.sampled_from(Result),
    counts=st.builds(Counts, total=naturals, passed=naturals, failed=naturals, skipped=naturals, errored=naturals),
    run_uid=st.just(RUN_UID),
    attempt=st.integers(min_value=0, max_value=99),
    duration_ms=naturals,
    steps=st.lists(steps, max_size=6).map(tuple),
    first_failure=st.none() | st.builds(Failure, flow=texts, step=texts, message=texts),
    metrics=metrics,
    current=texts,
)

durations = st.floats(min_value=0, max_value=10**6)
step_results = st.recursive(
    st.builds(
        StepResult,
        id=texts,
        action=st.sampled_from(["http_request", "delay"]),
        phase=st.sampled_from(Phase),
        outcome=st.sampled_from(Outcome),
        duration_ms=durations,
        started_ms=durations,
        message=texts,
        ignored=st.booleans(),
        tags=st.lists(texts, max_size=2).map(tuple),
    ),
    lambda inner: st.builds(
        StepResult,
        id=texts,
        action=st.just("for_each"),
        phase=st.sampled_from(Phase),
        outcome=st.sampled_from(Outcome),
        message=texts,
        steps=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=4,
)
flow_results = st.builds(
    FlowResult,
    name=texts,
    file=texts,
    outcome=st.sampled_from(Outcome),
    started_at=st.sampled_from(["", "2026-11-22T00:00:00.123Z", "2026-11-22T00:00:09.000Z"]),
    duration_ms=durations,
    steps=st.lists(step_results, max_size=3).map(tuple),
    first_failure=st.none() | st.builds(Failure, flow=texts, step=texts, message=texts),
    metrics=metrics,
    interrupted=st.booleans(),
    row=st.sampled_from(["", "row 1 of 2"]),
    seed=texts,
)

problems = st.builds(
    Problem,
    message=texts,
    file=texts,
    line=naturals,
    column=naturals,
    path=texts,
    hint=texts,
    excerpt=texts,
    severity=st.sampled_from(Severity),
)
