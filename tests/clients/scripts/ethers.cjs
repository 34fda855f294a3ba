// ethers 6 as its documentation shows it: deploy, call, send, decode failures, search and follow events, sign permits.
"use strict";
const { ethers } = require("ethers");
const { KEYS, artifacts, node, part, rejection, say, soon } = require("./transcript.cjs");

const provider = new ethers.JsonRpcProvider(node.url, undefined, { pollingInterval: 100, cacheTimeout: -1 });
const owner = new ethers.Wallet(KEYS[3], provider);
const friend = new ethers.Wallet(KEYS[4], provider);

const nameOf = (problem) => {
  if (problem.revert) return `${problem.revert.name}(${problem.revert.args.map(String).join(", ")})`;
  return `${problem.code} ${problem.reason ?? problem.shortMessage}`;
};

function factory(name, signer = owner) {
  return new ethers.ContractFactory(artifacts[name].abi, artifacts[name].bytecode, signer);
}

async function main() {
  let coin;

  await part("network", async () => {
    const network = await provider.getNetwork();
    say(
      "chain id is the one transactions are signed for",
      network.chainId === BigInt(await provider.send("net_version", [])),
    );
    const block = await provider.getBlock("latest");
    say(
      "block",
      block.number >= 0,
      ethers.isHexString(block.hash, 32),
      block.gasLimit > 1_000_000n,
      typeof block.timestamp,
    );
    say("fee data", typeof (await provider.getFeeData()).gasPrice);
    say("unknown block", (await provider.getBlock(2 ** 40)) === null);
    say("unknown receipt", (await provider.getTransactionReceipt(ethers.ZeroHash)) === null);
    say("unknown transaction", (await provider.getTransaction(ethers.id("nothing"))) === null);
  });

  await part("deploy", async () => {
    const cap = 1_000_000n;
    coin = await factory("Coin").deploy(cap);
    const sent = coin.deploymentTransaction();
    const receipt = await sent.wait();
    // Not the type: ethers takes a base fee of zero for no base fee, and then sends what existed before there were any.
    say("status, gas", receipt.status, receipt.gasUsed);
    say("address follows from the nonce", receipt.contractAddress === ethers.getCreateAddress(sent));
    say("code", (await provider.getCode(coin)).length);
    say("logs of the constructor", receipt.logs.length, coin.interface.parseLog(receipt.logs[0]).name);
    say("reads", await coin.name(), await coin.decimals(), await coin.cap(), await coin.totalSupply());
  });

  await part("send", async () => {
    const receipt = await (await coin.mint(owner, 1_000)).wait();
    say("mint", receipt.status, receipt.gasUsed, receipt.logs.length);
    const transfer = await (await coin.transfer(friend, 25)).wait();
    say("transfer", transfer.status, transfer.gasUsed, receipt.index, transfer.logs[0].index);
    say("event", coin.interface.parseLog(transfer.logs[0]).args.value);
    const mined = await provider.getTransaction(transfer.hash);
    say("read back", mined.from === owner.address, mined.to === coin.target, mined.value, mined.data.length);
    await (await coin.approve(friend, 10)).wait();
    say("allowance", await coin.allowance(owner, friend));
    await (await coin.connect(friend).transferFrom(owner, friend, 10)).wait();
    say("balances", await coin.balanceOf(owner), await coin.balanceOf(friend));
    say("allowance used", await coin.allowance(owner, friend));
    const before = transfer.blockNumber - 1;
    say("a block earlier", await coin.balanceOf(friend, { blockTag: before }));
    const history = await transfer.getTransaction();
    say("confirmations", (await history.wait(1)).status);
  });

  await part("kinds", async () => {
    for (const overrides of [{ type: 0 }, { type: 1, accessList: [] }, { type: 2 }]) {
      const receipt = await (await coin.transfer(friend, 1, overrides)).wait();
      say(`type ${overrides.type}`, receipt.type, receipt.status, receipt.gasUsed);
    }
    const slot = ethers.zeroPadValue("0x00", 32);
    const listed = await coin.transfer(friend, 1, {
      type: 1,
      accessList: [{ address: coin.target, storageKeys: [slot] }],
    });
    say("with a list", (await listed.wait()).gasUsed, (await provider.getTransaction(listed.hash)).accessList.length);
  });

  await part("estimate", async () => {
    const estimate = await coin.transfer.estimateGas(friend, 1);
    const receipt = await (await coin.transfer(friend, 1, { gasLimit: estimate })).wait();
    say("is enough", receipt.status, receipt.gasUsed <= estimate);
    say("of a refusal", await rejection(coin.transfer.estimateGas(friend, 10n ** 9n), nameOf));
  });

  await part("failures", async () => {
    say("custom error", await rejection(coin.mint.staticCall(owner, 10n ** 9n), nameOf));
    say(
      "library error",
      await rejection(coin.transfer.staticCall(friend, 10n ** 9n), (problem) => problem.revert.name),
    );
    say("role", await rejection(coin.connect(friend).mint.staticCall(friend, 1), (problem) => problem.revert.name));
    say("words", await rejection(coin.failWithWords(), nameOf));
    say("panic", await rejection(coin.failWithPanic(0), nameOf));
    say("silence", await rejection(coin.failInSilence(), nameOf));
    say("invalid", await rejection(coin.failByInvalid({ gasLimit: 100_000 }), (problem) => problem.code));
    const late = await coin.transfer(friend, 10n ** 9n, { gasLimit: 100_000 });
    say(
      "reverted on chain",
      await rejection(late.wait(), (problem) => `${problem.code} ${problem.receipt.status} ${problem.receipt.gasUsed}`),
    );
    say("not a contract", await rejection(coin.attach(friend.address).name(), (problem) => problem.code));
  });

  await part("nonces", async () => {
    const nonce = await owner.getNonce();
    say("low", await rejection(coin.transfer(friend, 1, { nonce: nonce - 1 }), (problem) => problem.code));
    const both = [await coin.transfer(friend, 2, { nonce }), await coin.transfer(friend, 3, { nonce: nonce + 1 })];
    const receipts = await Promise.all(both.map((sent) => sent.wait()));
    say("in a row", ...receipts.map((receipt) => receipt.status));
    say("counted", (await owner.getNonce()) - nonce, (await provider.getTransactionCount(owner, "pending")) - nonce);
  });

  await part("logs", async () => {
    const first = await (await coin.note("rain", "in the morning")).wait();
    const second = await (await coin.note("sun", "at noon")).wait();
    const range = [first.blockNumber, second.blockNumber];
    say(
      "all",
      (await coin.queryFilter("Noted", ...range)).map((event) => event.args.text),
    );
    say(
      "by topic",
      (await coin.queryFilter(coin.filters.Noted(owner.address, "sun"), ...range)).map((event) => event.args.text),
    );
    say("by two", (await coin.queryFilter(coin.filters.Noted(null, ["rain", "sun"]), ...range)).length);
    say("of nobody", await coin.queryFilter(coin.filters.Noted(friend.address), ...range));
    const plain = await provider.getLogs({ address: coin.target, blockHash: second.blockHash });
    say("by block hash", plain.length, plain[0].transactionHash === second.hash, plain[0].removed);
  });

  await part("polling", async () => {
    const heard = new Promise((resolve) => {
      coin.once("Noted", (author, topic, text, event) =>
        resolve([author === owner.address, text, event.log.topics.length]),
      );
    });
    // The filter is installed by the first poll, which must not come after the event.
    await provider.getBlockNumber();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await (await coin.note("poll", "heard by polling")).wait();
    say("heard", ...(await soon(heard, "event")));
    coin.removeAllListeners();
  });

  await part("permit", async () => {
    const { chainId } = await provider.getNetwork();
    const domain = { name: "Test Coin", version: "1", chainId, verifyingContract: coin.target };
    const types = {
      Permit: ["address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline"].map(
        (field) => {
          const [type, name] = field.split(" ");
          return { name, type };
        },
      ),
    };
    const message = {
      owner: owner.address,
      spender: friend.address,
      value: 77n,
      nonce: await coin.nonces(owner),
      deadline: ethers.MaxUint256,
    };
    const signature = ethers.Signature.from(await owner.signTypedData(domain, types, message));
    const permit = [
      message.owner,
      message.spender,
      message.value,
      message.deadline,
      signature.v,
      signature.r,
      signature.s,
    ];
    await (await coin.connect(friend).permit(...permit)).wait();
    say("allowance", await coin.allowance(owner, friend), await coin.nonces(owner));
    say(
      "used twice",
      await rejection(coin.connect(friend).permit.staticCall(...permit), (problem) => problem.revert.name),
    );
  });

  await part("delegation", async () => {
    const lender = await (await factory("Delegate").deploy()).waitForDeployment();
    const authorization = await friend.authorize({ address: lender.target, nonce: await friend.getNonce() });
    const delegated = await owner.sendTransaction({ type: 4, to: owner.address, authorizationList: [authorization] });
    const receipt = await delegated.wait();
    say("type, status, gas", receipt.type, receipt.status, receipt.gasUsed);
    say("code", (await provider.getCode(friend)) === ethers.concat(["0xef0100", lender.target]).toLowerCase());
    const account = lender.attach(friend.address).connect(friend);
    const calls = [1, 2].map((amount) => ({
      target: coin.target,
      data: coin.interface.encodeFunctionData("transfer", [owner.address, amount]),
    }));
    const batch = await (await account.execute(calls)).wait();
    say("batch", batch.status, batch.logs.length);
    say("by another", await rejection(lender.attach(friend.address).connect(owner).execute.staticCall(calls), nameOf));
    const cleared = await friend.authorize({ address: ethers.ZeroAddress, nonce: await friend.getNonce() });
    await (await owner.sendTransaction({ type: 4, to: owner.address, authorizationList: [cleared] })).wait();
    say("code after", await provider.getCode(friend));
  });

  await part("create2", async () => {
    const vaults = await (await factory("VaultFactory").deploy()).waitForDeployment();
    const salt = ethers.id("a salt");
    const expected = ethers.getCreate2Address(vaults.target, salt, await vaults.initCodeHash(owner, 42));
    say("empty before", await provider.getCode(expected));
    await (await vaults.create(salt, owner, 42)).wait();
    const vault = new ethers.Contract(expected, artifacts.Vault.abi, owner);
    say("number", await vault.number(), await provider.getStorage(expected, 0));
    say("again", await rejection(vaults.create.staticCall(salt, owner, 42), nameOf));
    say(
      "nonce of a contract",
      await provider.getTransactionCount(expected),
      await provider.getTransactionCount(vaults),
    );
  });

  await part("surroundings", async () => {
    const around = await (await factory("Surroundings").deploy()).waitForDeployment();
    say("chain", (await around.chain()).id === (await provider.getNetwork()).chainId);
    say("transient", await around.keepForAWhile.staticCall(6));
    say("gas", await around.burnGas.estimateGas(1_000), (await around.burnGas(1_000)) > 0n);
    const word = ethers.toBeHex;
    const at = (index) => ethers.zeroPadValue(word(index), 20);
    say("sha256", ...(await around.precompiled(at(2), "0x616263")));
    say("ripemd160", ...(await around.precompiled(at(3), "0x616263")));
    say("identity", ...(await around.precompiled(at(4), "0x616263")));
    const [ok, power] = await around.precompiled(
      at(5),
      ethers.concat([word(1, 32), word(1, 32), word(1, 32), "0x03", "0x05", "0x07"]),
    );
    say("modexp", ok, power);
    say("pairing of nothing", ...(await around.precompiled(at(8), "0x")));
    say("bls12 addition of nothing", ...(await around.precompiled(at(11), "0x")));
    const call = await provider.call({ to: around.target, data: around.interface.encodeFunctionData("slots", [1]) });
    say("empty slot", call);
  });

  await part("socket", async () => {
    const socket = new ethers.WebSocketProvider(node.socketUrl);
    socket.websocket.onerror = () => undefined;
    const listener = coin.connect(socket);
    const event = new Promise((resolve) => {
      listener.on("Noted", (author, topic, text, payload) =>
        resolve([author === owner.address, text, payload.log.topics.length]),
      );
    });
    const block = new Promise((resolve) => socket.once("block", (height) => resolve(typeof height)));
    await soon(socket.getBlockNumber(), "answer over the socket");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await (await coin.note("socket", "heard over the socket")).wait();
    say("event", ...(await soon(event, "event")));
    say("block", await soon(block, "block"));
    await listener.removeAllListeners();
    await socket.destroy();
  });
}

main().finally(() => provider.destroy());
