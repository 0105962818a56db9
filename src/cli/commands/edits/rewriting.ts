/** `conductor mv`, `rm` and `disown`: rewrite specs and files, and say what they did. */

import { disown } from '../../../commands/adopt/disown.js';
import { move } from '../../../commands/move/move.js';
import { remove } from '../../../commands/move/remove.js';
import type { RewritingOptions, Rewritten } from '../../../commands/move/rewriting-run.js';
import type { BuildSummary } from '../../../model/event.js';
import type { Failure } from '../../../model/failure.js';
import { rewritingText } from '../../../report/adopting/rewriting.js';
import { plural } from '../../../report/style.js';
import { print, printJson, remark, say, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';
import { projectPath } from './adopt.js';
import { runRecorded } from './recorded.js';

interface RewritingFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly wait: boolean;
}

export function runMove(
  from: string,
  to: string,
  flags: RewritingFlags & { readonly deferGates?: boolean },
): Promise<number> {
  const host = createHost(process.cwd());
  const paths = [projectPath(host.directory, from), projectPath(host.directory, to)] as const;
  return run(
    ['mv', from, to],
    flags,
    (options) =>
      move(host, { from, to, paths }, flags.deferGates ? { ...options, withoutBuildGates: true } : options),
    {
      done: ({ told }) => `${told.from} is ${told.to} now`,
      wayOut: {
        'gate-failed':
          'conductor changes no imports: `--defer-gates` moves first, then correct the imports and `conductor accept` what changed',
      },
    },
  );
}

export function runRemove(
  targets: readonly string[],
  flags: RewritingFlags & { readonly force?: boolean },
): Promise<number> {
  const host = createHost(process.cwd());
  return run(
    ['rm', ...targets],
    flags,
    (options) => remove(host, { targets, force: flags.force === true }, options),
    {
      done: ({ told }) => `${plural(told.tasks.length, 'task')} removed`,
      wayOut: {
        'drifted-outputs': '`--force` removes the tasks and leaves the edited files',
        'unsaved-specs': '`--force` removes the specs although no commit has them',
      },
    },
  );
}

export function runDisown(targets: readonly string[], flags: RewritingFlags): Promise<number> {
  const host = createHost(process.cwd());
  const named = targets.map((name) => ({ name, path: projectPath(host.directory, name) }));
  return run(['disown', ...targets], flags, (options) => disown(host, named, options), {
    done: ({ told }) =>
      `${plural(told.files.length, 'file')} of ${plural(told.tasks.length, 'task')} belong to people again and were not changed`,
  });
}

interface Sayings<T> {
  done(rewritten: Rewritten<T>): string;
  /** What this command offers where such a failure ended it. Absent: nothing. */
  readonly wayOut?: { readonly [Kind in Failure['kind']]?: string };
}

async function run<T extends object>(
  words: readonly string[],
  { dryRun = false, json = false, wait }: RewritingFlags,
  work: (
    options: RewritingOptions,
  ) => Promise<{ readonly rewritten: Rewritten<T> | undefined; readonly summary: BuildSummary }>,
  { done: sentence, wayOut }: Sayings<T>,
): Promise<number> {
  const command = ['conductor', ...words].join(' ');
  const { value, exitCode, failure } = await runRecorded({ json }, (on, signal) =>
    work({ wait, command, dryRun, on, signal }),
  );
  const { rewritten } = value;
  if (!rewritten) {
    const way = failure && wayOut?.[failure.kind];
    if (!json && exitCode === 1) remark(`nothing was changed${way === undefined ? '' : `; ${way}`}`);
    return exitCode;
  }
  const { told, ...done } = rewritten;
  if (json) printJson({ schema: 1, ...told, ...done, applied: !dryRun });
  else {
    print(rewritingText({ ...told, ...done }, { dryRun, style: styleFor(process.stdout) }));
    say(dryRun ? 'nothing was written: this was a dry run' : sentence(rewritten));
  }
  return exitCode;
}
