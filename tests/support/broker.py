"""A real Apache Kafka on loopback, one KRaft node with throw-away data: ready 1 to 2 seconds after its start.

What makes it start fast is made once and cached: the jars, a formatted data folder, and an archive of the loaded
classes (https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from support import packages
from support.cache import filled, key_of
from support.errors import SetupError
from support.jars import kafka_jars
from support.ports import HOST, free_port
from support.process import Process, Program, clean_environment

SETTINGS = Path(__file__).parent / "kafka/server.properties"
CLUSTER_ID = "TestMeshTestMeshTestMQ"  # 16 bytes in base64url; any will do
START_SECONDS = 60  # under load a start may take 14
HEAP = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
)


def brokers(port: int) -> str:
    """What a client is told of a broker that :func:`kafka` started on ``port``."""
    return f"localhost:{port}"


@contextmanager
def kafka(  # noqa: PLR0913 - a broker is made of these
    port: int,
    *,
    folder: Path,
    logs: Path,
    say: packages.Say = print,
    settings: Mapping[str, str] | None = None,
    listeners: Mapping[str, int] | None = None,
) -> Iterator[Process]:
    """A broker on ``port`` that answers clients, its data below ``folder``, its log in ``logs``/kafka.log.

    ``settings`` win over those of the properties file; ``listeners`` are more of them, by name with their ports. Data
    of an earlier start in ``folder`` is used again.

    Raises:
        SetupError: Java or the jars are missing and can't be had here, or it doesn't come up.
    """
    installed = _Installed.here(say)
    template = filled("kafka-start", installed.key(), fill=lambda target: _prepare(installed, target, say))
    if not (folder / "kafka").exists():
        shutil.copytree(template / "data", folder / "kafka")
    options = [f"-XX:SharedArchiveFile={template / 'classes.jsa'}"]
    more = _with_listeners(settings or {}, port, listeners or {})
    with _running(installed, port, folder=folder, logs=logs, options=options, more=more) as broker:
        yield broker


def _with_listeners(settings: Mapping[str, str], port: int, listeners: Mapping[str, int]) -> dict[str, str]:
    ports = {"PLAINTEXT": port, **listeners}
    return {
        **settings,
        "listeners": ",".join(f"{name}://{HOST}:{number}" for name, number in ports.items()),
        "advertised.listeners": ",".join(f"{name}://{brokers(number)}" for name, number in ports.items()),
    }


class _Installed:
    """A Java and the jars."""

    def __init__(self, java: Path, jars: Path) -> None:
        self._java = java
        self._jars = jars

    @classmethod
    def here(cls, say: packages.Say) -> _Installed:
        packages.ensure((packages.JAVA,), say)
        java = packages.find_java()
        if java is None:
            raise SetupError(f"Java {packages.JAVA_AT_LEAST} or later is not on the PATH")
        return cls(java, kafka_jars(say))

    def key(self) -> str:
        """Changes with the Java, the jars, the settings: what an archive or a data folder was made with."""
        told = subprocess.run([self._java, "-version"], capture_output=True, check=True).stderr
        return key_of(told, str(self._jars), SETTINGS.read_bytes(), *HEAP)

    def command(self, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str | Path]:
        """The class path is spelled out: an archive of classes is only good for the very same one."""
        class_path = ":".join(map(str, sorted(self._jars.glob("*.jar"))))
        return [self._java, *HEAP, *LOGGING, *options, "-cp", class_path, main, *arguments]


@contextmanager
def _running(  # noqa: PLR0913 - a start is made of these
    installed: _Installed,
    port: int,
    *,
    folder: Path,
    logs: Path,
    options: Sequence[str],
    more: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    settings = folder / "kafka.properties"
    more = more or _with_listeners({}, port, {})
    lines = _settings(folder / "kafka", controller_port=free_port(), more=more)
    settings.write_text(lines, encoding="utf-8")
    program = Program(
        name="Kafka",
        command=installed.command("kafka.Kafka", str(settings), options=options),
        environment=clean_environment(),
        log=logs / "kafka.log",
        folder=folder,
    )
    broker = Process(program)
    try:
        broker.wait_until(lambda: _answers(port), seconds=START_SECONDS)
        yield broker
    finally:
        broker.stop()


def _settings(data: Path, *, controller_port: int, more: Mapping[str, str]) -> str:
    of_this_start = {
        **more,
        "log.dirs": data,
        "listeners": f"{more['listeners']},CONTROLLER://{HOST}:{controller_port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
    }
    lines = "".join(f"{name}={value}\n" for name, value in of_this_start.items())
    return SETTINGS.read_text(encoding="utf-8") + "\n" + lines


def _answers(port: int) -> bool:
    """Whether a client gets the cluster's metadata, with the broker in it: it is registered and may be written to."""
    client = AdminClient({"bootstrap.servers": brokers(port), "log_level": 0})
    try:
        return bool(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def _prepare(installed: _Installed, target: Path, say: packages.Say) -> None:
    """Formats the data folder, then starts and stops once to learn which classes a start loads."""
    say("preparing Kafka's data folder and class archive")
    settings = target / "kafka.properties"
    settings.write_text(
        _settings(target / "data", controller_port=9093, more=_with_listeners({}, 9092, {})), encoding="utf-8"
    )
    arguments = ("format", "--cluster-id", CLUSTER_ID, "--config", str(settings))
    done = subprocess.run(
        installed.command("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(f"formatting Kafka's data folder failed:\n{(done.stdout + done.stderr).strip()}")
    work = target / "trial"
    work.mkdir()
    shutil.copytree(target / "data", work / "kafka")
    archive = f"-XX:ArchiveClassesAtExit={target / 'classes.jsa'}"
    with _running(installed, free_port(), folder=work, logs=work, options=[archive]):
        pass
    shutil.rmtree(work)
