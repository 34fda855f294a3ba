// Compile every Solidity source of a folder with solc-js and write {name: {abi, bytecode, runtime}} to a file.
// Usage: NODE_PATH=TOOLS/node_modules node compile.cjs SOURCES_FOLDER ARTIFACTS_FILE
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const [folder, artifactsFile] = process.argv.slice(2);
const names = fs
  .readdirSync(folder)
  .filter((name) => name.endsWith(".sol"))
  .sort();
const input = {
  language: "Solidity",
  sources: Object.fromEntries(
    names.map((name) => [name, { content: fs.readFileSync(path.join(folder, name), "utf8") }]),
  ),
  settings: {
    evmVersion: "prague",
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const readImport = (name) => ({ contents: fs.readFileSync(require.resolve(name), "utf8") });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
const errors = (output.errors ?? []).filter((problem) => problem.severity === "error");
if (errors.length > 0) {
  throw new Error(errors.map((problem) => problem.formattedMessage).join("\n"));
}
const artifacts = {};
// The packages' own contracts too: some are deployed as they are.
for (const contracts of Object.values(output.contracts)) {
  for (const [contract, result] of Object.entries(contracts)) {
    if (result.evm.bytecode.object === "") continue;
    artifacts[contract] = {
      abi: result.abi,
      bytecode: "0x" + result.evm.bytecode.object,
      runtime: "0x" + result.evm.deployedBytecode.object,
    };
  }
}
fs.writeFileSync(artifactsFile, JSON.stringify(artifacts));
