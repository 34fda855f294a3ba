#!/usr/bin/env node
// solc-js with the two command lines by which forge calls a compiler: --version and --standard-json with the input on
// stdin.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
// Installed as TOOLS/bin/solc, beside the compiler's package.
const solc = require(path.join(path.dirname(fs.realpathSync(__filename)), "..", "node_modules", "solc"));

if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(fs.readFileSync(0, "utf8")));
} else {
  console.error(`solc: only --version and --standard-json are known here, not ${process.argv.slice(2).join(" ")}`);
  process.exit(1);
}
