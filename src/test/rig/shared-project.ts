/** A project with every kind of recipe, its clones, and the places that they share results in, for tests. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ConductorConfig } from '../../model/config.js';
import { createRig, type Rig } from './rig.js';

export type CacheSettings = NonNullable<ConductorConfig['cache']>;

/** Outputs are not committed: a clone has only what people wrote, and the lock files. */
export async function createSharedProject(cache: CacheSettings): Promise<Rig> {
  const rig = await createRig({ config: { cache, gates: { task: ['true'] } } });
  rig.write({
    '.gitignore': '.conductor/\n/out/\n',
    'templates/model.hbs': 'export const {{name}} = 1;\n',
    'routes.txt': 'one\ntwo\nthree\n',
    'words.txt': 'a b c\n',
  });
  rig.backlog('f', {
    T1: {
      inputs: [],
      outputs: ['out/model.ts'],
      render: [{ template: 'model.hbs', to: 'out/model.ts', with: { name: 'x' } }],
    },
    T2: {
      inputs: ['words.txt'],
      depends_on: ['T1'],
      outputs: ['out/words/**'],
      run: 'mkdir -p out/words && cp words.txt "out/words/a b.txt" && printf "#!/bin/sh\\n" > out/words/run.sh && chmod +x out/words/run.sh && ln -s run.sh out/words/link && head -c 70000 /dev/zero > out/words/large.bin',
    },
    T3: {
      description: 'Be kind',
      depends_on: ['T1', 'T2'],
      outputs: ['out/agent.txt'],
      edits: ['routes.txt'],
    },
    T4: { description: 'Use T3', depends_on: ['T3'], outputs: ['out/dependent.txt'] },
  });
  rig.answer('f/T3', { 'out/agent.txt': 'kind\n', 'routes.txt': 'one\ntwo\nagent\nthree\n' });
  rig.answer('f/T4', (request) => ({ 'out/dependent.txt': `made in ${request.label}\n` }));
  rig.commit();
  return rig;
}

/** A clone beside the project, as another machine would have it: no store, no outputs. The rig goes on in it. */
export function cloneProject(rig: Rig, name: string): void {
  const dir = join(rig.temporary.root, name);
  execFileSync('git', ['clone', '-q', rig.temporary.dir, dir], { stdio: 'pipe' });
  for (const [key, value] of [
    ['user.name', 'Ben'],
    ['user.email', 'ben@example.org'],
  ] as const) {
    execFileSync('git', ['config', key, value], { cwd: dir });
  }
  rig.dir = dir;
}

/** A bare repository that is nothing but `git init --bare`. */
export function createBare(rig: Rig, name = 'shared.git'): string {
  const dir = join(rig.temporary.root, name);
  mkdirSync(dir, { recursive: true });
  execFileSync('git', ['init', '-q', '--bare', dir]);
  return dir;
}

export function refsIn(dir: string, prefix = 'refs/conductor'): string[] {
  const listed = execFileSync('git', ['for-each-ref', '--format=%(refname)', prefix], {
    cwd: dir,
    encoding: 'utf8',
  });
  return listed.split('\n').filter((line) => line !== '');
}

/** Built and pushed here, then in a fresh clone from the remote alone: the same tree, nothing made. */
export async function holdsThePromise(rig: Rig): Promise<void> {
  const first = await rig.build();
  expect(first.warnings()).toEqual([]);
  expect(first.summary.counts.built).toBe(4);
  const made = rig.files();
  rig.commit();
  cloneProject(rig, 'clone');
  const again = await rig.buildWithoutAgent();
  expect(again.warnings()).toEqual([]);
  expect(again.ran()).toEqual([]);
  expect(again.gates()).toEqual([]);
  expect(again.summary.exitCode).toBe(0);
  expect(rig.files()).toEqual(made);
}

/** A key that signs results: its file, its text, and its line in a file of signers. */
export function sshKey(
  rig: Rig,
  name: string,
  type = 'ed25519',
): { readonly file: string; readonly text: string; readonly line: string } {
  const file = join(rig.temporary.root, `${name}.key`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', name, '-f', file]);
  return { file, text: readFileSync(file, 'utf8'), line: `${name} ${readFileSync(`${file}.pub`, 'utf8')}` };
}
