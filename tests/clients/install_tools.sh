#!/usr/bin/env bash
# Install the foreign clients of package.json and package-lock.json into a folder outside the repository, and compile
# the contracts.
# Usage: tests/clients/install_tools.sh [FOLDER]      A second run finds what the first installed. Needs node 20 and
# npm.
#
# There is no native solc among npm's or PyPI's packages, only ones that fetch it from elsewhere when they first run;
# solc-js is the same compiler built for JavaScript, and bin/solc makes it the program that forge calls.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${SYCEE_CLIENT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/sycee-tests/clients}}
mkdir -p "$folder/bin"
if ! cmp --silent "$here/package-lock.json" "$folder/installed.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$folder/"
    # Not `npm ci`: it insists on the locked packages of every platform, and not every registry has those of all.
    npm install --silent --no-audit --no-fund --prefix "$folder" >&2
    cp "$here/package-lock.json" "$folder/installed.json"
fi
for program in anvil cast forge; do
    # The program of the platform, not npm's wrapper around it, which ends with 0 whatever the program ended with.
    installed=$(compgen -G "$folder/node_modules/@foundry-rs/$program-*/bin/$program" | head -n 1)
    ln -sf "$installed" "$folder/bin/$program"
done
cp "$here/scripts/solc.cjs" "$folder/bin/solc"
chmod +x "$folder/bin/solc"
# Named by what it was made of, so that a changed source is compiled again.
artifacts=$folder/artifacts-$(cat "$here"/solidity/*.sol "$here/package-lock.json" "$here/scripts/compile.cjs" | sha256sum | cut -c1-16).json
if [ ! -f "$artifacts" ]; then
    NODE_PATH=$folder/node_modules node "$here/scripts/compile.cjs" "$here/solidity" "$artifacts.part" >&2
    mv "$artifacts.part" "$artifacts"
fi
ln -sf "$artifacts" "$folder/artifacts.json"
echo "$folder"
