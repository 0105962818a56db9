/**
 * A gate for a test that is written before the fix: `node must-fail.mjs <command> <argument>...` passes when the command
 * fails by an assertion. A test that passes proves no bug, one that cannot even be loaded proves nothing.
 */

import { spawnSync } from 'node:child_process';

/** What node:test, node:assert, vitest, mocha and jest print of a failed assertion. */
const ASSERTION = /ERR_ASSERTION|AssertionError|expect\(received\)/;

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: node must-fail.mjs <command> <argument>...');
  process.exit(2);
}
// On Windows, npx and its like are scripts that only a shell starts.
const shell = process.platform === 'win32';
const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', shell });
const printed = `${stdout ?? ''}${stderr ?? ''}`;

if (error) refuse(`the test could not be run: ${error.message}`);
else if (status === 0) refuse('the test passes on the code as it is, so it does not show the bug');
else if (status === null) refuse('the test was ended by a signal', printed);
else if (!ASSERTION.test(printed)) {
  refuse('the test fails, but not by an assertion: it may not even be loaded', printed);
} else console.log(`${printed}\nThe test fails by an assertion, as it should before the fix.`);

function refuse(message, output = '') {
  process.stdout.write(output);
  console.error(`Error: ${message}`);
  process.exitCode = 1;
}
