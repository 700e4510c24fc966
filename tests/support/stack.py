"""PostgreSQL, Kafka and the demo services on loopback: what `make try` and the integration tests run against."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import MappingProxyType

import httpx

from support import packages
from support.broker import brokers, kafka
from support.folders import OWNER, new_folder
from support.ports import HOST, free_port, require_free
from support.postgresql import database_url, postgresql
from support.process import Process, Program, clean_environment

MICROSERVICES = Path(__file__).parents[2] / "examples/microservices"
FLOWS = MICROSERVICES / "flows"
SEED_FLOW = FLOWS / "e2e-order-flow.yaml"
SERVICES = ("user", "product", "order", "notification")
ALONE = "order_alone"
"""One more order service. Where its neighbours should be nothing listens, until a flow starts mocks there."""
HEALTHY_SECONDS = 30
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Ports:
    """Where everything listens, on 127.0.0.1; by default on the seed's ports."""

    postgresql: int = 5432
    kafka: int = 9092
    user: int = 5001
    product: int = 5002
    order: int = 5003
    notification: int = 5004
    order_alone: int = 5005
    user_mock: int = 5011
    product_mock: int = 5012

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody has at this moment, each a different one."""
        found: set[int] = set()
        while len(found) < len(fields(cls)):
            found.add(free_port())
        return cls(*found)

    def of(self, service: str) -> int:
        """The port of one of SERVICES, or of ALONE."""
        port: int = getattr(self, service)
        return port


class Stack:
    """The running stack; :func:`running_stack` makes it."""

    def __init__(self, ports: Ports, logs: Path) -> None:
        self.ports = ports
        self.logs = logs
        self._services: dict[str, Process] = {}

    @property
    def database_url(self) -> str:
        """For any PostgreSQL client."""
        return database_url(self.ports.postgresql)

    @property
    def kafka_brokers(self) -> str:
        """For any Kafka client."""
        return brokers(self.ports.kafka)

    def url(self, service: str) -> str:
        """Of one of SERVICES, without a slash at the end."""
        return _url(self.ports.of(service))

    def variables(self) -> dict[str, str]:
        """The seed's flow variables, pointing here."""
        urls = {f"{service.upper()}_SERVICE_URL": self.url(service) for service in SERVICES}
        return {"DB_URL": self.database_url, "KAFKA_BROKERS": self.kafka_brokers} | urls

    def variables_of_all_flows(self) -> dict[str, str]:
        """What the demo's flows need between them, pointing here."""
        mocks = {"USER_MOCK_PORT": str(self.ports.user_mock), "PRODUCT_MOCK_PORT": str(self.ports.product_mock)}
        return self.variables() | {"ORDER_ALONE_URL": self.url(ALONE)} | mocks

    def start_services(self, misbehave: Mapping[str, str]) -> None:
        """Starts all at once, some told to misbehave, and returns when all are healthy."""
        for service in SERVICES:
            self._start(service, {"MISBEHAVE": misbehave.get(service, "")})
        for service in self._services:
            self._wait_until_healthy(service)

    def stop_services(self) -> None:
        """Stops those that run, all at once."""
        for process in self._services.values():
            process.signal(signal.SIGTERM)
        for process in self._services.values():
            process.stop()

    def restart(self, service: str, environment: Mapping[str, str] = NOTHING_MORE) -> None:
        """Ends ``service`` and starts it with more environment: ``{"MISBEHAVE": "drop-event"}``. Healthy in the end."""
        instances = _instances(service)
        for instance in instances:
            self._services[instance].signal(signal.SIGTERM)
        for instance in instances:
            self._services[instance].stop()
        self._start(service, environment)
        for instance in instances:
            self._wait_until_healthy(instance)

    @contextmanager
    def replaced(self, service: str, environment: Mapping[str, str] = NOTHING_MORE) -> Iterator[None]:
        """While inside, ``service`` runs with more environment; then as before."""
        with self.kept_well(service):
            self.restart(service, environment)
            yield

    @contextmanager
    def kept_well(self, service: str) -> Iterator[None]:
        """Starts ``service`` anew in the end, whatever it was restarted with inside."""
        try:
            yield
        finally:
            self.restart(service)

    @contextmanager
    def beside(
        self, service: str, environment: Mapping[str, str] = NOTHING_MORE, *, wait: bool = True
    ) -> Iterator[str]:
        """While inside, one more of ``service`` runs, with more environment; yields its URL, once it is healthy.

        Of the notification service only one at a time gets to see an event: use :meth:`replaced`.
        """
        port = free_port()
        process = self._run(service, {"PORT": str(port), **environment})
        try:
            if wait:
                process.wait_until(lambda: is_healthy(_url(port)), seconds=HEALTHY_SECONDS)
            yield _url(port)
        finally:
            process.stop()

    def end(self, service: str, *, by: signal.Signals = signal.SIGTERM) -> None:
        """Ends the service, by SIGKILL without a chance to tidy up; :meth:`replaced` starts it again."""
        self._services[service].signal(by)
        self._services[service].stop()

    def _start(self, service: str, more: Mapping[str, str]) -> None:
        for instance in _instances(service):
            its_own = {"PORT": str(self.ports.of(instance))} | (self._mocks() if instance == ALONE else {})
            self._services[instance] = self._run(service, {**its_own, **more}, log=instance)

    def _mocks(self) -> dict[str, str]:
        ports = {"USER_SERVICE_URL": self.ports.user_mock, "PRODUCT_SERVICE_URL": self.ports.product_mock}
        return {name: _url(port) for name, port in ports.items()}

    def _run(self, service: str, more: Mapping[str, str], *, log: str | None = None) -> Process:
        variables = self.variables()
        own = {"HOST": HOST, "DATABASE_URL": variables.pop("DB_URL")}
        program = Program(
            name=f"the {service} service",
            command=[sys.executable, "-m", f"services.{service}"],
            environment=clean_environment(**{**variables, **own, **more}),
            log=self.logs / f"{log or service}.log",
            folder=MICROSERVICES,
        )
        return Process(program)

    def _wait_until_healthy(self, service: str) -> None:
        self._services[service].wait_until(lambda: is_healthy(self.url(service)), seconds=HEALTHY_SECONDS)


@contextmanager
def running_stack(
    ports: Ports | None = None, say: packages.Say = print, *, misbehave: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """The whole stack, healthy, on ``ports`` (free ones by default); all of it ends with the block.

    ``misbehave`` has the MISBEHAVE of services that are to do something wrong, by name.

    The logs, one for each process, are deleted with the data unless something goes wrong; then ``say`` tells where
    they are.

    Raises:
        SetupError: a port is taken, something is missing, or something doesn't come up.
    """
    packages.ensure(packages.STACK, say)
    ports = ports or Ports.free()
    for field, port in zip(fields(ports), astuple(ports), strict=True):
        require_free(port, wanted_by=field.name)
    with _work_folder(say) as folder, ExitStack() as servers:
        logs = folder / "logs"
        stack = Stack(ports, logs)
        say(f"starting PostgreSQL on port {ports.postgresql}")
        servers.enter_context(postgresql(ports.postgresql, logs=logs, say=say))
        say(f"starting Kafka on port {ports.kafka}")
        servers.enter_context(kafka(ports.kafka, folder=folder, logs=logs, say=say))
        say(f"starting the services on ports {', '.join(str(ports.of(service)) for service in SERVICES)}")
        servers.callback(stack.stop_services)
        stack.start_services(misbehave or {})
        yield stack


def _instances(service: str) -> tuple[str, ...]:
    """Those that run of it: what is wrong with the order service is wrong with both of them."""
    return (service, ALONE) if service == "order" else (service,)


def _url(port: int) -> str:
    return f"http://localhost:{port}"


@contextmanager
def _work_folder(say: packages.Say) -> Iterator[Path]:
    """A folder for data and logs; the logs stay when something goes wrong."""
    folder = new_folder("stack")
    (folder / "logs").mkdir()
    try:
        yield folder
    except Exception:
        (folder / OWNER).unlink()
        shutil.rmtree(folder / "kafka", ignore_errors=True)
        say(f"the logs are in {folder / 'logs'}")
        raise
    except BaseException:  # told to stop, which is no failure
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def is_healthy(url: str) -> bool:
    """Whether the service says that it, its database and its broker are well."""
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
