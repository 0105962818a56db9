/** Runs a build with its reporters and signals, for every command that builds. Knows no flag. */

import { resolve } from 'node:path';
import { build } from '../build/build.js';
import type { BuildOptions } from '../build/options.js';
import type { BuildEvent } from '../model/event.js';
import { openReporters } from './reporters.js';
import { cancelOnSignals } from './signals.js';
import { createHost } from './wire.js';

/** The exit code. */
export async function runReported(
  options: BuildOptions,
  {
    json,
    profile,
    inbox = false,
  }: { readonly json: boolean; readonly profile?: string | undefined; readonly inbox?: boolean },
): Promise<number> {
  const host = createHost(process.cwd(), { inbox });
  const reporters = openReporters(host, { json, dryRun: options.dryRun });
  const signals = cancelOnSignals();
  const traced = profile === undefined ? undefined : await openProfile(profile);
  try {
    const on = (event: BuildEvent) => {
      reporters.on(event);
      traced?.on(event);
    };
    const summary = await build(host, options, on, signals.signal);
    return summary.exitCode;
  } finally {
    signals.stop();
    await reporters.close();
    await traced?.write();
  }
}

/** Collects events and git processes; `write` puts the trace into the file. */
async function openProfile(file: string): Promise<{ on(event: BuildEvent): void; write(): Promise<void> }> {
  const [{ Profile }, { observeGit }, { writeAtomic }] = await Promise.all([
    import('../report/profile.js'),
    import('../io/git/git-process.js'),
    import('../io/files.js'),
  ]);
  const profile = new Profile();
  observeGit((span) => profile.onGit(span));
  return {
    on: (event) => profile.on(event),
    async write() {
      observeGit(undefined);
      await writeAtomic(resolve(file), profile.text());
    },
  };
}
