#!/usr/bin/env bash
# Runs make targets one after another and says how far it is. The first one that fails ends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
number=0
for target in "$@"; do
  number=$((number + 1))
  printf '\n== %d of %d: %s (%d:%02d so far)\n' "$number" "$#" "$target" $((SECONDS / 60)) $((SECONDS % 60))
  make "$target" || { printf '\n== %s failed; run it alone with: make %s\n' "$target" "$target"; exit 1; }
done
printf '\n== all %d passed in %d:%02d\n' "$#" $((SECONDS / 60)) $((SECONDS % 60))
