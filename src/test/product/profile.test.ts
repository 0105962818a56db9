/**
 * Holds that `conductor build --profile` writes a trace as browsers open it: the Trace Event Format, and slices that lie in
 * each other or beside each other within a lane.
 */

import { afterEach, expect, test } from 'vitest';
import { TemporaryProject } from '../rig/command-line.js';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
}

test('a trace of a build opens: every event has what the format asks for, and slices are nested', async () => {
  const project = new TemporaryProject({
    'conductor.config.mjs': "export default { sandbox: 'off', workers: 1 };\n",
    'specs/f/BACKLOG.yaml': JSON.stringify({
      tasks: [
        { id: 'A', inputs: [], outputs: ['a.txt'], run: 'echo a > a.txt', verify: ['test -s a.txt'] },
        { id: 'B', depends_on: ['A'], inputs: ['a.txt'], outputs: ['b.txt'], run: 'cp a.txt b.txt' },
        { id: 'C', inputs: [], outputs: ['c.txt'], run: 'echo c > c.txt' },
      ],
    }),
  });
  projects.push(project);
  project.commit();
  const ended = await project.start(['build', '--profile', 'trace.json']).ended;
  expect(ended.code, ended.text).toBe(0);

  const trace = JSON.parse(project.read('trace.json')) as { traceEvents: TraceEvent[] };
  expect(Object.keys(trace)).toEqual(['displayTimeUnit', 'traceEvents']);
  const named = trace.traceEvents.filter(({ ph }) => ph === 'M');
  const slices = trace.traceEvents.filter(({ ph }) => ph !== 'M');
  expect(named.map(({ name }) => name)).toEqual(['process_name', 'process_name', 'process_name']);
  for (const slice of slices) {
    expect(slice).toMatchObject({ name: expect.any(String), cat: expect.any(String), ph: 'X' });
    for (const value of [slice.ts, slice.dur, slice.pid, slice.tid]) {
      expect(Number.isInteger(value), JSON.stringify(slice)).toBe(true);
      expect(value, JSON.stringify(slice)).toBeGreaterThanOrEqual(0);
    }
    expect(slice.pid).toBeLessThanOrEqual(named.length);
  }
  for (const lane of new Set(slices.map(({ pid, tid }) => `${pid} ${tid}`)))
    expectNested(slices.filter(({ pid, tid }) => `${pid} ${tid}` === lane));
  const names = (cat: string) => new Set(slices.filter((slice) => slice.cat === cat).map(({ name }) => name));
  expect(names('task')).toEqual(new Set(['f/A', 'f/B', 'f/C']));
  expect(names('build')).toContain('loading');
  expect(names('phase')).toContain('workspace');
  expect(names('wait')).toContain('wait for a worker');
  expect(names('gate')).toEqual(new Set(['test -s a.txt']));
  expect(names('git')).toContain('git write-tree');
});

/** As the viewer demands of slices in one lane: each ends before the next one begins, or not before it ends. */
function expectNested(lane: readonly TraceEvent[]): void {
  const open: TraceEvent[] = [];
  for (const slice of [...lane].sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
    while (open.length > 0 && end(open.at(-1) as TraceEvent) <= slice.ts) open.pop();
    const outer = open.at(-1);
    if (outer) expect(end(slice), JSON.stringify([outer, slice])).toBeLessThanOrEqual(end(outer));
    open.push(slice);
  }
}

const end = ({ ts, dur }: TraceEvent) => ts + dur;
