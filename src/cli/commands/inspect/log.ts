/** `conductor log`: what happened in a build, read from its event log and the other logs. */

import { listBuilds, readBuildLog } from '../../../commands/read-log.js';
import { printedLine } from '../../../report/json.js';
import { logText } from '../../../report/log.js';
import { visible, visibleBlock } from '../../../report/style.js';
import { CALL, print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runLog(
  what: string | undefined,
  flags: { readonly list?: boolean; readonly json?: boolean },
): Promise<number> {
  const { directory } = createHost(process.cwd());
  if (flags.list) {
    const builds = await listBuilds(directory);
    if (flags.json) printJson({ schema: 1, builds });
    else for (const name of builds) print(visible(name));
    return 0;
  }
  const log = await readBuildLog(directory, what);
  if (!log.ok) return refuse(log.error);
  if (flags.json) {
    for (const event of log.value.events) process.stdout.write(printedLine(event, CALL));
    return 0;
  }
  const style = styleFor(process.stdout);
  print(logText(log.value.events, style));
  for (const { name, text } of log.value.files) {
    print(`\n${style('bold', visible(name))}\n${visibleBlock(text)}`);
  }
  return 0;
}
