/** Outcomes, verdicts and phases as a sign, a word and a colour: the sign alone tells them apart, the colour never has to. */

import type { TaskView } from '../../model/build-view.js';

export type Tone = 'good' | 'bad' | 'run' | 'idle' | 'stale' | 'edit' | 'store';

interface Look {
  readonly tone: Tone;
  readonly sign: string;
  readonly word: string;
}

const LOOKS: Readonly<Record<string, Look>> = {
  built: { tone: 'good', sign: '✓', word: 'built' },
  verified: { tone: 'good', sign: '✓', word: 'verified' },
  passed: { tone: 'good', sign: '✓', word: 'passed' },
  accepted: { tone: 'edit', sign: '✎', word: 'accepted' },
  cached: { tone: 'store', sign: '↺', word: 'cached' },
  fresh: { tone: 'store', sign: '=', word: 'fresh' },
  'up-to-date': { tone: 'store', sign: '=', word: 'up to date' },
  drifted: { tone: 'edit', sign: '✎', word: 'edited' },
  edited: { tone: 'edit', sign: '✎', word: 'edited' },
  failed: { tone: 'bad', sign: '✕', word: 'failed' },
  waits: { tone: 'stale', sign: '⧖', word: 'not published' },
  skipped: { tone: 'idle', sign: '⤼', word: 'skipped' },
  running: { tone: 'run', sign: '▶', word: 'running' },
  queued: { tone: 'idle', sign: '○', word: 'queued' },
  checked: { tone: 'idle', sign: '◔', word: 'waiting' },
  stale: { tone: 'stale', sign: '△', word: 'stale' },
  pending: { tone: 'idle', sign: '○', word: 'pending' },
  unverified: { tone: 'stale', sign: '?', word: 'unverified' },
  interrupted: { tone: 'idle', sign: '■', word: 'interrupted' },
  superseded: { tone: 'idle', sign: '»', word: 'superseded' },
  killed: { tone: 'bad', sign: '†', word: 'killed' },
  'would-build': { tone: 'stale', sign: '△', word: 'would build' },
  recorded: { tone: 'store', sign: '=', word: 'as recorded' },
  missing: { tone: 'bad', sign: '✕', word: 'missing' },
  unrecorded: { tone: 'stale', sign: '?', word: 'not recorded' },
  changed: { tone: 'stale', sign: '△', word: 'changed' },
  added: { tone: 'good', sign: '+', word: 'added' },
  removed: { tone: 'bad', sign: '−', word: 'removed' },
  rebuilt: { tone: 'store', sign: '↺', word: 'rebuilt' },
  'spec-only': { tone: 'edit', sign: '✎', word: 'spec only' },
};

export function lookOf(kind: string): Look {
  return LOOKS[kind] ?? { tone: 'idle', sign: '·', word: kind.replaceAll('-', ' ') };
}

export function Status({ kind, plain = false }: { readonly kind: string; readonly plain?: boolean }) {
  const { tone, sign, word } = lookOf(kind);
  return (
    <span class={`status tone-${tone}${plain ? ' plain' : ''}`}>
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      {word}
    </span>
  );
}

export function Sign({ kind }: { readonly kind: string }) {
  const { tone, sign, word } = lookOf(kind);
  return (
    <span class={`sign tone-${tone}`} role="img" aria-label={word} title={word}>
      {sign}
    </span>
  );
}

/** What a task is at, in one word: its outcome, or how far it has come. */
export function stateOf(task: Pick<TaskView, 'state' | 'outcome' | 'waiting'>): string {
  if (task.waiting !== undefined) return 'waits';
  return task.outcome ?? (task.state === 'done' ? 'interrupted' : task.state);
}
