"""Which of the call's flows are run: ``--tag`` and ``--suite``."""

from __future__ import annotations

from collections.abc import Sequence

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.language.findings import did_you
from testmesh_engine.language.model import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Flows that have one of ``tags`` (all, where none is named), none of ``without``, and are of one of ``suites``."""

    tags: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    suites: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tags: Sequence[str], suites: Sequence[str]) -> Selection:
        """Read the arguments: ``--tag '!slow'`` leaves flows out. Raises ``UsageError`` for one that names nothing."""
        if not all(tag.removeprefix("!").strip() for tag in tags) or not all(map(str.strip, suites)):
            raise UsageError("--tag and --suite take a name", hint="Write --tag smoke, or --tag '!slow' to leave out.")
        return cls(
            tags=frozenset(tag for tag in tags if not tag.startswith("!")),
            without=frozenset(tag[1:] for tag in tags if tag.startswith("!")),
            suites=frozenset(suites),
        )

    def picks(self, flow: Flow) -> bool:
        """Whether the flow is one of them."""
        tags = set(flow.tags)
        picked = not self.tags or not tags.isdisjoint(self.tags)
        return picked and tags.isdisjoint(self.without) and (not self.suites or flow.suite in self.suites)

    def complaint(self, flows: Sequence[Flow]) -> UsageError:
        """What to say where none of ``flows`` is picked: what was asked for, and what there is."""
        wanted = [f"--tag {tag}" for tag in sorted(self.tags)]
        wanted += [f"--tag '!{tag}'" for tag in sorted(self.without)]
        wanted += [f"--suite {suite}" for suite in sorted(self.suites)]
        known = {tag for flow in flows for tag in flow.tags}, {flow.suite for flow in flows if flow.suite}
        hints = [
            did_you(name, names)
            for asked, names in zip((self.tags, self.suites), known, strict=True)
            for name in sorted(asked - names)
        ]
        hints += [
            f"{word}: {', '.join(sorted(names)) or 'none'}."
            for word, names in zip(("Tags", "Suites"), known, strict=True)
        ]
        return UsageError(f"none of {len(flows)} flows has {' and '.join(wanted)}", hint=" ".join(filter(None, hints)))
