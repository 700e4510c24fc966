#!/usr/bin/env bash
# Makes .venv as the lock says: the same versions, checked by their hashes, on every machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "setup: Python 3.11 or later is needed, as $python; name another one with PYTHON=/path/to/python3.x" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "setup: $python has no venv module; on Debian: apt-get install python3-venv" >&2
    exit 1
  fi
  echo "setup: installing python3-venv" >&2
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
fi
echo "setup: Python packages from requirements.lock into .venv" >&2
[ -x .venv/bin/python ] || "$python" -m venv .venv
uv=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)
.venv/bin/uv --version 2>/dev/null | grep -qF "uv $uv" || .venv/bin/python -m pip install --quiet "uv==$uv"
.venv/bin/uv pip sync --quiet --require-hashes requirements.lock
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
