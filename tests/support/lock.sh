#!/usr/bin/env bash
# Compiles pyproject.toml into the lock files: one for this checkout, one for each image. No index address is written.
set -euo pipefail
cd "$(dirname "$0")/../.."
compile() {  # compile FILE OPTION…
  local file=$1
  shift
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links "$@" --output-file "$file"
}
compile requirements.lock pyproject.toml --extra all --extra operator --extra demo --group dev
for lock in engine/requirements.lock:all operator/requirements.lock:operator examples/microservices/requirements.lock:demo; do
  compile "${lock%%:*}" pyproject.toml --extra "${lock##*:}" --constraint requirements.lock
done
compile engine/requirements-build.lock --group pyproject.toml:build --constraint requirements.lock
