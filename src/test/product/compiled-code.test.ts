/** Holds that the compiled code of the start is kept, used, and never trusted when it is damaged or another version's. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileIdentity } from '../../io/files.js';
import { TemporaryProject } from '../rig/command-line.js';

test.skipIf(process.platform !== 'linux')(
  'the compiled code of the start is kept for the next one',
  async () => {
    const project = new TemporaryProject({ 'hand.txt': 'by hand\n' });
    try {
      const folder = join(project.home, '.cache', 'conductor');
      const file = () => {
        const names = readdirSync(folder).filter((name) => name.startsWith('start-'));
        expect(names).toHaveLength(1);
        return join(folder, names[0] as string);
      };
      const version = async () => {
        const ended = await project.start(['--version']).ended;
        expect(ended.code, ended.text).toBe(0);
        return ended.text;
      };
      const said = await version();
      const kept = readFileSync(file());
      expect(kept.length).toBeGreaterThan(10_000);

      const before = fileIdentity(file());
      expect(await version()).toBe(said);
      expect(fileIdentity(file())).toBe(before);

      // What was cut off or overwritten is not run.
      for (const damaged of [kept.subarray(0, 5000), Buffer.alloc(kept.length), Buffer.alloc(0)]) {
        writeFileSync(file(), damaged);
        expect(await version()).toBe(said);
      }
      // Of another version of conductor: replaced.
      writeFileSync(file(), `v1 ${kept.toString('latin1').slice(3)}`, 'latin1');
      expect(await version()).toBe(said);
      expect(readFileSync(file(), 'latin1').slice(0, 128)).toBe(kept.toString('latin1', 0, 128));
      // Of a file that others may write nothing is used, and a folder that cannot be written stays as it is.
      writeFileSync(file(), Buffer.concat([kept.subarray(0, 128), Buffer.from('code of somebody else')]));
      chmodSync(file(), 0o666);
      expect(await version()).toBe(said);
      rmSync(folder, { recursive: true });
      mkdirSync(join(folder, '..'), { recursive: true });
      writeFileSync(folder, 'a file in the way');
      expect(await version()).toBe(said);
      expect(existsSync(join(folder, 'start'))).toBe(false);
    } finally {
      project.dispose();
    }
  },
);
