// What every JavaScript client script starts from: the node it is pointed at, the compiled contracts, and the
// transcript it prints.
//
// A transcript must be equal on every Ethereum node: only what the protocol decides is said, never a hash, a height, a
// time or a price.
"use strict";
const fs = require("node:fs");

/**
 * The keys of the public development mnemonic at m/44'/60'/0'/0/0 to 9. Scripts run one after the other, so they may
 * share them.
 */
const KEYS = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
  "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
  "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
  "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
  "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
  "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
  "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
];

const node = { url: process.env.NODE_URL, socketUrl: process.env.NODE_SOCKET_URL };
const artifacts = JSON.parse(fs.readFileSync(process.env.ARTIFACTS, "utf8"));

/** Print one line of the transcript. */
function say(label, ...values) {
  console.log(`${label}: ${values.map(shown).join(" ")}`);
}

function shown(value) {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? inner.toString() : inner));
}

/** Run one part of a script; a part that fails says so, and the next ones run all the same. */
async function part(name, run) {
  if (process.env.PARTS && !process.env.PARTS.split(",").includes(name)) return;
  console.log(`== ${name}`);
  try {
    await run();
  } catch (problem) {
    console.log(`FAILED: ${problem.shortMessage ?? problem.message}`);
    console.error(`${name}:`, problem);
    process.exitCode = 1;
  }
}

/** Return what `promise` is rejected with, described by `describe`; a promise that is kept is a failure. */
async function rejection(promise, describe) {
  let value;
  try {
    value = await promise;
  } catch (problem) {
    return describe(problem);
  }
  throw new Error(`was not refused: ${shown(value)}`);
}

/** Return what `promise` gives, or throw after a bound that no healthy node reaches. */
function soon(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Longest wait for one thing from one node: ten times what the slowest answer took on a loaded machine. */
const PATIENCE_MS = 20_000;

module.exports = { KEYS, node, artifacts, say, part, rejection, soon };
