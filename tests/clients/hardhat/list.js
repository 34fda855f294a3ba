// Print each test of a run as one line: its name and whether it passed; mocha's own reporters print how long each took.
const { Runner } = require("mocha");

module.exports = class List {
  constructor(runner) {
    runner.on(Runner.constants.EVENT_TEST_PASS, (test) => console.log(`passed: ${test.fullTitle()}`));
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, problem) => {
      console.log(`FAILED: ${test.fullTitle()}: ${problem.message}`);
      console.error(problem);
    });
  }
};
