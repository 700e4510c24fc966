"""What arguments and environment say of a run: its variables, its identity, its secrets, its grace period."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence

from testmesh_engine.cli.inputs import names_in, read_env_files, read_masks
from testmesh_engine.errors import UsageError
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.masking import Masker

_GRACE_FOR_THE_END_SECONDS = 5.0
"""Of the pod's grace period, kept for writing the last verdict."""

_SEED_BYTES = 4
"""Of a seed that nobody gave: short enough to be typed again."""


def layers_of(variables: Sequence[str], env_files: Sequence[str], environ: Mapping[str, str]) -> Layers:
    """The variables from outside, without those of a ``.env``. Raises ``UsageError`` for what is no NAME=value."""
    return Layers(
        var=dict(map(_variable, variables)),
        run={name: environ[name] for name in names_in(environ, "TESTMESH_RUN_ENV") if name in environ},
        env_file=read_env_files(env_files),
        process=dict(environ),
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        # The value is not shown: it may be a secret.
        raise UsageError(f"--var {name} is no NAME=value", hint="A name has letters, digits and _, not first a digit.")
    return name, value


def identity_of(seed: str | None, environ: Mapping[str, str]) -> Identity:
    """What the run is called, and its seed: the one given, else that of the pod, else a new one."""
    run_id = environ.get("RUN_ID", "") or os.urandom(16).hex()
    execution_id = environ.get("EXECUTION_ID", "")
    seed = seed or execution_id or os.urandom(_SEED_BYTES).hex()
    return Identity(run_id=run_id, execution_id=execution_id or run_id, seed=seed)


def secret_names_of(environ: Mapping[str, str]) -> frozenset[str]:
    """The variables whose values are secrets."""
    return frozenset(names_in(environ, "TESTMESH_SECRET_ENV"))


def secrets_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values that no report may hold."""
    named = (environ[name] for name in secret_names_of(environ) if name in environ)
    return (*named, *read_masks(environ.get("TESTMESH_MASKS", "")))


def masked_trace(error: Exception, environ: Mapping[str, str], arguments: Sequence[str]) -> str:
    """The traceback of an error of the engine itself, without the secrets that the environment or ``--var`` hold."""
    masker = Masker(secrets_of(environ), names=secret_names_of(environ))
    masker.learn(dict(environ))
    masker.learn(list(arguments))
    return masker.text("".join(traceback.format_exception(error)))


def grace_of(environ: Mapping[str, str]) -> float | None:
    """The seconds that teardown has after a signal, ``None`` where nobody will end us by force."""
    text = environ.get("TESTMESH_GRACE_SECONDS", "")
    if not text:
        return None
    try:
        return max(1.0, float(text) - _GRACE_FOR_THE_END_SECONDS)
    except ValueError:
        raise UsageError(f"TESTMESH_GRACE_SECONDS is a number of seconds, found {text!r}") from None
