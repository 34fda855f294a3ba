#!/usr/bin/env bash
# Foundry's forge as its manual shows it: build with solc, create, a script that broadcasts, tests on a fork of the
# node.
source "$(dirname "$0")/transcript.sh"
clients=$(cd "$(dirname "$0")/.." && pwd)
export OWNER

cp -r "$clients/forge" "$scratch/project"
mkdir "$scratch/project/src"
cp "$clients/solidity/Coin.sol" "$clients/solidity/Tools.sol" "$scratch/project/src/"
cd "$scratch/project" || exit 1
echo "@openzeppelin/=$NODE_PATH/@openzeppelin/" >remappings.txt
options=(--use "$(command -v solc)" --offline)

build() {
    say "compiled" "$(forge build "${options[@]}" --json | pick '(value.errors ?? []).length + " errors"')"
    say "same code as solc-js made" \
        "$([ "$(forge inspect "${options[@]}" src/Tools.sol:Delegate bytecode | cut -c1-400)" = "$(bytecode Delegate | cut -c1-400)" ] && echo yes)"
}

create() {
    local created
    created=$(forge create "${options[@]}" --broadcast --json --private-key "$OWNER_KEY" src/Coin.sol:Coin --constructor-args 1000000)
    pick 'value.deployedTo' <<<"$created" >"$scratch/coin"
    say "from" "$(pick 'value.deployer' <<<"$created")"
    say "status, gas" \
        "$(cast receipt "$(pick 'value.transactionHash' <<<"$created")" --json |
            pick '[value.status, BigInt(value.gasUsed)].join(" ")')"
    say "cap" "$(cast call "$(cat "$scratch/coin")" "cap()(uint256)")"
}

broadcast() {
    local ran
    ran=$(forge script "${options[@]}" script/Deploy.s.sol:Deploy --rpc-url "$ETH_RPC_URL" --broadcast --slow --private-key "$OWNER_KEY" --json)
    say "returned" \
        "$(grep -o '{"logs".*' <<<"$ran" | head -n 1 |
            pick '[value.returns.balance.value, value.returns.number.value].join(" ")')"
    local record
    record=$(ls broadcast/Deploy.s.sol/*/run-latest.json)
    say "transactions" \
        "$(pick 'value.transactions.map((item) => item.transactionType + " " + (item.function ?? item.contractName)).join(", ")' <"$record")"
    say "receipts" \
        "$(pick 'value.receipts.map((item) => item.status + " " + BigInt(item.gasUsed)).join(", ")' <"$record")"
}

fork() {
    COIN=$(cat "$scratch/coin")
    export COIN
    say "tests" "$(forge test "${options[@]}" --fork-url "$ETH_RPC_URL" --json |
        pick 'Object.values(value).flatMap((suite) => Object.entries(suite.test_results)).map(([name, result]) => name + " " + result.status).sort().join(", ")')"
}

part build build
part create create
part script broadcast
part fork fork
exit $failed
