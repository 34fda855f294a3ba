# What every shell client script starts from: its keys, and the transcript it prints. Sourced, never run.
#
# A transcript must be equal on every Ethereum node: only what the protocol decides is said, never a hash, a height, a
# time or a price.
set -uo pipefail

# Of the public development mnemonic, at m/44'/60'/0'/0/2 and 3. Scripts run one after the other, so they may share.
OWNER_KEY=0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a
OWNER=0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC
FRIEND_KEY=0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6
FRIEND=0x90F79bf6EB2c4f870365E785982E1f101E93b906

failed=0

# Print one line: say LABEL VALUE...     An empty value is a command that failed.
say() {
    local label=$1 value
    shift
    for value in "$@"; do
        if [ -z "$value" ]; then
            echo "FAILED: $label: a value is missing among: $*"
            return 1
        fi
    done
    echo "$label: $*"
}

# Run one part; a part that fails says so, and the next ones run all the same: part NAME FUNCTION
# The part runs in a subshell that ends at the first command that fails; what it learns for later parts it writes to
# $scratch.
part() {
    echo "== $1"
    (
        set -e
        "$2"
    )
    local status=$?
    if [ $status -ne 0 ]; then
        echo "FAILED: ended with $status"
        failed=1
    fi
}

# Print what a JavaScript expression makes of the JSON on standard input: pick 'value.status'
pick() {
    node -e 'const value = JSON.parse(require("node:fs").readFileSync(0, "utf8")); console.log(String(eval(process.argv[1])))' "$1"
}

# Print the creation code of a contract: bytecode NAME
bytecode() {
    pick "value['$1'].bytecode" <"$ARTIFACTS"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
