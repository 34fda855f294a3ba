// A project as Hardhat's documentation lays it out; hardhat.sh copies it, with sources of ../solidity as contracts.
const { subtask } = require("hardhat/config");
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require("hardhat/builtin-tasks/task-names");
require("@nomicfoundation/hardhat-ethers");
require("@nomicfoundation/hardhat-chai-matchers");

// The compiler of the installed package: Hardhat would fetch its own.
subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async ({ solcVersion }) => ({
  compilerPath: require.resolve("solc/soljson.js"),
  isSolcJs: true,
  version: solcVersion,
  longVersion: require("solc").version(),
}));

module.exports = {
  solidity: { version: "0.8.30", settings: { evmVersion: "prague", optimizer: { enabled: true, runs: 200 } } },
  defaultNetwork: "node",
  mocha: { reporter: `${__dirname}/list.js` },
  networks: {
    node: {
      url: process.env.NODE_URL,
      accounts: { mnemonic: "test test test test test test test test test test test junk", initialIndex: 7, count: 3 },
    },
  },
};
