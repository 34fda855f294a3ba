#!/usr/bin/env bash
# Install Foundry's cast from npm into a folder outside the repository, and print the path of the program.
# Usage: tests/clients/install_cast.sh [FOLDER]      A second run finds what the first installed.
set -euo pipefail
version=1.7.1
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/sycee-tests/cast-$version}
# The program of the platform, not npm's wrapper around it, which ends with 0 whatever the program ended with.
programs=$folder/node_modules/@foundry-rs/cast-*/bin/cast
if ! compgen -G "$programs" >/dev/null; then
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --prefix "$folder" "@foundry-rs/cast@$version" >&2
fi
program=$(compgen -G "$programs" | head -n 1)
"$program" --version >&2
echo "$program"
