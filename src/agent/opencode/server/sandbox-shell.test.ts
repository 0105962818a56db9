import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findSandbox } from '../../../io/process/sandbox/sandbox.js';
import { grant, revoke, type SandboxShell, writeShell } from './sandbox-shell.js';

const PATH = process.env.PATH ?? '/usr/bin:/bin';
const search = await findSandbox({ PATH });
const program = 'program' in search ? search.program : undefined;
const MARK = { name: 'CONDUCTOR_SERVER', value: 'feed' };

let base: string;
let shell: SandboxShell;
let plain: SandboxShell;

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'conductor-shell-')));
  await mkdir(join(base, 'private', 'keys'), { recursive: true });
  await writeFile(join(base, 'private', 'keys', '0'), 'planted-key');
  const hide = [join(base, 'private')];
  shell = await writeShell(join(base, 'private', 'shell'), { sandbox: program, hide, mark: MARK });
  plain = await writeShell(join(base, 'plain'), { sandbox: undefined, hide, mark: MARK });
});
afterAll(() => rm(base, { recursive: true, force: true }));

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As OpenCode does it: with the server's variables, password included. */
function run(of: SandboxShell, cwd: string, command: string): Promise<Answer> {
  const env = { PATH, OPENCODE_SERVER_PASSWORD: 'planted-password', HOME: join(base, 'private') };
  return new Promise((resolve) => {
    execFile(of.script, ['-c', command], { cwd, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

async function workspace(name: string, of: SandboxShell = shell): Promise<string> {
  const path = join(base, 'pool', name);
  await mkdir(path, { recursive: true });
  await grant(of, { workspace: path, env: { PATH, WORD: "it's" }, network: false });
  return path;
}

test('a folder that conductor has not listed is refused', async () => {
  await workspace('a');
  await mkdir(join(base, 'pool', 'a-2'), { recursive: true });
  for (const folder of [join(base, 'pool'), join(base, 'pool', 'a-2'), '/']) {
    expect(await run(shell, folder, 'echo ran')).toMatchObject({ code: 126, out: '' });
  }
});

test('a command runs in the folder below the workspace that it was started in', async () => {
  const path = await workspace('below');
  await mkdir(join(path, 'x y'));
  expect(await run(shell, join(path, 'x y'), 'pwd')).toMatchObject({ code: 0, out: `${path}/x y\n` });
});

test('a link out of the workspace is no way to run elsewhere', async () => {
  const path = await workspace('linked');
  await mkdir(join(base, 'elsewhere'));
  await symlink(join(base, 'elsewhere'), join(path, 'out'));
  expect(await run(shell, join(path, 'out'), 'echo ran')).toMatchObject({ code: 126, out: '' });
});

test('a workspace with a line break, quotes and a dash in its path works as any other', async () => {
  const path = await workspace('-a\n\'b" $(c) ü');
  expect(await run(shell, path, 'echo hi > file && cat file')).toMatchObject({ code: 0, out: 'hi\n' });
  expect(await readFile(join(path, 'file'), 'utf8')).toBe('hi\n');
});

test('words and exit codes get through unchanged', async () => {
  const path = await workspace('words');
  expect(await run(shell, path, 'printf "%s|" "a  b" "$WORD"; exit 7')).toMatchObject({
    code: 7,
    out: "a  b|it's|",
  });
});

test('a folder that is not there is granted nothing', async () => {
  const request = { workspace: join(base, 'pool', 'missing'), env: { PATH }, network: false };
  await expect(grant(shell, request)).rejects.toThrow('ENOENT');
});

test('after the grant is taken back a command is refused', async () => {
  const path = await workspace('revoked');
  await revoke(shell, path);
  expect(await run(shell, path, 'echo ran')).toMatchObject({ code: 126, out: '' });
});

test.skipIf(!program)(
  'a command that runs in the sandbox has ended when the grant is taken back',
  async () => {
    const path = await workspace('running');
    const began = join(path, 'began');
    const running = run(shell, path, 'echo > began; env -i setsid sleep 600 & sleep 600');
    await vi.waitUntil(() => existsSync(began), { timeout: 20_000 });
    await revoke(shell, path);
    expect(await running).toMatchObject({ out: '' });
  },
);

test('without a sandbox the shell still sees none of the server’s variables', async () => {
  const path = await workspace('plain', plain);
  const { out } = await run(plain, path, 'env');
  expect(out).toContain("WORD=it's\n");
  expect(out).toContain('CONDUCTOR_SERVER=feed\n');
  expect(out).not.toMatch(/planted|HOME=/);
});

test.runIf(process.platform === 'linux')(
  'without a sandbox what was left in the background ends when the grant is taken back, and only that',
  async () => {
    const [path, other] = [await workspace('left', plain), await workspace('left too', plain)];
    const nap = (seconds: string) => `setsid nohup sleep ${seconds} >/dev/null 2>&1 & exit 0`;
    await run(plain, path, nap('62.25'));
    await run(plain, other, nap('63.25'));
    const left = async () => (await run(plain, other, 'ps -eo args | grep "^sleep 6[23].25"')).out;
    await vi.waitUntil(async () => (await left()).split('\n').length === 3, { timeout: 20_000 });
    await revoke(plain, path);
    expect(await left()).toBe('sleep 63.25\n');
    await revoke(plain, other);
  },
);

test.skipIf(!program)('neither variables nor files show the password or a key in the sandbox', async () => {
  const path = await workspace('secrets');
  const seen = await run(
    shell,
    path,
    `env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; cat '${base}/private/keys/0'; ls -R '${base}/private'`,
  );
  expect(seen.out).toContain('WORD=');
  expect(seen.out + seen.err).not.toMatch(/planted/);
});

test.skipIf(!program)('a redirect out of the workspace fails', async () => {
  const path = await workspace('redirect');
  const other = await workspace('redirect-other');
  const places = [join(base, 'escaped'), join(other, 'escaped')];
  // What is below a covered folder may seem to be written: it vanishes with the sandbox.
  await run(shell, path, `for f in '${places.join("' '")}'; do echo x > "$f"; done`);
  expect((await run(shell, path, 'echo x > /usr/escaped')).code).toBe(1);
  for (const file of [...places, '/usr/escaped']) {
    await expect(stat(file)).rejects.toThrow('ENOENT');
  }
});

test.skipIf(!program)('the network is off unless it is granted', async () => {
  const path = await workspace('network');
  const namespace = 'readlink /proc/self/ns/net';
  const own = await new Promise<string>((resolve) =>
    execFile('readlink', ['/proc/self/ns/net'], (_error, out) => resolve(out)),
  );
  expect((await run(shell, path, namespace)).out).not.toBe(own);
  await grant(shell, { workspace: path, env: { PATH }, network: true });
  expect((await run(shell, path, namespace)).out).toBe(own);
});

test.skipIf(!program)('what a command leaves in the background ends with it', async () => {
  const path = await workspace('background');
  const { code } = await run(shell, path, 'setsid nohup sleep 61.25 >/dev/null 2>&1 & exit 0');
  expect(code).toBe(0);
  const running = () =>
    new Promise<string>((resolve) => execFile('ps', ['-eo', 'args'], (_, out) => resolve(out)));
  // bubblewrap ends with its command, and the kernel kills the rest of the sandbox a moment later.
  await vi.waitUntil(async () => !(await running()).includes('sleep 61.25'), { timeout: 20_000 });
});
