"""Apache Kafka's jars, from Maven Central by the versions in kafka/pom.xml, kept in the cache."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

from support import packages
from support.cache import filled, key_of
from support.errors import SetupError

POM = Path(__file__).parent / "kafka/pom.xml"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


def kafka_version() -> str:
    """The version in the pom, for example "4.4.0": also the tag of the image apache/kafka in the demo's manifests."""
    version = ET.parse(POM).findtext(".//{*}kafka.version")  # noqa: S314 - our own committed file
    if version is None:
        raise SetupError(f"{POM} has no property kafka.version")
    return version


def kafka_jars(say: packages.Say = print) -> Path:
    """The folder with Kafka's jars and all they need (45 jars, 43 MB); downloaded the first time, in about 15 s.

    Raises:
        SetupError: Maven or Java is missing and can't be installed here, or the download failed.
    """

    def download(folder: Path) -> None:
        packages.ensure((packages.JAVA, packages.MAVEN), say)
        say(f"fetching Apache Kafka {kafka_version()} from Maven Central")
        _copy_dependencies(folder)

    return filled("kafka-jars", key_of(POM.read_bytes(), DEPENDENCY_PLUGIN), fill=download)


def _copy_dependencies(folder: Path) -> None:
    maven = str(packages.find_command("mvn") or "mvn")
    goal = f"{DEPENDENCY_PLUGIN}:copy-dependencies"
    command = [maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(POM), goal]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr).strip()}")
