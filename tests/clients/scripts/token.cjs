// Any ERC-20 through ethers and from Solidity: an account pays with it, a contract keeps it, refusals undo what was done.
//
// TOKEN names the token, of which the first development account holds 100 000 or more; without it, one is deployed. A
// token that is a native currency must print what one of OpenZeppelin's prints.
"use strict";
const { ethers } = require("ethers");
const { KEYS, artifacts, node, part, rejection, say } = require("./transcript.cjs");

const provider = new ethers.JsonRpcProvider(node.url, undefined, { pollingInterval: 50, cacheTimeout: -1 });
const [owner, friend] = [KEYS[0], KEYS[4]].map((key) => new ethers.Wallet(key, provider));

async function deploy(name, ...parameters) {
  const factory = new ethers.ContractFactory(artifacts[name].abi, artifacts[name].bytecode, owner);
  return (await factory.deploy(...parameters)).waitForDeployment();
}

async function done(sending) {
  return (await sending).wait();
}

async function main() {
  let token;
  let escrow;
  // A contract passes on its token's errors, which its own interface does not know.
  const errorName = ({ data }) => (token.interface.parseError(data) ?? escrow.interface.parseError(data)).name;
  const names = (receipt) =>
    receipt.logs.map((log) => (token.interface.parseLog(log) ?? escrow.interface.parseLog(log)).name).join(",");
  const balanceChanges = async (act) => {
    const accounts = [owner.address, friend.address, escrow.target];
    const read = () => Promise.all(accounts.map((account) => token.balanceOf(account)));
    const before = await read();
    const receipt = await act();
    const after = await read();
    return [receipt.status, ...after.map((balance, index) => balance - before[index])];
  };

  await part("token", async () => {
    if (process.env.TOKEN) {
      token = new ethers.Contract(ethers.getAddress(process.env.TOKEN), artifacts.Coin.abi, owner);
    } else {
      token = await deploy("Coin", 1_000_000);
      await done(token.mint(owner, 100_000));
    }
    escrow = await deploy("Escrow", token.target);
    await done(token.approve(escrow, 0));
    await done(token.connect(friend).approve(escrow, 0));
    say("supply covers the owner", (await token.totalSupply()) >= (await token.balanceOf(owner)));
    say("enough", (await token.balanceOf(owner)) >= 100_000n);
    say("text", typeof (await token.name()), typeof (await token.symbol()), typeof (await token.decimals()));
  });

  await part("by an account", async () => {
    say("paid", ...(await balanceChanges(() => done(token.transfer(friend, 500)))));
    const receipt = await done(token.transfer(friend, 1));
    const [log] = receipt.logs;
    say(
      "event",
      names(receipt),
      log.topics.length,
      token.interface.parseLog(log).args.value,
      log.address === token.target,
    );
    say("too much", await rejection(token.transfer.staticCall(friend, 2n ** 255n), errorName));
    say("too much, estimated", await rejection(token.transfer.estimateGas(friend, 2n ** 255n), errorName));
    say("to nobody", await rejection(token.transfer.staticCall(ethers.ZeroAddress, 1), errorName));
    const forced = await token.transfer(friend, 2n ** 255n, { gasLimit: 200_000 });
    say("too much, on chain", await rejection(forced.wait(), (problem) => problem.receipt.status));
    const found = await token.queryFilter(
      token.filters.Transfer(owner, friend),
      receipt.blockNumber,
      receipt.blockNumber,
    );
    say("found", found.length, found[0].args.value);
  });

  await part("by a contract", async () => {
    say("without allowance", await rejection(escrow.keep.staticCall(friend, 10), errorName));
    say("approved", names(await done(token.approve(escrow, 1_000))), await token.allowance(owner, escrow));
    say("kept", ...(await balanceChanges(() => done(escrow.keep(friend, 300)))));
    say("holdings", await escrow.holdings(), await escrow.kept(owner, friend), await token.allowance(owner, escrow));
    const released = await done(escrow.release(friend));
    say("released", names(released), await escrow.holdings());
    say("again", await rejection(escrow.release.staticCall(friend), errorName));
    const gas = await escrow.keep.estimateGas(friend, 1);
    const kept = await done(escrow.keep(friend, 1, { gasLimit: gas }));
    say("with its estimate", kept.status, kept.gasUsed <= gas);
  });

  await part("undone", async () => {
    await done(token.approve(escrow, 1_000));
    const act = () =>
      done(escrow.payTwice(friend, 5, 2_000, { gasLimit: 500_000 })).catch((problem) => problem.receipt);
    say("both", ...(await balanceChanges(act)), await token.allowance(owner, escrow));
    say("why", await rejection(escrow.payTwice.staticCall(friend, 5, 2_000), errorName));
    say("counted", await escrow.payEach.staticCall(friend, [1, 5_000, 2]));
    say("each", ...(await balanceChanges(() => done(escrow.payEach(friend, [1, 5_000, 2])))));
    say("left", await token.allowance(owner, escrow));
  });
}

main().finally(() => provider.destroy());
