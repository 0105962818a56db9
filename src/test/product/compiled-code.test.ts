/** Holds that the compiled code of the start is kept, used, and never trusted when it is damaged or another version's. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileIdentity } from '../../io/files.js';
import { TemporaryProject } from '../rig/command-line.js';

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
