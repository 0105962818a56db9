/** What lock files record of interfaces: it stands for every machine, whatever it reads them with. */

import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loadTypescript } from '../../io/typescript.js';
import { declaredInterface } from '../../io/typescript-contract/declared-interface.js';
import { createRig, type Rig } from '../rig/rig.js';

vi.mock('../../io/typescript.js', async (original) => {
  const real = await original<typeof import('../../io/typescript.js')>();
  return { ...real, loadTypescript: vi.fn(real.loadTypescript) };
});
vi.mock('../../io/typescript-contract/declared-interface.js', async (original) => {
  const real = await original<typeof import('../../io/typescript-contract/declared-interface.js')>();
  return { ...real, declaredInterface: vi.fn(real.declaredInterface) };
});

const LOCK = 'specs/f/.metadata.json';
const interfaceOf = (rig: Rig, id: string) => JSON.parse(rig.read(LOCK) ?? '').tasks[id].interface;

/** Tasks by id with those that they depend on; each writes a module. */
function backlog(rig: Rig, tasks: Record<string, readonly string[]>, changed: readonly string[] = []): void {
  const all = Object.entries(tasks).map(([id, needs]) => {
    const description = changed.includes(id) ? `${id}, otherwise` : id;
    const text = `export function ${id}(): string { return '${description}'; }\n`;
    rig.answer(`f/${id}`, { [`src/${id}.ts`]: text });
    return [id, { description, depends_on: [...needs], inputs: [], outputs: [`src/${id}.ts`] }] as const;
  });
  rig.backlog('f', Object.fromEntries(all));
}

test('a build of a part, or one that fails, leaves the recorded interfaces as they are', async () => {
  await using rig = await createRig();
  backlog(rig, { A: [], B: [], R: ['A', 'B'] });
  await rig.build();
  const lock = rig.read(LOCK);
  expect((await rig.buildWithoutAgent({ targets: ['f/A'] })).summary.outcome).toBe('up-to-date');
  expect(rig.read(LOCK)).toBe(lock);
  backlog(rig, { A: [], B: [], R: ['A', 'B'] }, ['B']);
  rig.answer('f/B', { kind: 'agent-error', detail: 'no', output: { tail: '' } });
  expect((await rig.build()).outcomes()).toEqual({ 'f/A': 'fresh', 'f/B': 'failed', 'f/R': 'skipped' });
  expect(rig.read(LOCK)).toBe(lock);
});

test('another version of the reader makes no dependent stale', async () => {
  await using rig = await createRig();
  const { declaredInterface: real } = await vi.importActual<
    typeof import('../../io/typescript-contract/declared-interface.js')
  >('../../io/typescript-contract/declared-interface.js');
  const former: typeof real = (...of) =>
    real(...of)?.map((one) => ({ ...one, shown: `${one.shown} as it was read` }));
  vi.mocked(declaredInterface).mockImplementation(former);
  backlog(rig, { A: [], R: ['A'] });
  await rig.build();
  const before = interfaceOf(rig, 'A');
  vi.mocked(declaredInterface).mockReset().mockImplementation(real);
  // It reads every file again.
  const projects = '.git/conductor/projects';
  for (const name of readdirSync(rig.path(projects))) rig.remove(`${projects}/${name}/interfaces.jsonl`);
  rig.write({ 'more.txt': 'Not the files of last time.' });
  expect(await rig.inspect()).toEqual({ 'f/A': 'fresh', 'f/R': 'fresh' });
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  expect(interfaceOf(rig, 'A')).toBe(before);
  expect(declaredInterface).not.toHaveBeenCalled();
  // What it declares is the same by either reader.
  backlog(rig, { A: [], R: ['A'] }, ['A']);
  expect((await rig.build()).ran()).toEqual(['f/A']);
  expect(interfaceOf(rig, 'A')).toBe(before);
});

test('what was built without a compiler on interfaces of which some were recorded is found with one', async () => {
  await using rig = await createRig();
  backlog(rig, { A: [], Q: ['A'] });
  await rig.build();
  const loads = vi.mocked(loadTypescript);
  const real = await vi.importActual<typeof import('../../io/typescript.js')>('../../io/typescript.js');
  loads.mockResolvedValue(undefined);
  try {
    backlog(rig, { A: [], Q: ['A'], B: [], R: ['A', 'B'] });
    expect((await rig.build()).ran()).toEqual(['f/B', 'f/R']);
  } finally {
    loads.mockReset();
    loads.mockImplementation(real.loadTypescript);
  }
  const bytes = interfaceOf(rig, 'B');
  const fresh = { 'f/A': 'fresh', 'f/Q': 'fresh', 'f/B': 'fresh', 'f/R': 'fresh' };
  rig.write({ 'more.txt': 'Not the files of last time.' });
  expect((await rig.buildWithoutAgent()).verdicts()).toEqual(fresh);
  expect(interfaceOf(rig, 'B')).not.toBe(bytes);
  expect(await rig.inspect()).toEqual(fresh);
});
