"""Verdicts and problems that hypothesis makes up."""

from __future__ import annotations

from hypothesis import strategies as st

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.contract.result import Counts, Failure, Metrics, Outcome, Phase
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
    metrics=st.builds(
        Metrics,
        assertions=naturals,
        http_requests=naturals,
        sql_statements=naturals,
        kafka_messages=naturals,
        retries=naturals,
    ),
    current=texts,
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
