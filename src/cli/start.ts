/**
 * The first code that runs. A plain build with nothing to do ends here; for everything else it loads the command
 * line. Bundled as one small file, because each module costs start time.
 */

import { writeSync } from 'node:fs';
import { recordNames } from '../agent/opencode/server/record-folder.js';
import { nothingDone, PLAIN_BUILD } from '../build/options.js';
import { type QuickHost, quickCheck } from '../build/quick-check.js';
import { codeOf } from '../io/errors.js';
import type { BuildEvent, BuildSummary } from '../model/event.js';
import { createEmit } from '../project/host.js';
import { buildName } from '../project/log-files.js';
import { eventLine } from '../report/json.js';
import { summaryLine } from '../report/live/summary-line.js';
import { plainStyle } from '../report/style.js';
import type { SeenChanges } from '../workspace/reading/seen-changes.js';
import { findProject, userCache } from './places.js';
import { VERSION } from './version.js';

/** The caller loads what is needed only now and then: this file may be run from compiled code, which cannot import. */
interface Loaders {
  /** Called after a build with nothing to do, when the functions that it needs are compiled: those of other commands would be too few. */
  keepCode(): void;
  /** The command line, which keeps its compiled code too. */
  main(): Pick<typeof import('./main.js'), 'main' | 'prepareBuild'> & { keepCode(): void };
  configValue(): Promise<typeof import('./config-value.js')>;
}

export async function start(load: Loaders): Promise<void> {
  const [command, ...flags] = process.argv.slice(2);
  // A CI gets reports also of a build with nothing to do.
  const isInCi = process.env.GITHUB_ACTIONS === 'true' || process.env.GITLAB_CI !== undefined;
  const isPlain = command === 'build' && flags.every((flag) => flag === '--json') && !isInCi;
  // If the quick check fails, the full command reports the cause.
  let loaded: ReturnType<Loaders['main']> | undefined;
  const onChanged = () => {
    loaded = load.main();
    // What fails here fails again where it is needed, and is told there.
    loaded.prepareBuild().catch(() => undefined);
  };
  const json = flags.length > 0;
  const seen = isPlain ? await lookQuickly(json, { ...load, onChanged }).catch(() => undefined) : undefined;
  if (seen === 'nothing to do') {
    load.keepCode();
    process.exit(0);
  }
  const { main, keepCode } = loaded ?? load.main();
  await main({ keepCode, seen });
}

/** Says so if nothing is to do; otherwise what it has seen, if that may serve the build. */
async function lookQuickly(
  json: boolean,
  { configValue, onChanged }: Pick<Loaders, 'configValue'> & Required<Pick<QuickHost, 'onChanged'>>,
): Promise<'nothing to do' | SeenChanges | undefined> {
  const startedAt = Date.now();
  // Agents of a build that was killed are ended by the next one.
  if (recordNames(userCache()).length > 0) return undefined;
  const directory = findProject(process.cwd());
  const { env, pid } = process;
  const configDigest = async (project: string) => (await configValue()).configDigest(project);
  const host = { directory, env, pid, version: VERSION, now: Date.now, configDigest, onChanged };
  const found = await quickCheck(host, PLAIN_BUILD.command).catch(() => undefined);
  if (typeof found !== 'number') return found;
  const summary = nothingDone(found, Date.now() - startedAt);
  const output = json ? eventLines(summary, startedAt) : `${summaryLine(summary, plainStyle)}\n`;
  try {
    writeSync(1, output);
  } catch (error) {
    // The reader of the output may stop (`| head`); a stream waits for a full pipe.
    if (codeOf(error) === 'EAGAIN') await new Promise((resolve) => process.stdout.write(output, resolve));
  }
  return 'nothing to do';
}

function eventLines(summary: BuildSummary, startedAt: number): string {
  const events: BuildEvent[] = [];
  const emit = createEmit(Date.now, (event) => events.push(event));
  const build = buildName(startedAt, process.pid);
  emit({ type: 'build.started', build, command: PLAIN_BUILD.command, version: VERSION });
  emit({ type: 'build.finished', summary });
  return events.map(eventLine).join('');
}
