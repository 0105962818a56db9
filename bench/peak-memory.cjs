// Loaded into a measured process: writes its peak memory in kilobytes when it ends.
const { isMainThread } = require('node:worker_threads');
const { writeFileSync } = require('node:fs');

const file = process.env.BENCH_PEAK_FILE;
delete process.env.BENCH_PEAK_FILE;
if (isMainThread && file)
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
