/** Holds that the compiled code of the start and of the command line is kept, used, and never trusted when it is damaged or another version's. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileIdentity } from '../../io/files.js';
import { PACKAGE, TemporaryProject } from '../rig/command-line.js';

test.skipIf(process.platform !== 'linux')(
  'the compiled code of the start is kept for the next one',
  async () => {
    const task = { id: 'T1', inputs: [], outputs: ['out.txt'], run: 'echo made > out.txt' };
    const project = new TemporaryProject({
      '.gitignore': '.conductor/\n',
      'conductor.config.mjs': "export default { sandbox: 'off' };\n",
      'specs/f/BACKLOG.yaml': JSON.stringify({ tasks: [task] }),
    });
    try {
      const folder = join(project.home, '.cache', 'conductor');
      const file = () => {
        const names = readdirSync(folder).filter((name) => name.startsWith('start-'));
        expect(names).toHaveLength(1);
        return join(folder, names[0] as string);
      };
      const build = async () => {
        const ended = await project.start(['build']).ended;
        expect(ended.code, ended.text).toBe(0);
        return ended.text;
      };
      // A build that does something compiles little of what one with nothing to do needs.
      expect(await build()).toContain('built 1');
      const early = readdirSync(folder).filter((name) => name.startsWith('start-'));
      expect(early).toEqual([]);
      const said = await build();
      expect(said).toBe('conductor: nothing to do (1 fresh)\n');
      const kept = readFileSync(file());
      expect(kept.length).toBeGreaterThan(100_000);

      const before = fileIdentity(file());
      expect(await build()).toBe(said);
      expect(fileIdentity(file())).toBe(before);

      // What was cut off or overwritten is not run.
      const inside = Buffer.from(kept).fill(0xff, 20_000, 30_000);
      for (const damaged of [kept.subarray(0, 5000), Buffer.alloc(kept.length), inside]) {
        writeFileSync(file(), damaged);
        expect(await build()).toBe(said);
        expect(readFileSync(file()).equals(damaged)).toBe(false);
      }
      // Of another version of conductor: replaced.
      writeFileSync(file(), `v1 ${kept.toString('latin1').slice(3)}`, 'latin1');
      expect(await build()).toBe(said);
      expect(readFileSync(file(), 'latin1').slice(0, 128)).toBe(kept.toString('latin1', 0, 128));
      // Of a file that others may write nothing is used, and what cannot be replaced is left.
      writeFileSync(file(), Buffer.concat([kept.subarray(0, 128), Buffer.from('code of somebody else')]));
      chmodSync(file(), 0o666);
      expect(await build()).toBe(said);
      expect(readFileSync(file()).length).toBeGreaterThan(100_000);
      const inTheWay = join(file(), 'folder');
      rmSync(file());
      mkdirSync(inTheWay, { recursive: true });
      expect(await build()).toBe(said);
      expect(existsSync(inTheWay)).toBe(true);
      file();
    } finally {
      project.dispose();
    }
  },
);

/** Whether V8 accepts kept code in a process that has just started, and runs what is in it. */
const ACCEPTS = `
const [file, source] = process.argv.slice(1);
const kept = require('node:fs').readFileSync(file);
const cachedData = kept.subarray(128, (128 + kept.length) / 2);
const script = new (require('node:vm').Script)(require('node:fs').readFileSync(source, 'latin1'), { filename: source, cachedData });
console.log(script.cachedDataRejected);
`;

test.skipIf(process.platform !== 'linux')(
  'the compiled code of the command line is kept by a build that ran a task, where conductor runs often',
  async () => {
    const spec = (text: string) =>
      JSON.stringify({
        tasks: [{ id: 'T1', inputs: [], outputs: ['out.txt'], run: `echo ${text} > out.txt` }],
      });
    const project = new TemporaryProject({
      '.gitignore': '.conductor/\n',
      'specs/f/BACKLOG.yaml': spec('1'),
    });
    try {
      const folder = join(project.home, '.cache', 'conductor');
      const file = () => readdirSync(folder).find((name) => name.startsWith('main-'));
      const build = async (...args: string[]) => {
        const ended = await project.start(['build', ...args]).ended;
        expect(ended.code, ended.text).toBe(0);
        return ended.text;
      };
      // The first build may be the only one. One with nothing to do shows that others follow.
      expect(await build()).toContain('built 1');
      expect(await build()).toContain('nothing to do');
      expect(await build('--force', '--dry-run')).toContain('would build');
      expect(file()).toBeUndefined();
      // A build with a large heap has given up code that others need.
      const large = 'globalThis.large = Array.from({ length: 2_000_000 }, (_, i) => [i]);\n';
      project.write('conductor.config.mjs', `${large}export default {};\n`);
      project.write('specs/f/BACKLOG.yaml', spec('large'));
      expect(await build()).toContain('built 1');
      expect(file()).toBeUndefined();
      project.remove('conductor.config.mjs');
      project.write('specs/f/BACKLOG.yaml', spec('2'));
      expect(await build()).toContain('built 1');
      const kept = join(folder, file() ?? '');
      const said = execFileSync(process.execPath, ['-e', ACCEPTS, kept, join(PACKAGE, 'dist/main.cjs')]);
      expect(String(said)).toBe('false\n');
      const before = fileIdentity(kept);
      project.write('specs/f/BACKLOG.yaml', spec('3'));
      expect(await build()).toContain('built 1');
      expect(fileIdentity(kept)).toBe(before);
      // What was overwritten is not run.
      writeFileSync(kept, Buffer.from(readFileSync(kept)).fill(0xff, 20_000, 30_000));
      project.write('specs/f/BACKLOG.yaml', spec('4'));
      expect(await build()).toContain('built 1');
      expect(project.read('out.txt')).toBe('4\n');
    } finally {
      project.dispose();
    }
  },
);

test.skipIf(process.platform !== 'linux' || !('enableCompileCache' in module))(
  'node keeps the compiled code of a config where no other user can have put any',
  async () => {
    const task = { id: 'T1', inputs: [], outputs: ['out.txt'], run: 'echo made > out.txt' };
    const project = new TemporaryProject({
      '.gitignore': '.conductor/\n',
      'conductor.config.mjs': "import './part.mjs';\nexport default { sandbox: 'off' };\n",
      'part.mjs': 'export const part = 1;\n',
      'specs/f/BACKLOG.yaml': JSON.stringify({ tasks: [task] }),
    });
    try {
      const temporary = join(project.root, 'temporary');
      mkdirSync(temporary);
      const ended = await project.start(['build'], { TMPDIR: temporary }).ended;
      expect(ended.code, ended.text).toBe(0);
      expect(readdirSync(temporary)).not.toContain('node-compile-cache');
      const kept = readdirSync(join(project.home, '.cache/conductor/modules'), { recursive: true });
      expect(kept.length).toBeGreaterThan(1);
    } finally {
      project.dispose();
    }
  },
);
