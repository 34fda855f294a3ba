#!/usr/bin/env bash
# Foundry's cast as its manual shows it: create, send, call, logs, proof, storage, blocks, receipts, traces, estimates,
# access lists.
source "$(dirname "$0")/transcript.sh"

coin() { cat "$scratch/coin"; }
send() { cast send --json --private-key "$OWNER_KEY" "$@"; }

# Run a command that must fail; print the line of its complaint that matches: refused PATTERN COMMAND...
refused() {
    local pattern=$1
    shift
    if "$@" >/dev/null 2>"$scratch/complaint"; then
        echo "was not refused"
        return 1
    fi
    grep -oE "$pattern" "$scratch/complaint" | head -n 1
}

network() {
    say "chain id" "$([ "$(cast chain-id)" = "$(cast rpc net_version | tr -d '"')" ] && echo "is the network's")"
    say "block" \
        "$(cast block latest --json |
            pick '[value.hash.length, value.uncles.length, value.sha3Uncles, value.nonce].join(" ")')"
    say "genesis" "$(cast block 0 --field parentHash)"
    say "code, nonce, balance of nobody" \
        "$(cast code "0x$(printf 'de%.0s' {1..20})")" "$(cast nonce "0x$(printf 'de%.0s' {1..20})")" \
        "$(cast balance "0x$(printf 'de%.0s' {1..20})")"
    say "unknown method" "$(refused 'error code -32601' cast rpc eth_nothing)"
    say "wrong parameters" "$(refused 'error code -32602' cast rpc eth_getBalance '"nobody"' latest)"
    say "computed address" "$(cast compute-address "$OWNER" --nonce 0)"
}

create() {
    local arguments receipt
    arguments=$(cast abi-encode "constructor(uint256)" 1000000)
    receipt=$(send --create "$(bytecode Coin)${arguments#0x}")
    pick 'value.contractAddress' <<<"$receipt" >"$scratch/coin"
    say "status, gas, logs" \
        "$(pick '[value.status, BigInt(value.gasUsed), value.logs.length, value.to].join(" ")' <<<"$receipt")"
    say "code" "$(cast codesize "$(coin)")" "$(cast codehash "$(coin)" | wc -c)"
    say "reads" "$(cast call "$(coin)" "name()(string)")" "$(cast call "$(coin)" "cap()(uint256)")"
}

tokens() {
    local receipt
    receipt=$(send "$(coin)" "mint(address,uint256)" "$OWNER" 1000)
    say "mint" "$(pick '[value.status, BigInt(value.gasUsed), value.logs[0].topics.length].join(" ")' <<<"$receipt")"
    receipt=$(send "$(coin)" "transfer(address,uint256)" "$FRIEND" 40)
    pick 'value.transactionHash' <<<"$receipt" >"$scratch/transfer"
    pick 'parseInt(value.blockNumber)' <<<"$receipt" >"$scratch/height"
    say "transfer" "$(pick '[value.status, value.type, BigInt(value.gasUsed)].join(" ")' <<<"$receipt")"
    say "balances" \
        "$(cast call "$(coin)" "balanceOf(address)(uint256)" "$OWNER")" \
        "$(cast erc20-token balance "$(coin)" "$FRIEND")"
    say "a block earlier" \
        "$(cast call --block $(($(cat "$scratch/height") - 1)) "$(coin)" "balanceOf(address)(uint256)" "$FRIEND")"
    receipt=$(send --legacy "$(coin)" "transfer(address,uint256)" "$FRIEND" 1)
    pick 'value.transactionHash' <<<"$receipt" >"$scratch/legacy"
    say "legacy" "$(pick '[value.status, value.type, BigInt(value.gasUsed)].join(" ")' <<<"$receipt")"
}

records() {
    local hash height
    hash=$(cat "$scratch/transfer") height=$(cat "$scratch/height")
    say "receipt" \
        "$(cast receipt "$hash" --json |
            pick '[value.status, BigInt(value.gasUsed), value.transactionIndex, value.logs[0].logIndex].join(" ")')"
    say "transaction" "$(cast tx "$hash" from)" "$(cast tx "$hash" value)" \
        "$(cast decode-calldata "transfer(address,uint256)" "$(cast tx "$hash" input)" | tr '\n' ' ')"
    say "in the block" "$(cast block "$height" --json | pick "value.transactions.includes('$hash')")"
    say "storage of the cap's neighbour" "$(cast storage "$(coin)" 2)"
    say "slot of a balance" "$(cast storage "$(coin)" "$(cast index address "$FRIEND" 0)")"
    say "nonce" "$(($(cast nonce "$OWNER") - $(cast tx "$hash" nonce)))"
}

logs() {
    local receipt height
    receipt=$(send "$(coin)" "note(string,string)" rain "in the morning")
    height=$(pick 'parseInt(value.blockNumber)' <<<"$receipt")
    local range=(logs --json --address "$(coin)" --from-block "$height" --to-block "$height")
    local event="Noted(address indexed,string indexed,string)"
    say "by event" "$(cast "${range[@]}" "$event" | pick 'value.length')"
    say "by author" \
        "$(cast "${range[@]}" "$event" "$OWNER" | pick 'value.length')" \
        "$(cast "${range[@]}" "$event" "$FRIEND" | pick 'value.length')"
    say "text" "$(cast "${range[@]}" "$event" | pick 'value[0].data' | cast --abi-decode "f()(string)" "$(cat)")"
    say "bloom" "$(cast block "$height" --field logsBloom | tr -d '0x\n' | wc -c)"
}

failures() {
    local receipt
    say "words" "$(refused 'execution reverted: these are the words' cast call "$(coin)" "failWithWords()")"
    say "custom error" \
        "$(refused '0xf480e285' cast call --from "$OWNER" "$(coin)" "mint(address,uint256)" "$OWNER" 1000000000)"
    say "library error" \
        "$(refused '0xe450d38c' cast send --private-key "$OWNER_KEY" "$(coin)" "transfer(address,uint256)" "$FRIEND" 1000000000)"
    say "panic" "$(refused '0x4e487b71' cast call "$(coin)" "failWithPanic(uint256)" 0)"
    receipt=$(send --gas-limit 100000 "$(coin)" "transfer(address,uint256)" "$FRIEND" 1000000000 || true)
    say "on chain" "$(pick '[value.status, BigInt(value.gasUsed), value.logs.length].join(" ")' <<<"$receipt")"
}

estimates() {
    local call gas list
    call=("$(coin)" "transfer(address,uint256)" "$FRIEND" 2)
    gas=$(cast estimate --from "$OWNER" "${call[@]}")
    say "is enough" "$(send --gas-limit "$gas" "${call[@]}" | pick 'value.status')"
    list=$(cast access-list --json --from "$OWNER" "${call[@]}")
    say "access list" "$(pick 'value.accessList.map((entry) => entry.storageKeys.length).join(" ")' <<<"$list")"
    say "with the list" \
        "$(send --access-list "$(pick 'JSON.stringify(value.accessList)' <<<"$list")" "${call[@]}" |
            pick '[value.status, BigInt(value.gasUsed)].join(" ")')"
}

proofs() {
    local proof slot
    slot=$(cast index address "$FRIEND" 0)
    proof=$(cast proof "$(coin)" "$slot")
    say "account" "$(pick '[value.nonce, value.balance, value.accountProof.length > 0].join(" ")' <<<"$proof")"
    say "slot" "$(pick '[value.storageProof.length, value.storageProof[0].value].join(" ")' <<<"$proof")"
    say "roots" \
        "$([ "$(pick 'value.accountProof[0]' <<<"$proof" | cast keccak)" = "$(cast block latest --field stateRoot)" ] && echo "agree with the header")" \
        "$([ "$(pick 'value.storageProof[0].proof[0]' <<<"$proof" | cast keccak)" = "$(pick 'value.storageHash' <<<"$proof")" ] && echo "and the account")"
}

create2() {
    local factory salt where
    factory=$(send --create "$(bytecode VaultFactory)" | pick 'value.contractAddress')
    salt=$(cast keccak salt)
    where=$(cast create2 --deployer "$factory" --salt "$salt" \
        --init-code-hash "$(cast call "$factory" "initCodeHash(address,uint256)(bytes32)" "$OWNER" 9)" | grep -oE '0x[0-9a-fA-F]{40}' | head -n 1)
    say "empty before" "$(cast code "$where")"
    send "$factory" "create(bytes32,address,uint256)" "$salt" "$OWNER" 9 | pick 'value.status' >/dev/null
    say "number" "$(cast call "$where" "number()(uint256)")" "$(cast nonce "$where")"
}

delegation() {
    local lender receipt
    lender=$(send --create "$(bytecode Delegate)" | pick 'value.contractAddress')
    receipt=$(send "$OWNER" "execute((address,bytes)[])" "[($(coin),$(cast calldata "transfer(address,uint256)" "$FRIEND" 3))]" --auth "$lender" --gas-limit 300000)
    say "type, status, logs" "$(pick '[value.type, value.status, value.logs.length].join(" ")' <<<"$receipt")"
    say "code" "$(cast code "$OWNER" | cut -c1-8)" "$(cast codesize "$OWNER")"
    send "$FRIEND" --auth 0x0000000000000000000000000000000000000000 --gas-limit 100000 >/dev/null
    say "code after" "$(cast code "$OWNER")"
}

offline() {
    local raw
    raw=$(cast mktx --private-key "$OWNER_KEY" "$(coin)" "transfer(address,uint256)" "$FRIEND" 4)
    say "published" "$(cast publish "$raw" | pick 'value.status')"
    say "who signed" "$(cast decode-transaction "$raw" | grep -oE 'signer[^0]*0x[0-9a-f]{40}' | grep -oE '0x.*')"
}

traces() {
    local hash
    hash=$(cat "$scratch/transfer")
    say "calls" \
        "$(cast rpc debug_traceTransaction "$hash" '{"tracer":"callTracer"}' |
            pick '[value.type, value.from, BigInt(value.gasUsed), value.output, value.calls ?? "no inner calls"].join(" ")')"
    say "steps" \
        "$(cast rpc debug_traceTransaction "$hash" '{}' |
            pick '[value.failed, value.gas, value.structLogs.length, value.structLogs[0].op].join(" ")')"
    say "called" \
        "$(cast rpc debug_traceCall "{\"to\":\"$(coin)\",\"data\":\"$(cast sig 'symbol()')\"}" latest '{"tracer":"callTracer"}' |
            pick '[value.type, value.output.length].join(" ")')"
    say "touched" \
        "$(cast rpc debug_traceTransaction "$hash" '{"tracer":"prestateTracer"}' |
            pick "Object.keys(value['$(coin)'].storage).length")"
    say "changed" \
        "$(cast rpc debug_traceTransaction "$hash" '{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}' |
            pick "Object.values(value.post['$(coin)'].storage).map((word) => BigInt(word)).sort().join(' ')")"
    say "a block" \
        "$(cast rpc debug_traceBlockByNumber "$(cast to-hex "$(cat "$scratch/height")")" '{"tracer":"callTracer"}' |
            pick "value.map((item) => item.txHash === '$hash' && item.result.type).join(' ')")"
    # cast executes it again by itself, and wants to see the money for the fee that was offered: a legacy payment
    # offers none where the node asks for none.
    say "run again" \
        "$(cast run --quick "$(cat "$scratch/legacy")" 2>/dev/null | grep -oE 'emit Transfer|Transaction successfully executed|Gas used: [0-9]+' | tr '\n' ' ')"
}

unlocked() {
    local receipt signature
    say "accounts" "$(cast rpc eth_accounts | pick "value.length + ' ' + value.includes('${OWNER,,}')")"
    receipt=$(cast send --json --unlocked --from "$OWNER" "$(coin)" "transfer(address,uint256)" "$FRIEND" 5)
    say "sent" "$(pick '[value.status, value.type, BigInt(value.gasUsed)].join(" ")' <<<"$receipt")"
    signature=$(cast rpc eth_sign "$OWNER" "$(cast from-utf8 hello)" | tr -d '"')
    say "signed" "$(cast wallet verify --address "$OWNER" hello "$signature" | grep -oE 'Validation succeeded')"
}

part network network
part create create
part tokens tokens
part records records
part logs logs
part failures failures
part estimates estimates
part proofs proofs
part create2 create2
part delegation delegation
part offline offline
part traces traces
part unlocked unlocked
exit $failed
