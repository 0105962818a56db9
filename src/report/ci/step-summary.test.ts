import { expect, test } from 'vitest';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { annotationsOf } from './annotations.js';
import { BuildRecord } from './build-record.js';
import { junitXml } from './junit.js';
import { stepSummary } from './step-summary.js';

const STALE: Failure = {
  kind: 'not-up-to-date',
  tasks: [{ label: 'f/T1', verdict: 'stale: changed: command' }],
};

function recordOf(...bodies: readonly BuildEventBody[]): BuildRecord {
  const record = new BuildRecord('npx conductor');
  bodies.forEach((body, at) => {
    record.on({ schema: 1, seq: at + 1, at: 1000, ...body });
  });
  return record;
}

test('what --frozen finds is told once, and hints are commands as the person types them', () => {
  const record = recordOf(
    { type: 'build.started', build: 'b', command: 'conductor verify', version: '1' },
    { type: 'task.finished', task: 'f/T1', outcome: 'failed', ms: 1, failure: STALE },
    { type: 'build.failure', failure: STALE },
  );
  const summary = stepSummary(record);
  expect(summary.match(/<details>/g)).toHaveLength(1);
  expect(summary).toContain('f/T1');
  for (const text of [summary, junitXml(record)]) {
    expect(text).toContain('`npx conductor build`');
    expect(text).not.toContain('`conductor ');
  }
});

test('annotations have hints as the person types them, too', () => {
  const failure: Failure = { kind: 'git-failed', command: 'gc', detail: 'no' };
  const record = recordOf({ type: 'build.failure', failure });
  const places = { task: () => undefined, file: () => undefined, log: () => '' };
  expect(annotationsOf(record, places)[0]?.message).toContain('`npx conductor doctor`');
});
