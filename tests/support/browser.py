"""A real browser without a window, for the pages that we write: Debian's Chromium, one process for each look."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support import packages
from support.errors import SetupError

SECONDS = 60
_CONSOLE = re.compile(r":CONSOLE[:(]\d+\)?\] (.*)")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # in a container as root there is none to be had
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    # Nothing but loopback has a name: what a page asks of anywhere else fails, and is said.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Look:
    """What a browser made of a page: its elements as HTML after the scripts ran, and what the console said."""

    dom: str
    console: tuple[str, ...]


@dataclass
class Site:
    """Pages on loopback, and the paths that were asked for."""

    url: str
    pages: Mapping[str, str]
    asked: list[str] = field(default_factory=list)


def look(url: str, *flags: str) -> Look:
    """Open the page and wait until nothing moves any more."""
    done = _chromium("--virtual-time-budget=4000", "--dump-dom", *flags, url)
    return Look(done.stdout, tuple(_CONSOLE.findall(done.stderr)))


def screenshot(url: str, to: Path, *flags: str, size: tuple[int, int] = (1200, 1600)) -> None:
    """A PNG of the page's top."""
    _chromium(f"--window-size={size[0]},{size[1]}", f"--screenshot={to}", *flags, url)


def _chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    packages.ensure(packages.BROWSER)
    program = packages.find_command("chromium")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = [str(program), *_FLAGS, f"--user-data-dir={profile}", *arguments]
        environment = {**os.environ, "HOME": profile, "XDG_CONFIG_HOME": profile, "XDG_CACHE_HOME": profile}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=SECONDS
        )
    if done.returncode != 0:
        raise SetupError(f"chromium failed:\n{done.stderr[-2000:]}")
    return done


@contextmanager
def site(pages: Mapping[str, str]) -> Iterator[Site]:
    """Serve the pages by their paths, gone at the end."""
    served = Site("", pages)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            page = served.pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
