// Our own behaviours over OpenZeppelin's contracts, whose package carries no tests: what each promises, on a living
// node.
"use strict";
const crypto = require("node:crypto");
const { ethers } = require("ethers");
const { KEYS, artifacts, node, part, rejection, say } = require("./transcript.cjs");

const provider = new ethers.JsonRpcProvider(node.url, undefined, { pollingInterval: 50, cacheTimeout: -1 });
const [owner, friend, stranger] = [KEYS[9], KEYS[8], KEYS[7]].map((key) => new ethers.Wallet(key, provider));
const PROPOSAL_STATES = ["pending", "active", "canceled", "defeated", "succeeded", "queued", "expired", "executed"];
/**
 * Most blocks that are made while waiting for one: six times what a vote of three blocks and a delay of a second need.
 */
const BLOCKS_MAX = 60;

const errorName = (problem) => problem.revert?.name ?? `${problem.code} ${problem.shortMessage}`;

async function deploy(name, ...parameters) {
  const factory = new ethers.ContractFactory(artifacts[name].abi, artifacts[name].bytecode, owner);
  return (await factory.deploy(...parameters)).waitForDeployment();
}

/** Wait for a transaction; return its receipt. */
async function done(sending) {
  return (await sending).wait();
}

/** Return the names of the contract's events in a receipt. */
function eventNames(contract, receipt) {
  return receipt.logs.map((log) => contract.interface.parseLog(log)?.name ?? "another's").join(",");
}

/** Make blocks, by transactions that change nothing, until `isReached`. */
async function blocksUntil(isReached, what) {
  for (let count = 0; count < BLOCKS_MAX; count += 1) {
    if (await isReached()) return;
    await done(owner.sendTransaction({ to: owner.address }));
  }
  throw new Error(`${what} not reached after ${BLOCKS_MAX} blocks`);
}

/** Return the instance that a call of Proxies made, as a contract of `name`. */
async function made(proxies, sending, name) {
  const receipt = await done(sending);
  const log = receipt.logs.map((entry) => proxies.interface.parseLog(entry)).find((entry) => entry?.name === "Made");
  return new ethers.Contract(log.args.instance, artifacts[name].abi, owner);
}

async function erc20() {
  const coin = await deploy("Coin", 10_000);
  say("mint", eventNames(coin, await done(coin.mint(owner, 100))));
  say(
    "transfer",
    eventNames(coin, await done(coin.transfer(friend, 40))),
    await coin.balanceOf(owner),
    await coin.balanceOf(friend),
  );
  say("to nobody", await rejection(coin.transfer.staticCall(ethers.ZeroAddress, 1), errorName));
  say("too much", await rejection(coin.transfer.staticCall(friend, 61), errorName));
  say("without allowance", await rejection(coin.connect(friend).transferFrom.staticCall(owner, friend, 1), errorName));
  await done(coin.approve(friend, ethers.MaxUint256));
  await done(coin.connect(friend).transferFrom(owner, stranger, 10));
  say("endless allowance stays", (await coin.allowance(owner, friend)) === ethers.MaxUint256);
  say("supply", await coin.totalSupply());
  await done(coin.transfer(friend, 0));
  say("nothing moved is an event too", (await coin.queryFilter(coin.filters.Transfer(owner, friend))).length);
}

async function accessControl() {
  const coin = await deploy("Coin", 10_000);
  const role = await coin.MINTER_ROLE();
  say(
    "before",
    await coin.hasRole(role, friend),
    await rejection(coin.connect(friend).mint.staticCall(friend, 1), errorName),
  );
  say("granted", eventNames(coin, await done(coin.grantRole(role, friend))), await coin.hasRole(role, friend));
  say("granted again", eventNames(coin, await done(coin.grantRole(role, friend))) || "no event");
  await done(coin.connect(friend).mint(friend, 1));
  say("by the wrong one", await rejection(coin.connect(friend).grantRole.staticCall(role, stranger), errorName));
  say("renounced for another", await rejection(coin.renounceRole.staticCall(role, friend), errorName));
  say(
    "renounced",
    eventNames(coin, await done(coin.connect(friend).renounceRole(role, friend))),
    await coin.hasRole(role, friend),
  );
  say("interface", await coin.supportsInterface("0x7965db0b"), await coin.supportsInterface("0xffffffff"));
}

async function erc721() {
  const deeds = await deploy("Deeds");
  await done(deeds.safeMint(owner, 1));
  say("owner", (await deeds.ownerOf(1)) === owner.address, await deeds.balanceOf(owner));
  say("twice", await rejection(deeds.safeMint.staticCall(owner, 1), errorName));
  say("unknown", await rejection(deeds.ownerOf(2), errorName));
  say("not approved", await rejection(deeds.connect(friend).transferFrom.staticCall(owner, friend, 1), errorName));
  await done(deeds.approve(friend, 1));
  await done(deeds.connect(friend).transferFrom(owner, friend, 1));
  say("moved", (await deeds.ownerOf(1)) === friend.address, (await deeds.getApproved(1)) === ethers.ZeroAddress);
  const [willing, unwilling] = [await deploy("Keeper", true), await deploy("Keeper", false)];
  const give = deeds.connect(friend)["safeTransferFrom(address,address,uint256)"];
  say("to a contract that refuses", await rejection(give.staticCall(friend, unwilling, 1), errorName));
  say("to a contract that is none of this", await rejection(give.staticCall(friend, deeds, 1), errorName));
  await done(give(friend, willing, 1));
  say("to a contract that takes it", (await deeds.ownerOf(1)) === willing.target);
  await done(deeds.safeMint(owner, 2));
  say("burnt", eventNames(deeds, await done(deeds.burn(2))), await deeds.balanceOf(owner));
  await done(deeds.setApprovalForAll(friend, true));
  say("for all", await deeds.isApprovedForAll(owner, friend));
}

async function erc1155() {
  const baskets = await deploy("Baskets");
  await done(baskets.mintBatch(owner, [1, 2, 3], [10, 20, 30]));
  say("batch", await baskets.balanceOfBatch([owner, owner, owner, friend], [1, 2, 3, 1]).then((found) => [...found]));
  const moved = await done(baskets.safeBatchTransferFrom(owner, friend, [1, 3], [4, 5], "0x"));
  say("moved", eventNames(baskets, moved), await baskets.balanceOf(friend, 3));
  const one = await done(baskets.safeTransferFrom(owner, friend, 2, 1, "0x"));
  say("one", eventNames(baskets, one), baskets.interface.parseLog(one.logs[0]).args.value);
  say("too much", await rejection(baskets.safeTransferFrom.staticCall(owner, friend, 1, 7, "0x"), errorName));
  say("uneven", await rejection(baskets.mintBatch.staticCall(owner, [1], [1, 2]), errorName));
  say(
    "not approved",
    await rejection(baskets.connect(friend).safeTransferFrom.staticCall(owner, friend, 1, 1, "0x"), errorName),
  );
  say("to a contract", await rejection(baskets.safeTransferFrom.staticCall(owner, baskets, 1, 1, "0x"), errorName));
  say("uri", await baskets.uri(1));
}

async function permit() {
  const coin = await deploy("VotesCoin", owner);
  const { chainId } = await provider.getNetwork();
  const domain = { name: "Votes", version: "1", chainId, verifyingContract: coin.target };
  const fields = (...names) => names.map((field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] }));
  const types = {
    Permit: fields("address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline"),
  };
  const signed = async (values) => {
    const { v, r, s } = ethers.Signature.from(await owner.signTypedData(domain, types, values));
    return [values.owner, values.spender, values.value, values.deadline, v, r, s];
  };
  const values = { owner: owner.address, spender: friend.address, value: 9n, nonce: 0n, deadline: ethers.MaxUint256 };
  say("separator", (await coin.DOMAIN_SEPARATOR()) === ethers.TypedDataEncoder.hashDomain(domain));
  say("expired", await rejection(coin.permit.staticCall(...(await signed({ ...values, deadline: 1n }))), errorName));
  say(
    "another's words",
    await rejection(coin.permit.staticCall(...(await signed({ ...values, nonce: 1n }))), errorName),
  );
  say(
    "permitted",
    eventNames(coin, await done(coin.connect(friend).permit(...(await signed(values))))),
    await coin.allowance(owner, friend),
  );
  const delegation = { Delegation: fields("address delegatee", "uint256 nonce", "uint256 expiry") };
  const wish = { delegatee: friend.address, nonce: await coin.nonces(owner), expiry: ethers.MaxUint256 };
  const { v, r, s } = ethers.Signature.from(await owner.signTypedData(domain, delegation, wish));
  const delegated = await done(coin.connect(stranger).delegateBySig(wish.delegatee, wish.nonce, wish.expiry, v, r, s));
  say("delegated by signature", eventNames(coin, delegated), await coin.getVotes(friend));
  await done(coin.transfer(stranger, 100));
  say("votes follow", await coin.getVotes(friend), await coin.getPastVotes(friend, delegated.blockNumber));
}

async function governor() {
  const coin = await deploy("VotesCoin", owner);
  const timelock = await deploy("TimelockController", 1, [], [ethers.ZeroAddress], owner.address);
  const council = await deploy("Council", coin.target, timelock.target);
  const setting = await deploy("Setting", timelock.target);
  await done(timelock.grantRole(await timelock.PROPOSER_ROLE(), council));
  await done(coin.delegate(owner));
  say("by hand", await rejection(setting.set.staticCall(5), errorName));

  const proposal = [[setting.target], [0], [setting.interface.encodeFunctionData("set", [42])]];
  const reason = "set it to 42";
  const digest = ethers.id(reason);
  const id = await council.hashProposal(...proposal, digest);
  const state = async () => PROPOSAL_STATES[Number(await council.state(id))];
  const until = (wanted) => blocksUntil(async () => (await state()) === wanted, wanted);
  say("proposed", eventNames(council, await done(council.propose(...proposal, reason))));
  say("proposed again", await rejection(council.propose.staticCall(...proposal, reason), errorName));
  await until("active");
  say("too early", await rejection(council.queue.staticCall(...proposal, digest), errorName));
  say("vote", eventNames(council, await done(council.castVoteWithReason(id, 1, "because"))));
  say("vote again", await rejection(council.castVote.staticCall(id, 1), errorName));
  await until("succeeded");
  say("votes", (await council.proposalVotes(id)).map(String));
  say("queued", eventNames(council, await done(council.queue(...proposal, digest))), await state());
  const operation = await timelock.hashOperationBatch(
    ...proposal,
    ethers.ZeroHash,
    operationSalt(council.target, digest),
  );
  await blocksUntil(() => timelock.isOperationReady(operation), "the end of the delay");
  const executed = await done(council.execute(...proposal, digest));
  say("executed", executed.status, await state(), await setting.value());
  say("executed again", await rejection(council.execute.staticCall(...proposal, digest), errorName));
}

/**
 * Return the salt by which a council names its operation in the timelock: its address, left-aligned, xor the
 * description's hash.
 */
function operationSalt(address, digest) {
  return ethers.toBeHex(BigInt(ethers.zeroPadBytes(address, 32)) ^ BigInt(digest), 32);
}

async function upgradeable() {
  const proxies = await deploy("Proxies");
  const [one, two] = [await deploy("CounterOne"), await deploy("CounterTwo")];
  const initialize = one.interface.encodeFunctionData("initialize", [owner.address]);
  const counter = await made(proxies, proxies.proxy(one, initialize), "CounterOne");
  const slot = ethers.toBeHex(BigInt(ethers.id("eip1967.proxy.implementation")) - 1n, 32);
  const implementation = async () => ethers.getAddress(ethers.dataSlice(await provider.getStorage(counter, slot), 12));
  await done(counter.add());
  say("first", await counter.version(), await counter.count(), (await implementation()) === one.target);
  say("initialized again", await rejection(counter.initialize.staticCall(friend), errorName));
  say("the implementation itself", await rejection(one.initialize.staticCall(friend), errorName));
  say(
    "upgraded by another",
    await rejection(counter.connect(friend).upgradeToAndCall.staticCall(two, "0x"), errorName),
  );
  say("upgraded to what is none", await rejection(counter.upgradeToAndCall.staticCall(proxies, "0x"), errorName));
  say(
    "upgraded",
    eventNames(
      new ethers.Contract(counter.target, ["event Upgraded(address indexed implementation)"]),
      await done(counter.upgradeToAndCall(two, "0x")),
    ),
  );
  await done(counter.add());
  say("second", await counter.version(), await counter.count(), (await implementation()) === two.target);
}

async function clones() {
  const proxies = await deploy("Proxies");
  const counter = await deploy("CounterOne");
  const clone = await made(proxies, proxies.clone(counter), "CounterOne");
  await done(clone.initialize(friend));
  await done(clone.add());
  say("state of its own", await clone.count(), await counter.count(), (await clone.owner()) === friend.address);
  say("code", (await provider.getCode(clone)).length);
  const salt = ethers.id("clone");
  const predicted = await proxies.predictClone(counter, salt);
  const expected = await made(proxies, proxies.cloneAt(counter, salt), "CounterOne");
  say("where predicted", expected.target === predicted);
  say("twice", await rejection(proxies.cloneAt.staticCall(counter, salt), errorName));
  const code = ethers.concat([
    artifacts.Vault.bytecode,
    ethers.AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [owner.address, 6]),
  ]);
  const vault = await made(proxies, proxies.create(salt, code), "Vault");
  say("create2", vault.target === (await proxies.predict(salt, ethers.keccak256(code))), await vault.number());
  say("create2 of nothing", await rejection(proxies.create.staticCall(salt, "0x"), errorName));
  say("create2 twice", await rejection(proxies.create.staticCall(salt, code), errorName));
}

async function cryptography() {
  const helper = await deploy("Cryptography");
  const digest = ethers.id("anything");
  const signature = owner.signingKey.sign(digest);
  say("signer", (await helper.recover(digest, signature.serialized)) === owner.address);
  say("short", await rejection(helper.recover(digest, "0x1234"), errorName));
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const high = ethers.concat([
    signature.r,
    ethers.toBeHex(order - BigInt(signature.s), 32),
    ethers.toBeHex(signature.v === 27 ? 28 : 27),
  ]);
  say("the other s", await rejection(helper.recover(digest, high), errorName));
  const { chainId } = await provider.getNetwork();
  const domain = { name: "Cryptography", version: "1", chainId, verifyingContract: helper.target };
  const mail = { to: friend.address, text: "hello" };
  const types = {
    Mail: [
      { name: "to", type: "address" },
      { name: "text", type: "string" },
    ],
  };
  const typed = await owner.signTypedData(domain, types, mail);
  say(
    "typed data",
    (await helper.mailSigner(mail.to, mail.text, typed)) === owner.address,
    (await helper.mailSigner(mail.to, "other", typed)) === owner.address,
  );
  const described = await helper.eip712Domain();
  say("domain", described.name, described.version, described.chainId === chainId);

  const leaves = ["a", "b", "c", "d"].map((text) => ethers.id(text));
  const pair = (left, right) =>
    ethers.keccak256(ethers.concat(BigInt(left) < BigInt(right) ? [left, right] : [right, left]));
  const [left, right] = [pair(leaves[0], leaves[1]), pair(leaves[2], leaves[3])];
  const root = pair(left, right);
  say(
    "member",
    await helper.isMember([leaves[3], left], root, leaves[2]),
    await helper.isMember([leaves[3], left], root, leaves[1]),
  );

  const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x, y } = publicKey.export({ format: "jwk" });
  const words = [x, y].map((text) => ethers.zeroPadValue(ethers.hexlify(Buffer.from(text, "base64url")), 32));
  const raw = crypto.sign("sha256", Buffer.from("anything"), { key: privateKey, dsaEncoding: "ieee-p1363" });
  const curveOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [r, s] = [raw.subarray(0, 32), raw.subarray(32)].map((half) => BigInt(ethers.hexlify(half)));
  const low = s > curveOrder / 2n ? curveOrder - s : s;
  const hash = ethers.sha256(ethers.toUtf8Bytes("anything"));
  const arguments256 = [hash, ethers.toBeHex(r, 32), ethers.toBeHex(low, 32), ...words];
  say("p256", await helper.verifyP256(...arguments256), await helper.verifyP256InSolidity(...arguments256));
  const wrong = [ethers.id("other"), ...arguments256.slice(1)];
  say("p256 of another", await helper.verifyP256(...wrong), await helper.verifyP256InSolidity(...wrong));
}

async function main() {
  await part("ERC20", erc20);
  await part("AccessControl", accessControl);
  await part("ERC721", erc721);
  await part("ERC1155", erc1155);
  await part("ERC20Permit and ERC20Votes", permit);
  await part("Governor and TimelockController", governor);
  await part("ERC1967Proxy and UUPSUpgradeable", upgradeable);
  await part("Clones and Create2", clones);
  await part("ECDSA, EIP712, MerkleProof and P256", cryptography);
}

main().finally(() => provider.destroy());
