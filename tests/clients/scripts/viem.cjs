// viem as its documentation shows it: deploy, simulate, write, watch, many calls in one, proofs, typed data,
// delegation.
"use strict";
const viem = require("viem");
const { privateKeyToAccount } = require("viem/accounts");
const { KEYS, artifacts, node, part, rejection, say, soon } = require("./transcript.cjs");

const owner = privateKeyToAccount(KEYS[5]);
const friend = privateKeyToAccount(KEYS[6]);
const POLLING_MS = 100;

/** Return the error of the contract that `problem` was caused by, or the first words of what viem says. */
const revertOf = (problem) => {
  const revert = problem.walk?.((cause) => cause instanceof viem.ContractFunctionRevertedError);
  if (revert?.data) return `${revert.data.errorName}(${(revert.data.args ?? []).map(String).join(", ")})`;
  return revert?.reason ?? problem.walk?.().name ?? problem.name;
};

async function main() {
  const plain = viem.createPublicClient({ transport: viem.http(node.url) });
  const chain = viem.defineChain({
    id: await plain.getChainId(),
    name: "a node",
    nativeCurrency: { name: "unit", symbol: "UNIT", decimals: 18 },
    rpcUrls: { default: { http: [node.url], webSocket: [node.socketUrl] } },
  });
  // No cache: a height remembered from before a receipt would call the receipt's block unknown.
  const reader = viem.createPublicClient({ chain, transport: viem.http(), pollingInterval: POLLING_MS, cacheTime: 0 });
  const writer = viem.createWalletClient({ account: owner, chain, transport: viem.http() });
  const friendly = viem.createWalletClient({ account: friend, chain, transport: viem.http() });
  const { abi } = artifacts.Coin;
  let coin;
  let lastBlock;

  const receiptOf = (hash) => reader.waitForTransactionReceipt({ hash, pollingInterval: POLLING_MS });
  const deploy = async (name, args = []) => {
    const hash = await writer.deployContract({ abi: artifacts[name].abi, bytecode: artifacts[name].bytecode, args });
    return receiptOf(hash);
  };
  const read = (functionName, args = [], more = {}) =>
    reader.readContract({ address: coin, abi, functionName, args, ...more });
  const write = async (functionName, args, client = writer) => {
    const receipt = await receiptOf(await client.writeContract({ address: coin, abi, functionName, args }));
    lastBlock = receipt.blockNumber;
    return receipt;
  };

  await part("deploy", async () => {
    const receipt = await deploy("Coin", [1_000_000n]);
    coin = receipt.contractAddress;
    say("type, status, gas", receipt.type, receipt.status, receipt.gasUsed);
    say("code", viem.size(await reader.getCode({ address: coin })));
    say("reads", await read("name"), await read("decimals"), await read("cap"));
  });

  await part("simulate and write", async () => {
    const { request, result } = await reader.simulateContract({
      account: owner,
      address: coin,
      abi,
      functionName: "mint",
      args: [owner.address, 500n],
    });
    say("simulated", result ?? "nothing");
    const receipt = await receiptOf(await writer.writeContract(request));
    say("written", receipt.status, receipt.gasUsed, receipt.logs.length);
    const [transfer] = viem.parseEventLogs({ abi, logs: receipt.logs, eventName: "Transfer" });
    say("event", transfer.args.from, transfer.args.value);
    const transferred = await write("transfer", [friend.address, 200n]);
    say("transfer", transferred.status, transferred.gasUsed, transferred.type);
    say("balances", await read("balanceOf", [owner.address]), await read("balanceOf", [friend.address]));
    say("a block earlier", await read("balanceOf", [friend.address], { blockNumber: lastBlock - 1n }));
    const sent = await reader.getTransaction({ hash: transferred.transactionHash });
    say(
      "read back",
      sent.type,
      sent.typeHex,
      sent.from === owner.address.toLowerCase(),
      sent.value,
      sent.accessList ?? "no list",
    );
    say("confirmations", (await reader.getTransactionConfirmations({ transactionReceipt: transferred })) >= 1n);
  });

  await part("failures", async () => {
    const simulated = (functionName, args, account = owner) =>
      rejection(reader.simulateContract({ account, address: coin, abi, functionName, args }), revertOf);
    say("custom error", await simulated("mint", [owner.address, 10n ** 9n]));
    say("library error", await simulated("transfer", [viem.zeroAddress, 1n]));
    say("role", (await simulated("mint", [friend.address, 1n], friend)).split(",")[1]);
    say("words", await simulated("failWithWords", []));
    say("panic", await simulated("failWithPanic", [0n]));
    say("silence", await simulated("failInSilence", []));
    say(
      "writing",
      await rejection(
        writer.writeContract({ address: coin, abi, functionName: "mint", args: [owner.address, 10n ** 9n] }),
        revertOf,
      ),
    );
    const forced = await receiptOf(
      await writer.writeContract({
        address: coin,
        abi,
        functionName: "transfer",
        args: [friend.address, 10n ** 9n],
        gas: 100_000n,
      }),
    );
    say("reverted on chain", forced.status, forced.gasUsed, forced.logs.length);
    const nonce = await reader.getTransactionCount({ address: owner.address });
    const low = writer.writeContract({
      address: coin,
      abi,
      functionName: "transfer",
      args: [friend.address, 1n],
      nonce: nonce - 1,
    });
    say(
      "nonce",
      await rejection(low, (problem) => problem.walk((cause) => cause instanceof viem.NonceTooLowError)?.name),
    );
  });

  await part("estimate", async () => {
    const gas = await reader.estimateContractGas({
      account: owner,
      address: coin,
      abi,
      functionName: "transfer",
      args: [friend.address, 1n],
    });
    const hash = await writer.writeContract({
      address: coin,
      abi,
      functionName: "transfer",
      args: [friend.address, 1n],
      gas,
    });
    say("is enough", (await receiptOf(hash)).status);
    say("fees", typeof (await reader.estimateFeesPerGas()).maxFeePerGas, typeof (await reader.getGasPrice()));
    const history = await reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [25, 75], blockTag: "latest" });
    say(
      "fee history",
      history.baseFeePerGas.length,
      history.gasUsedRatio.length,
      history.reward.length,
      history.reward[0].length,
    );
  });

  await part("multicall", async () => {
    const { contractAddress } = await deploy("Multicall");
    const calls = [
      { address: coin, abi, functionName: "symbol" },
      { address: coin, abi, functionName: "balanceOf", args: [friend.address] },
      { address: coin, abi, functionName: "failWithWords" },
    ];
    const results = await reader.multicall({ contracts: calls, multicallAddress: contractAddress });
    say(
      "results",
      ...results.map(({ status, result, error }) => [status, result ?? error.cause.reason ?? error.name].map(String)),
    );
    const strict = reader.multicall({ contracts: calls, multicallAddress: contractAddress, allowFailure: false });
    say("strict", await rejection(strict, revertOf));
    const deployless = await reader.multicall({ contracts: calls.slice(0, 2), deployless: true });
    say("without a contract", ...deployless.map(({ result }) => result));
  });

  await part("logs", async () => {
    const first = await write("note", ["rain", "in the morning"]);
    const last = await write("note", ["sun", "at noon"]);
    const range = { address: coin, abi, eventName: "Noted", fromBlock: first.blockNumber, toBlock: last.blockNumber };
    const texts = async (args) => (await reader.getContractEvents({ ...range, args })).map((log) => log.args.text);
    say("all", await texts());
    say("by topic", await texts({ topic: "sun" }));
    say("of nobody", await texts({ author: friend.address }));
    const filter = await reader.createContractEventFilter({
      address: coin,
      abi,
      eventName: "Noted",
      fromBlock: first.blockNumber,
    });
    say("filter", (await reader.getFilterLogs({ filter })).length);
    await reader.getFilterChanges({ filter });
    await write("note", ["snow", "at night"]);
    say(
      "changes",
      (await reader.getFilterChanges({ filter })).map((log) => log.args.text),
    );
    say("removed", await reader.uninstallFilter({ filter }), await reader.uninstallFilter({ filter }));
  });

  await part("watch by polling", async () => {
    let stop;
    const heard = new Promise((resolve, reject) => {
      stop = reader.watchContractEvent({
        address: coin,
        abi,
        eventName: "Noted",
        onLogs: ([log]) => resolve(log.args.text),
        onError: reject,
      });
    });
    // The filter is installed by the first poll, which must not come after the event.
    await new Promise((resolve) => setTimeout(resolve, 5 * POLLING_MS));
    await write("note", ["poll", "heard by polling"]);
    say("heard", await soon(heard, "event"));
    stop();
  });

  await part("proof", async () => {
    const { contractAddress } = await deploy("Surroundings");
    const surroundings = { address: contractAddress, abi: artifacts.Surroundings.abi };
    for (const [slot, value] of [
      [1n, 11n],
      [2n, 22n],
    ]) {
      await receiptOf(await writer.writeContract({ ...surroundings, functionName: "write", args: [slot, value] }));
    }
    const slotOf = (slot) =>
      viem.keccak256(viem.encodeAbiParameters([{ type: "uint256" }, { type: "uint256" }], [slot, 0n]));
    const proof = await reader.getProof({ address: contractAddress, storageKeys: [1n, 2n, 3n].map(slotOf) });
    say(
      "account",
      proof.nonce,
      proof.balance,
      proof.codeHash === viem.keccak256(await reader.getCode({ address: contractAddress })),
    );
    say("storage", proof.storageHash);
    say("values", ...proof.storageProof.map(({ value, proof: path }) => [value, path.length]));
    const block = await reader.getBlock();
    say(
      "root",
      viem.keccak256(proof.accountProof[0]) === block.stateRoot,
      viem.keccak256(proof.storageProof[0].proof[0]) === proof.storageHash,
    );
    say("slot", await reader.getStorageAt({ address: contractAddress, slot: slotOf(2n) }));
  });

  await part("access list", async () => {
    const data = viem.encodeFunctionData({ abi, functionName: "transfer", args: [friend.address, 1n] });
    const { accessList, gasUsed } = await reader.createAccessList({ account: owner, to: coin, data });
    say("addresses", accessList.length, accessList[0].address === coin, accessList[0].storageKeys.length);
    const slots = [owner.address, friend.address].map((holder) =>
      viem.keccak256(viem.encodeAbiParameters([{ type: "address" }, { type: "uint256" }], [holder, 0n])),
    );
    say("balances listed", accessList[0].storageKeys.filter((key) => slots.includes(key)).length);
    const receipt = await receiptOf(await writer.sendTransaction({ to: coin, data, accessList }));
    say("used", receipt.status, receipt.gasUsed, gasUsed >= receipt.gasUsed);
  });

  await part("permit", async () => {
    const value = 33n;
    const deadline = viem.maxUint256;
    const signature = await writer.signTypedData({
      domain: { name: "Test Coin", version: "1", chainId: chain.id, verifyingContract: coin },
      types: {
        Permit: [
          { name: "owner", type: "address" },
          { name: "spender", type: "address" },
          { name: "value", type: "uint256" },
          { name: "nonce", type: "uint256" },
          { name: "deadline", type: "uint256" },
        ],
      },
      primaryType: "Permit",
      message: {
        owner: owner.address,
        spender: friend.address,
        value,
        nonce: await read("nonces", [owner.address]),
        deadline,
      },
    });
    const { r, s, v } = viem.parseSignature(signature);
    await write("permit", [owner.address, friend.address, value, deadline, Number(v), r, s], friendly);
    say("allowance", await read("allowance", [owner.address, friend.address]));
    await write("transferFrom", [owner.address, friend.address, value], friendly);
    say("spent", await read("allowance", [owner.address, friend.address]));
    const verified = await reader.verifyMessage({
      address: owner.address,
      message: "hello",
      signature: await writer.signMessage({ message: "hello" }),
    });
    say("message verified", verified);
  });

  await part("delegation", async () => {
    const { contractAddress } = await deploy("Delegate");
    const authorization = await friendly.signAuthorization({ contractAddress, executor: "self" });
    const calls = [1n, 2n].map((amount) => ({
      target: coin,
      data: viem.encodeFunctionData({ abi, functionName: "transfer", args: [owner.address, amount] }),
    }));
    const hash = await friendly.writeContract({
      address: friend.address,
      abi: artifacts.Delegate.abi,
      functionName: "execute",
      args: [calls],
      authorizationList: [authorization],
    });
    const receipt = await receiptOf(hash);
    say("type, status, logs", receipt.type, receipt.status, receipt.logs.length);
    say("code", viem.size(await reader.getCode({ address: friend.address })));
    const sent = await reader.getTransaction({ hash });
    say("list", sent.authorizationList.length, sent.authorizationList[0].address === contractAddress);
    const cleared = await friendly.signAuthorization({ contractAddress: viem.zeroAddress, executor: "self" });
    await receiptOf(await friendly.sendTransaction({ to: owner.address, authorizationList: [cleared] }));
    say("code after", (await reader.getCode({ address: friend.address })) ?? "none");
  });

  await part("overrides", async () => {
    const stateOverride = [{ address: coin, stateDiff: [{ slot: viem.pad("0x2"), value: viem.pad("0x99") }] }];
    say("storage", await read("totalSupply", [], { stateOverride }));
    const fake = viem.getAddress("0x00000000000000000000000000000000000fa4e0");
    const code = artifacts.Surroundings.runtime;
    const [id] = await reader.readContract({
      address: fake,
      abi: artifacts.Surroundings.abi,
      functionName: "chain",
      stateOverride: [{ address: fake, code }],
    });
    say("code", id === BigInt(chain.id));
  });

  await part("simulated blocks", async () => {
    const call = (functionName, args) => ({ to: coin, data: viem.encodeFunctionData({ abi, functionName, args }) });
    const from = owner.address;
    const minted = { ...call("mint", [friend.address, 5n]), from };
    const blocks = await reader.simulateBlocks({
      blocks: [{ calls: [minted, { ...call("totalSupply"), from }] }, { calls: [{ ...call("failWithWords"), from }] }],
    });
    const supply = viem.hexToBigInt(blocks[0].calls[1].data) - (await read("totalSupply"));
    say(
      "first",
      blocks[0].calls.map((item) => item.status),
      blocks[0].calls[0].logs.length,
      supply,
    );
    const [refused] = blocks[1].calls;
    say("second", refused.status, viem.decodeErrorResult({ abi, data: refused.data }).args);
    say("heights", blocks[1].number - blocks[0].number);
    say("gas", ...blocks[0].calls.map((item) => item.gasUsed));
  });

  await part("socket", async () => {
    const transport = viem.webSocket(node.socketUrl, { reconnect: false, retryCount: 0 });
    const socket = viem.createPublicClient({ chain, transport });
    const stops = [];
    const heard = new Promise((resolve, reject) => {
      stops.push(
        socket.watchContractEvent({
          address: coin,
          abi,
          eventName: "Noted",
          onLogs: ([log]) => resolve(log.args.text),
          onError: reject,
        }),
      );
    });
    const block = new Promise((resolve, reject) => {
      stops.push(socket.watchBlocks({ onBlock: (found) => resolve(typeof found.number), onError: reject }));
    });
    heard.catch(() => undefined);
    block.catch(() => undefined);
    await soon(socket.getBlockNumber(), "answer over the socket");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await write("note", ["socket", "heard over the socket"]);
    say("event", await soon(heard, "event"));
    say("block", await soon(block, "block"));
    stops.forEach((stop) => stop());
    (await transport({ chain }).value.getRpcClient()).close();
  });
}

main().finally(() => process.exit());
