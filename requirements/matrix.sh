#!/usr/bin/env bash
# Run `make test` on each Python that the project supports, in a clone and an environment of its own.
set -uo pipefail
cd "$(dirname "$0")/.."

root=$PWD
clones=$(mktemp -d)
trap 'rm -rf "$clones"' EXIT
failed=0
for version in 3.11 3.12 3.13; do
    clone=$clones/$version
    if ! "python$version" -c '' 2>/dev/null; then
        outcome="not on this machine"
        failed=1
    elif git clone --quiet "$root" "$clone" && make -C "$clone" test PYTHON="python$version"; then
        outcome=passed
    else
        outcome=failed
        failed=1
    fi
    summary+="python$version: $outcome"$'\n'
    rm -rf "$clone"
done
printf '%s' "$summary"
exit "$failed"
