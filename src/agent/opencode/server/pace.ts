/** The text of the plugin that limits a provider's requests per minute. OpenCode runs it. */

import { join } from 'node:path';
import { readText, writeAtomic } from '../../../io/files.js';

/**
 * OpenCode waits for this hook before each call of a model, those of sub-agents, titles and summaries included. All
 * folders of a server share one line of waiting calls by provider; no more than the limit start in any window.
 */
const PLUGIN = `// Written by conductor. No provider is asked more often than the config allows.
import { appendFileSync, readFileSync, realpathSync } from 'node:fs';

const policy = JSON.parse(readFileSync(new URL('../pace.json', import.meta.url), 'utf8'));
const lines = (globalThis[Symbol.for('conductor.pace')] ??= new Map());

async function turn(line, limit) {
  while (line.starts.length >= limit) {
    const wait = line.starts[line.starts.length - limit] + policy.windowMs - performance.now();
    if (wait <= 0) break;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  line.starts = [...line.starts.slice(-limit), performance.now()];
}

export const ConductorPace = async ({ directory }) => {
  appendFileSync(policy.log, realpathSync(directory) + '\\0');
  return {
    'chat.params': async ({ model }) => {
      const limit = policy.limits[model.providerID];
      if (limit === undefined) return;
      let line = lines.get(model.providerID);
      if (!line) lines.set(model.providerID, (line = { starts: [], last: Promise.resolve() }));
      line.last = line.last.then(() => turn(line, limit));
      await line.last;
    },
  };
};
`;

export interface Pace {
  /** Requests in any window of time, by provider. */
  readonly limits: Readonly<Record<string, number>>;
  readonly windowMs: number;
}

/** Writes the plugin into OpenCode's config folder; `log` gets the real path of every folder that it is loaded for. */
export async function writePace(configDir: string, log: string, pace: Pace): Promise<void> {
  await writeAtomic(join(configDir, 'pace.json'), JSON.stringify({ ...pace, log }));
  await writeAtomic(join(configDir, 'plugin', 'conductor-pace.js'), PLUGIN);
}

/** Whether it has been loaded for a workspace, which happens with its first request. */
export async function isPaced(log: string, workspace: string): Promise<boolean> {
  return ((await readText(log)) ?? '').split('\0').includes(workspace);
}

/** The longest that a call may wait for its turn when `sessions` go on at once: no sign of a session that hangs. */
export function longestWaitMs({ limits, windowMs }: Pace, provider: string, sessions: number): number {
  const limit = limits[provider];
  return limit === undefined ? 0 : windowMs * Math.ceil((2 * sessions) / limit);
}
