/** `conductor projects watch`: turns keys and signals into requests of all projects, and passes events to reporters. */

import { type AskAll, watchProjects } from '../../../commands/projects/watch-projects.js';
import { openFileEvents } from '../../../commands/watch/file-events.js';
import { type Keys, listenForKeys } from '../../keys.js';
import { refuse, styleFor } from '../../output.js';
import { anySignal, cancelOnSignals } from '../../signals.js';
import { timer } from '../../timers.js';
import { calledIn, openList, projectsParts } from './open-list.js';
import { openProjectsReporter } from './projects-view.js';

interface ProjectsWatchFlags {
  readonly workers?: number;
  readonly budgetUsd?: number;
  readonly poll?: boolean;
  readonly json?: boolean;
}

const KEYS = 'enter build now · a all · f failed only · q quit';

export async function runProjectsWatch(names: readonly string[], flags: ProjectsWatchFlags): Promise<number> {
  const list = await openList(names, { workers: flags.workers, usd: flags.budgetUsd });
  if (!list.ok) return refuse(list.error);
  const reporter = openProjectsReporter({
    json: flags.json === true,
    lines: { calledIn: calledIn(list.value) },
  });
  const signals = cancelOnSignals();
  const quit = new AbortController();
  let ask: AskAll = () => {};
  let keys: Keys | undefined;
  const onKey = (key: string) => {
    if (key === '\r') ask('now');
    else if (key === 'a') ask('all');
    else if (key === 'f') ask('failed');
    else if (key === 'q') quit.abort();
  };
  try {
    if (process.stdin.isTTY) {
      keys = listenForKeys(process.stdin, onKey);
      const style = styleFor(flags.json ? process.stderr : process.stdout);
      reporter.print?.(`${style('dim', KEYS)}\n`);
    }
    const parts = projectsParts(list.value, {
      on: (event) => reporter.on(event),
      signal: anySignal(signals.signal, quit.signal),
      command: ['conductor projects watch', ...names].join(' '),
    });
    const watched = await watchProjects(
      {
        ...parts,
        poll: flags.poll === true,
        openEvents: openFileEvents,
        after: timer,
      },
      names,
      (askAll) => {
        ask = askAll;
      },
    );
    if (watched.ok) return signals.signal.aborted ? 130 : 0;
    return refuse(watched.error);
  } finally {
    keys?.stop();
    signals.stop();
    await reporter.close();
  }
}
