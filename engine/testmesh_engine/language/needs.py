"""What a flow needs from outside of its file: variables that its caller must or may give."""

from __future__ import annotations

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import EvaluationError, MapScope, Template, Value, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One variable. ``default`` is what it is where nobody gives it, as text of the language; it may be a secret."""

    name: str
    required: bool
    default: str = ""
    description: str = ""
    line: int = 0

    def words(self) -> str:
        """``API_URL (required)``, ``PORT (default 8080)``, or the name alone where it may be left out."""
        if self.required:
            return f"{self.name} (required)"
        return f"{self.name} (default {self.default})" if self.default else self.name


def shown_default(template: Template) -> str:
    """What ``template`` gives where nothing from outside is set, "" where it gives nothing."""
    try:
        value: Value = template.render(MapScope({}))
    except EvaluationError:
        return ""
    return value if isinstance(value, str) else show(value, 80)
