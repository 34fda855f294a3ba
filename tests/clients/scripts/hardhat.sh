#!/usr/bin/env bash
# Hardhat as its documentation shows it: compile, then deploy and test over the network of its configuration.
source "$(dirname "$0")/transcript.sh"
clients=$(cd "$(dirname "$0")/.." && pwd)
export HARDHAT_DISABLE_TELEMETRY_PROMPT=true

cp -r "$clients/hardhat" "$scratch/project"
mkdir "$scratch/project/contracts"
cp "$clients/solidity/Coin.sol" "$scratch/project/contracts/"
# Hardhat insists on being a package of the project.
ln -s "$NODE_PATH" "$scratch/project/node_modules"
echo '{"name": "project"}' >"$scratch/project/package.json"
cd "$scratch/project" || exit 1

compile() {
    say "compiled" \
        "$(node_modules/.bin/hardhat compile --quiet >&2 && pick 'value.contractName' <artifacts/contracts/Coin.sol/Coin.json)"
}

run_tests() {
    node_modules/.bin/hardhat test --no-compile
}

part compile compile
part test run_tests
exit $failed
