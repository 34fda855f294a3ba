// What a developer writes for a contract: deploy it, use it, expect its events and its refusals.
const { expect } = require("chai");
const { ethers } = require("hardhat");

/**
 * Return a transaction once its receipt exists: `emit` looks for it at once, which only suits nodes that mine while
 * they answer.
 */
async function mined(sending) {
  const sent = await sending;
  await sent.wait();
  return sent;
}

describe("Coin", () => {
  let coin, owner, friend;

  before(async () => {
    [owner, friend] = await ethers.getSigners();
    coin = await ethers.deployContract("Coin", [1_000_000n]);
    await coin.waitForDeployment();
  });

  it("stands where the receipt says, with its constructor's values", async () => {
    expect(await coin.name()).to.equal("Test Coin");
    expect(await coin.cap()).to.equal(1_000_000n);
    expect((await ethers.provider.getCode(coin)).length).to.be.above(2);
  });

  it("mints for the minter alone", async () => {
    await expect(await mined(coin.mint(owner, 100n)))
      .to.emit(coin, "Transfer")
      .withArgs(ethers.ZeroAddress, owner, 100n);
    await expect(coin.connect(friend).mint(friend, 1n))
      .to.be.revertedWithCustomError(coin, "AccessControlUnauthorizedAccount")
      .withArgs(friend, await coin.MINTER_ROLE());
  });

  it("moves balances", async () => {
    await mined(coin.transfer(friend, 30n));
    expect(await coin.balanceOf(friend)).to.equal(30n);
    await expect(coin.transfer(friend, 5n)).to.changeTokenBalances(coin, [owner, friend], [-5n, 5n]);
  });

  it("refuses with its own error and its values", async () => {
    await expect(coin.mint(owner, 10n ** 9n))
      .to.be.revertedWithCustomError(coin, "CapExceeded")
      .withArgs(10n ** 9n, 999_900n);
  });

  it("refuses in words", async () => {
    await expect(coin.failWithWords()).to.be.revertedWith("these are the words");
  });

  it("panics with a code", async () => {
    await expect(coin.failWithPanic(0n)).to.be.revertedWithPanic(0x12);
    expect(await coin.failWithPanic(1n)).to.equal(1n);
  });

  it("refuses without a reason", async () => {
    await expect(coin.failInSilence()).to.be.revertedWithoutReason();
  });

  it("emits what indexed text hides", async () => {
    await expect(await mined(coin.note("rain", "in the morning")))
      .to.emit(coin, "Noted")
      .withArgs(owner, "rain", "in the morning");
  });

  it("lets an approved friend spend", async () => {
    await mined(coin.approve(friend, 7n));
    await mined(coin.connect(friend).transferFrom(owner, friend, 7n));
    expect(await coin.allowance(owner, friend)).to.equal(0n);
  });
});
