/** `conductor watch`: turns keys and signals into requests, and passes events to reporters. */

import { mapBounded } from '../../../base/bounded.js';
import { openFileEvents } from '../../../commands/watch/file-events.js';
import { watchProject } from '../../../commands/watch/watch-project.js';
import { WatchRequests } from '../../../commands/watch/watch-requests.js';
import type { BuildEvent } from '../../../model/event.js';
import { type SingleEvent, singleEvents } from '../../../model/events/events-together.js';
import type { Label } from '../../../model/task.js';
import type { Verdict } from '../../../model/verdict.js';
import { explainText } from '../../../report/verdict.js';
import { type Keys, listenForKeys } from '../../keys.js';
import { CALL, refuse, styleFor } from '../../output.js';
import { openReporters } from '../../reporters.js';
import { anySignal, cancelOnSignals } from '../../signals.js';
import { timer } from '../../timers.js';
import { createHost } from '../../wire.js';

interface WatchFlags {
  readonly poll?: boolean;
  readonly workers?: number;
  readonly json?: boolean;
}

const KEYS = 'enter build now · a all · f failed only · e explain · q quit';
/** Tasks that are explained at once: more are for `conductor explain`. */
const MAX_EXPLAINED = 20;

export async function runWatch(targets: readonly string[], flags: WatchFlags): Promise<number> {
  const host = createHost(process.cwd());
  const reporters = openReporters(host, { json: flags.json === true, dryRun: false });
  const style = styleFor(flags.json ? process.stderr : process.stdout);
  const signals = cancelOnSignals();
  const quit = new AbortController();
  const requests = new WatchRequests();
  const last = new LastBuild();
  let keys: Keys | undefined;
  const onKey = async (key: string) => {
    if (key === '\r') requests.ask('now');
    else if (key === 'a') requests.ask('all');
    else if (key === 'f') requests.ask('failed');
    else if (key === 'q') quit.abort();
    else if (key === 'e') reporters.print?.(await last.explanation(style));
  };
  try {
    if (process.stdin.isTTY) keys = listenForKeys(process.stdin, (key) => void onKey(key));
    let told = keys === undefined;
    const watched = await watchProject({
      host,
      options: {
        targets,
        workers: flags.workers,
        poll: flags.poll === true,
        command: ['conductor watch', ...targets].join(' '),
      },
      openEvents: openFileEvents,
      requests,
      signal: anySignal(signals.signal, quit.signal),
      on(event) {
        last.on(event);
        reporters.on(event);
        if (event.type !== 'watch.idle' || told) return;
        told = true;
        reporters.print?.(`${style('dim', KEYS)}\n`);
      },
      after: timer,
    });
    if (watched.ok) return signals.signal.aborted ? 130 : 0;
    return refuse(watched.error);
  } finally {
    keys?.stop();
    signals.stop();
    await reporters.close();
  }
}

/** Why the tasks of the last build were not simply fresh. */
class LastBuild {
  private readonly verdicts = new Map<Label, Verdict>();

  on(event: BuildEvent): void {
    if (event.type === 'build.started') this.verdicts.clear();
    // Its tasks are fresh.
    if (event.type !== 'tasks.fresh') for (const one of singleEvents(event)) this.note(one);
  }

  private note(event: SingleEvent): void {
    if (event.type === 'task.checked' && event.verdict.kind !== 'fresh' && !this.verdicts.has(event.task)) {
      this.verdicts.set(event.task, event.verdict);
    }
  }

  async explanation(style: ReturnType<typeof styleFor>): Promise<string> {
    if (this.verdicts.size === 0) return 'everything is fresh\n';
    const shown = [...this.verdicts].slice(0, MAX_EXPLAINED);
    const texts = await mapBounded(shown, ([label, verdict]) => explainText({ label, verdict }, style));
    const more = this.verdicts.size - shown.length;
    return texts.join('\n') + (more > 0 ? `and ${more} more: run \`${CALL} status\`\n` : '');
  }
}
