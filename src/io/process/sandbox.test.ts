import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from './process.js';
import { findSandbox, sandboxArgv, secretPlaces } from './sandbox.js';

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin' };
const found = await findSandbox(ENV);

let folder: string;
let workspace: string;
beforeAll(async () => {
  // Below the temporary folder on purpose: the sandbox covers it, and still shows the workspace.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'conductor sandbox ')));
  workspace = join(folder, 'work space');
  await mkdir(join(workspace, 'inner'), { recursive: true });
  await mkdir(join(folder, 'home', '.ssh'), { recursive: true });
  await writeFile(join(folder, 'home', '.ssh', 'id'), 'private');
  await writeFile(join(folder, 'home', '.npmrc'), 'token');
  await writeFile(join(folder, 'home', 'notes'), 'open');
  await mkdir(join(folder, 'cache'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('secrets of the home folder are listed as absolute paths', () => {
  expect(secretPlaces('/home/a')).toContain('/home/a/.ssh');
});

test('without the program or on another system the search says what is missing', async () => {
  expect(await findSandbox({ PATH: '/nowhere' })).toEqual({
    missing: expect.stringMatching(/not on PATH|needs Linux/),
  });
});

test('a program that is there but does not work counts as missing', async () => {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'bwrap'), '#!/bin/sh\necho "no permission" >&2\nexit 1\n', { mode: 0o755 });
  expect(await findSandbox({ PATH: `${bin}:${ENV.PATH}` })).toEqual({
    missing: expect.stringMatching(/no permission|needs Linux/),
  });
});

test('mounts come parents first, and a path that does not exist is passed over', () => {
  const argv = sandboxArgv(
    {
      program: 'bwrap',
      workspace,
      network: true,
      hide: [folder, join(folder, 'none')],
      writable: [join(folder, 'gone'), join(folder, 'cache')],
    },
    ['-x', 'y'],
  );
  expect(argv.slice(-3)).toEqual(['--', '-x', 'y']);
  expect(argv.indexOf('/tmp')).toBeLessThan(argv.indexOf(folder));
  expect(argv.indexOf(folder)).toBeLessThan(argv.indexOf(workspace));
  expect(argv).toContain(join(folder, 'cache'));
  expect(argv).not.toContain(join(folder, 'gone'));
  expect(argv).not.toContain(join(folder, 'none'));
  expect(argv).not.toContain('--unshare-net');
});

// Where there is no sandbox nothing of this can hold; that the search says so is what the build relies on there.
if ('missing' in found) {
  test('this machine has no working sandbox, and the reason is told', () => {
    expect(found.missing).not.toBe('');
  });
} else {
  describe('inside the sandbox', () => {
    const { program } = found;
    const inside = (command: string, more: { network?: boolean; cwd?: string; timeoutMs?: number } = {}) =>
      runProgram({
        command,
        cwd: more.cwd ?? workspace,
        env: ENV,
        ...(more.timeoutMs === undefined ? {} : { timeoutMs: more.timeoutMs }),
        sandbox: {
          program,
          workspace,
          network: more.network ?? false,
          readOnly: [join(folder, 'home')],
          writable: [join(folder, 'cache')],
          hide: secretPlaces(join(folder, 'home')),
        },
      });

    test('the workspace and writable folders can be written, the rest cannot', async () => {
      const home = join(folder, 'home');
      const exit = await inside(`pwd; echo 1 > new; echo 2 > '${folder}/cache/c'; echo 3 > '${home}/x'`, {
        cwd: join(workspace, 'inner'),
      });
      expect(exit).toMatchObject({ kind: 'exited', tail: expect.stringContaining('Read-only file system') });
      expect((exit as { tail: string }).tail.split('\n')[0]).toBe(join(workspace, 'inner'));
      expect(await readFile(join(workspace, 'inner', 'new'), 'utf8')).toBe('1\n');
      expect(await readFile(join(folder, 'cache', 'c'), 'utf8')).toBe('2\n');
      await expect(readFile(join(home, 'x'))).rejects.toThrow('ENOENT');
    });

    test('a link in the workspace opens no way out', async () => {
      await symlink(join(folder, 'home'), join(workspace, 'out'));
      const exit = await inside('echo 1 > out/escaped');
      expect(exit).toMatchObject({ kind: 'exited', tail: expect.stringContaining('Read-only') });
      await rm(join(workspace, 'out'));
    });

    test('nothing can be mounted writable again', async () => {
      const exit = await inside(
        'mount -o remount,rw / 2>&1; umount /tmp 2>&1; grep CapEff /proc/self/status',
      );
      expect(exit).toMatchObject({
        kind: 'exited',
        code: 0,
        tail: expect.stringContaining('0000000000000000'),
      });
    });

    test('secrets are covered, other files of the home folder are readable', async () => {
      const exit = await inside(`cd '${folder}/home' && cat notes .npmrc && ls -A .ssh`);
      expect(exit).toMatchObject({ kind: 'exited', code: 0, tail: 'open\n' });
    });

    test('the temporary folder is private and writable', async () => {
      const exit = await inside('echo x > "$TMPDIR/mine" && ls -A /tmp/mine');
      expect(exit).toMatchObject({ code: 0, tail: '/tmp/mine\n' });
      await expect(readFile('/tmp/mine')).rejects.toThrow('ENOENT');
    });

    test('there is no network unless it is asked for', async () => {
      const server = createServer((_request, response) => response.end('hello'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const script = `fetch('http://127.0.0.1:${port}').then((r) => r.text()).then(console.log, () => console.log('none'))`;
      await writeFile(join(workspace, 'fetch.mjs'), script);
      const line = `'${process.execPath}' fetch.mjs`;
      const [off, on] = await Promise.all([inside(line), inside(line, { network: true })]);
      server.close();
      expect(off).toMatchObject({ tail: 'none\n' });
      expect(on).toMatchObject({ tail: 'hello\n' });
    });

    test('a background process dies with the sandbox, with a session of its own too', async () => {
      const exit = await inside('setsid sh -c "while :; do echo >> ticks; sleep 0.01; done" & sleep 0.1');
      expect(exit).toMatchObject({ kind: 'exited', code: 0 });
      expect((exit as { ms: number }).ms).toBeLessThan(2000);
      const size = (await readFile(join(workspace, 'ticks'))).length;
      expect(size).toBeGreaterThan(0);
      // Two more starts of a sandbox are many ticks' time.
      await inside('sleep 0.05');
      expect((await readFile(join(workspace, 'ticks'))).length).toBe(size);
    });

    test('a program past its time is ended, and its exit code is the program’s own', async () => {
      expect(await inside('sleep 60', { timeoutMs: 200 })).toMatchObject({ kind: 'timed-out' });
      expect(await inside('exit 42')).toMatchObject({ kind: 'exited', code: 42 });
    });
  });
}
