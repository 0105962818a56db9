import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeReport } from './report-file.js';
import { UsageFile } from './usage.js';

const REPORT = { needs: [{ kind: 'write', what: 'package.json', because: 'it is named there' }] };
const SECRET = 'sk-abcdefghijklmnop';
let root: string;
let file: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'conductor-report-'));
  file = join(root, 'needs.json');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function take(): Promise<{ said: string; report?: unknown }> {
  const said: string[] = [];
  const onEvent = (event: { kind: string; line?: string }) => void said.push(event.line ?? event.kind);
  const { report } = await takeReport(file, { onEvent }, [SECRET]);
  return { said: said.join('\n'), ...(report === undefined ? {} : { report }) };
}

/** What a program may put where a file is expected. */
const TRAPS: readonly [string, (path: string) => unknown][] = [
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a folder', (path) => mkdir(path)],
  [
    'a link',
    async (path) => {
      await writeFile(`${path}.away`, JSON.stringify({ ...REPORT, costUsd: 5 }));
      await symlink(`${path}.away`, path);
    },
  ],
];

describe('a report', () => {
  test('that is in the file is read, without secrets; no file is no report', async () => {
    expect(await take()).toEqual({ said: '' });
    const because = `${SECRET} is not enough`;
    await writeFile(file, JSON.stringify({ needs: [{ kind: 'read', what: 'a', because }] }));
    expect(await take()).toEqual({
      said: '',
      report: { needs: [{ kind: 'read', what: 'a', because: '[secret] is not enough' }] },
    });
  });

  test.each(['', 'x'])('that is no JSON is told without any part of a secret', async (before) => {
    await writeFile(file, `${before}${SECRET}${before}`);
    const { said } = await take();
    expect(said).toContain('its report in CONDUCTOR_NEEDS cannot be used');
    for (let at = 0; at + 6 <= SECRET.length; at++) expect(said).not.toContain(SECRET.slice(at, at + 6));
  });

  test('that is too long is not read', async () => {
    await writeFile(file, `${JSON.stringify(REPORT)}${' '.repeat(70_000)}`);
    expect(await take()).toEqual({ said: expect.stringContaining('it has more than 65536 bytes') });
  });

  test.each(TRAPS)('that is %s is not read', async (_, make) => {
    await make(file);
    expect(await take()).toEqual({ said: expect.stringContaining('cannot be used: it is not a file') });
  });
});

test.each(TRAPS)('a usage file that is %s is not read', async (_, make) => {
  await make(file);
  let told = 0;
  const usage = new UsageFile(file, () => told++);
  usage.read();
  usage.close();
  expect(told).toBe(0);
});
