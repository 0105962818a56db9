/** The process in which conductor runs commands when there are many. Ends with its parent, and its programs end with it. */

import { runFor } from '../io/process/run-marks.js';
import { serveRuns } from '../io/process/served-runs.js';

const [owner = '', name = ''] = process.argv.slice(2);
runFor(owner, name);
await serveRuns(process.stdin, process.stdout);
process.exit();
