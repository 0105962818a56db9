import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Environment } from '../environment.js';
import { runProgram } from '../process.js';
import { privateFiles } from '../tool-places.js';
import { findSandbox, type SandboxPlan, sandboxArgv, secretPlaces } from './sandbox.js';

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

test('a folder of settings inside of what the program may write is its own and is not emptied', () => {
  const own = join(folder, 'cache');
  const plan: SandboxPlan = { program: '/bwrap', workspace, writable: [own], network: false };
  const emptied = (XDG_CONFIG_HOME: string) => {
    const argv = sandboxArgv(plan, ['true'], { env: { ...ENV, XDG_CONFIG_HOME } });
    return argv.some((part, at) => /^--(tmpfs|dir)$/.test(part) && argv[at + 1] === XDG_CONFIG_HOME);
  };
  expect(emptied(join(own, 'config'))).toBe(false);
  expect(emptied(join(folder, 'home'))).toBe(true);
});

test('what this user may read and others may not is private; what this user may not read either needs no cover', async () => {
  const etc = join(folder, 'etc');
  await mkdir(join(etc, 'open', 'deep'), { recursive: true });
  await mkdir(join(etc, 'closed'));
  const modes = { 'open/own': 0o600, 'open/all': 0o644, 'open/none': 0, 'open/deep/group': 0o640 };
  for (const [name, mode] of Object.entries({ ...modes, closed: 0o700 })) {
    if (name !== 'closed') await writeFile(join(etc, name), 'x');
    await chmod(join(etc, name), mode);
  }
  const isRoot = process.getuid?.() === 0;
  const names = ['closed', 'open/deep/group', ...(isRoot ? ['open/none'] : []), 'open/own'];
  expect([...privateFiles(etc)].sort()).toEqual(names.map((name) => join(etc, name)));
});

test('bound places come before empty ones where nothing lies in between, and an empty one in an empty one is no mount', () => {
  const home = join(folder, 'home');
  const plan = { program: 'bwrap', workspace, network: true };
  const argv = sandboxArgv(plan, ['true'], {
    env: { ...ENV, HOME: home, XDG_CACHE_HOME: join(home, 'cache') },
  });
  const at = (option: string, path: string) =>
    argv.findIndex((part, i) => part === option && argv[i + 1] === path);
  expect(at('--ro-bind', '/usr')).toBeLessThan(at('--tmpfs', '/tmp'));
  expect(at('--tmpfs', '/tmp')).toBeLessThan(at('--bind', workspace));
  // The temporary folder, in which this home folder lies, is empty.
  expect(at('--dir', home)).toBeGreaterThan(at('--tmpfs', '/tmp'));
  expect(at('--dir', join(home, 'cache'))).toBeGreaterThan(at('--dir', home));
});

test('mounts come parents first, and a path that does not exist is passed over', () => {
  const argv = sandboxArgv(
    {
      program: 'bwrap',
      workspace,
      network: true,
      readOnly: [folder],
      hide: [join(folder, 'home'), join(folder, 'none')],
      writable: [join(folder, 'gone'), join(folder, 'cache')],
    },
    ['-x', 'y'],
    { env: ENV },
  );
  expect(argv.slice(-3)).toEqual(['--', '-x', 'y']);
  expect(argv.indexOf('/tmp')).toBeLessThan(argv.indexOf(folder));
  expect(argv.indexOf(folder)).toBeLessThan(argv.indexOf(workspace));
  expect(argv).toContain(join(folder, 'cache'));
  expect(argv).not.toContain(join(folder, 'gone'));
  expect(argv).not.toContain(join(folder, 'none'));
  expect(argv).not.toContain('--unshare-net');
});

test('what the mount above shows already is not mounted again, unless it has other rights or is covered', () => {
  const places = ['home', 'cache', 'work space/inner'].map((name) => join(folder, name));
  const [home = '', cache = '', inner = ''] = places;
  const notes = join(home, 'notes');
  const mountsOf = (plan: Partial<SandboxPlan>) => {
    const all = { program: 'bwrap', workspace, network: true, readOnly: [folder], ...plan };
    const argv = sandboxArgv(all, ['true'], { env: ENV });
    const to = argv.flatMap((part, at) => (/^--(ro-)?bind$/.test(part) ? [argv[at + 2]] : []));
    return to.filter((place) => place?.startsWith(folder) && place !== folder && place !== workspace);
  };
  expect(mountsOf({ readOnly: [folder, home, notes] })).toEqual([]);
  expect(mountsOf({ readOnly: [folder, notes], hide: [home] })).toEqual([notes]);
  expect(mountsOf({ writable: [cache] })).toEqual([cache]);
  // Below the workspace, which can be written.
  expect(mountsOf({ readOnly: [folder, inner] })).toEqual([inner]);
  expect(mountsOf({ mounts: [{ from: cache, to: home }], readOnly: [folder, notes] })).toEqual([home, notes]);
});

// Where there is no sandbox nothing of this can hold; that the search says so is what the build relies on there.
if ('missing' in found) {
  test('this machine has no working sandbox, and the reason is told', () => {
    expect(found.missing).not.toBe('');
  });
} else {
  describe('inside the sandbox', () => {
    const { program } = found;
    const inside = (
      command: string,
      more: {
        network?: boolean;
        cwd?: string;
        timeoutMs?: number;
        plan?: Partial<SandboxPlan>;
        env?: Environment;
      } = {},
    ) =>
      runProgram({
        command,
        cwd: more.cwd ?? workspace,
        env: { ...ENV, ...more.env },
        ...(more.timeoutMs === undefined ? {} : { timeoutMs: more.timeoutMs }),
        sandbox: {
          program,
          workspace,
          network: more.network ?? false,
          readOnly: [join(folder, 'home')],
          writable: [join(folder, 'cache')],
          hide: secretPlaces(join(folder, 'home')),
          ...more.plan,
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

    test.each(['readOnly', 'writable'])(
      'where the whole machine is %s, the sandbox is one still',
      async (kind) => {
        const command = `echo 1 > /dev/null && cat new && ls -d /proc/[0-9]* && ls -A '${folder}/home/.ssh' && echo 1 > /new`;
        const exit = await inside(`echo 'of the workspace' > new; ${command}`, { plan: { [kind]: ['/'] } });
        const tail = expect.stringMatching(
          /^of the workspace\n(\/proc\/\d\n)+.*\/new: Read-only file system\n$/,
        );
        expect(exit).toMatchObject({ kind: 'exited', code: 2, tail });
      },
    );

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

    test('nothing but the workspace, what is named, the tools and the system is there', async () => {
      const plan = { readOnly: [], writable: [] };
      await mkdir(join(folder, 'home', 'project'), { recursive: true });
      await writeFile(join(folder, 'home', 'project', '.env'), 'KEY=1');
      const home = join(folder, 'home');
      const look = `ls -A '${home}' '${folder}' /root /home /var/log /work /srv 2>/dev/null; cat '${home}/project/.env' '${home}/notes'; ls /; true`;
      const exit = await inside(look, { plan, env: { HOME: home } });
      const { tail } = exit as { tail: string };
      expect(tail).not.toMatch(/KEY=1|^open$|^project$/m);
      expect(tail).toContain('usr');
      expect(tail).not.toMatch(/^(root|srv|mnt|media|boot)$/m);
    });

    test('a link in the workspace shows nothing that is not there by itself', async () => {
      await symlink(join(folder, 'home', 'notes'), join(workspace, 'l'));
      const exit = await inside('cat l', { plan: { readOnly: [] }, env: { HOME: join(folder, 'home') } });
      await rm(join(workspace, 'l'));
      expect(exit).toMatchObject({ code: 1, tail: expect.stringContaining('No such file') });
    });

    test('private files of the system are covered, for root as well', async () => {
      const exit = await inside('cat /etc/shadow /etc/gshadow; cat /etc/passwd | head -c 4');
      const { tail } = exit as { tail: string };
      expect(tail).toMatch(/^root$/m);
      expect(tail).not.toMatch(/root:[!*$]/);
    });

    test('the home folder is empty, writable and gone afterwards', async () => {
      const home = join(folder, 'home');
      const exit = await inside('echo x > ~/.bashrc && ls -A ~', {
        plan: { readOnly: [] },
        env: { HOME: home },
      });
      expect(exit).toMatchObject({ code: 0, tail: '.bashrc\n' });
      await expect(readFile(join(home, '.bashrc'))).rejects.toThrow('ENOENT');
    });

    test('nothing can be put beside what is shown', async () => {
      const exit = await inside(
        'echo x > /new; mkdir /usr/new /new2; echo x > /proc/sys/vm/swappiness; true',
      );
      const { tail } = exit as { tail: string };
      expect(tail.match(/Read-only|Permission denied/g)?.length, tail).toBe(4);
    });

    test('a mount shows a folder at another place, read-only', async () => {
      await mkdir(join(folder, 'tools', 'bin'), { recursive: true });
      await writeFile(join(folder, 'tools', 'bin', 'check'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      await mkdir(join(workspace, 'node_modules'), { recursive: true });
      const mounts = [{ from: join(folder, 'tools'), to: join(workspace, 'node_modules') }];
      const line =
        'node_modules/bin/check; echo $?; echo "exit 0" > node_modules/bin/check; rm -rf node_modules';
      const exit = await inside(line, { plan: { mounts } });
      expect(exit).toMatchObject({ tail: expect.stringMatching(/^1\n/) });
      expect(await readFile(join(folder, 'tools', 'bin', 'check'), 'utf8')).toContain('exit 1');
      await rm(join(workspace, 'node_modules'), { recursive: true });
    });

    test('tools below the home folder are seen, and what lies beside them is not', async () => {
      const home = join(folder, 'home2');
      for (const path of [
        '.nvm/v20/bin',
        '.nvm/v20/lib',
        '.local/bin',
        '.local/share/keys',
        '.local/share/app/v1',
        'bin',
      ]) {
        await mkdir(join(home, path), { recursive: true });
      }
      const program = (path: string) =>
        writeFile(join(home, path), '#!/bin/sh\necho ran $0\n', { mode: 0o755 });
      await Promise.all(['.nvm/v20/bin/one', '.local/share/app/v1/two', 'bin/three'].map(program));
      await symlink('../share/app/v1/two', join(home, '.local/bin/two'));
      await writeFile(join(home, '.local/share/keys/login'), 'secret');
      await writeFile(join(home, 'diary'), 'secret');
      const PATH = ['.nvm/v20/bin', '.local/bin', 'bin']
        .map((path) => join(home, path))
        .concat(ENV.PATH)
        .join(':');
      const line = 'one; two; three; ls -A ~ ~/.local/share; cat ~/diary ~/.local/share/keys/login; true';
      const exit = await inside(line, { plan: { readOnly: [] }, env: { HOME: home, PATH } });
      const { tail } = exit as { tail: string };
      expect(tail.match(/^ran/gm)?.length).toBe(3);
      expect(tail).not.toMatch(/^secret|keys$|diary$/m);
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
