/** The process in which conductor runs commands when there are many. Ends with its parent, and its programs end with it. */

import { serveRuns } from '../io/process/served-runs.js';

await serveRuns(process.stdin, process.stdout);
process.exit();
