/** The project that is tortured: small, with every kind of recipe, and with what its files have to be. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Files of a person's that no command may change. */
export const HAND = [
  'hand.txt',
  'in/a.txt',
  'in/b.txt',
  'templates/list.hbs',
  '.gitignore',
  'conductor.config.mjs',
];
export const APP = 'first\nlast\n';

export const write = (project: string, path: string, text: string) => {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
};

export const read = (project: string, path: string): string | undefined =>
  existsSync(join(project, path)) ? readFileSync(join(project, path), 'utf8') : undefined;

/** A recipe that counts its runs with what it read: two equal lines are work that was done twice. */
const counted = (label: string, input: string, script: string) =>
  `printf '%s %s\\n' '${label}' "$(cat ${input})" >> "$RUNS"; ${script}`;

export function writeSpecs(project: string, word: string, withTwo = true): void {
  const one = [
    {
      id: 'T1',
      inputs: ['in/a.txt'],
      outputs: ['out/one/a.txt'],
      run: counted('one/T1', 'in/a.txt', 'mkdir -p out/one; printf A: | cat - in/a.txt > out/one/a.txt'),
    },
    {
      id: 'T2',
      depends_on: ['T1'],
      inputs: ['in/b.txt'],
      outputs: ['out/one/b.txt'],
      run: counted('one/T2', 'out/one/a.txt', 'cat out/one/a.txt in/b.txt > out/one/b.txt'),
    },
    {
      id: 'T3',
      inputs: [],
      outputs: ['out/one/c.txt', 'out/one/sub/d.txt'],
      render: ['c.txt', 'sub/d.txt'].map((name) => ({
        template: 'list.hbs',
        to: `out/one/${name}`,
        with: { word, name },
      })),
    },
    {
      id: 'T4',
      inputs: ['hand.txt'],
      outputs: [],
      edits: ['app.txt'],
      run: counted('one/T4', 'hand.txt', "printf 'T4\\n' >> app.txt"),
    },
  ];
  const two = [
    {
      id: 'T1',
      depends_on: ['one/T2'],
      inputs: [],
      outputs: ['out/two/e.txt'],
      run: counted(
        'two/T1',
        'out/one/b.txt',
        'mkdir -p out/two; printf E: | cat - out/one/b.txt > out/two/e.txt',
      ),
    },
  ];
  write(project, 'specs/one/BACKLOG.yaml', `${JSON.stringify({ tasks: one }, undefined, 1)}\n`);
  if (withTwo) write(project, 'specs/two/BACKLOG.yaml', `${JSON.stringify({ tasks: two }, undefined, 1)}\n`);
}

export function writeProject(project: string, remote: boolean): void {
  write(project, '.gitignore', '/.conductor/\n');
  write(project, 'hand.txt', 'by hand\n');
  write(project, 'app.txt', APP);
  write(project, 'in/a.txt', 'a-1\n');
  write(project, 'in/b.txt', 'b-1\n');
  write(project, 'templates/list.hbs', '{{name}} {{word}}\n');
  const cache = remote ? ", cache: { remotes: ['git:../remote.git'] }" : '';
  const config = `export default { sandbox: 'off', rebase: 'off', env: ['RUNS'], workers: 2${cache} };\n`;
  write(project, 'conductor.config.mjs', config);
  writeSpecs(project, 'word-1');
}

/** What a build makes of the hand-written files and specs as they are; `b` where a person's edit of it was accepted. */
export function expectedFiles(project: string, b?: string): Record<string, string | undefined> {
  const spec = read(project, 'specs/one/BACKLOG.yaml') ?? '';
  const word = /word-\d+/.exec(spec)?.[0] ?? '';
  const a = `A:${read(project, 'in/a.txt')}`;
  const all = b ?? a + read(project, 'in/b.txt');
  return {
    'out/one/a.txt': a,
    'out/one/b.txt': all,
    'out/one/c.txt': `c.txt ${word}\n`,
    'out/one/sub/d.txt': `sub/d.txt ${word}\n`,
    'out/two/e.txt': existsSync(join(project, 'specs/two/BACKLOG.yaml')) ? `E:${all}` : undefined,
    'app.txt': `${APP}T4\n`,
  };
}
