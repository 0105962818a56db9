/** Holds that a hostile program in a sandbox reaches no other task, no process and no file beside its own, and outlives nothing. */

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PACKAGE } from '../../../test/rig/command-line.js';
import { findProgram } from '../environment.js';
import { runProgram } from '../process.js';
import { type QuickRun, RunnerProcess } from '../runner-process.js';
import type { RunnerOrder } from '../served-runs.js';
import { findSandbox } from './sandbox.js';

const PATH = '/usr/local/bin:/usr/bin:/bin';
const found = await findSandbox({ PATH });
const program = 'program' in found ? found.program : '';
const why = 'missing' in found ? ` (no sandbox here: ${found.missing})` : '';
/** Named where it cannot hold, so that a report tells what was not tried. */
const inSandbox = (name: string, run: () => Promise<void>) =>
  test.skipIf(program === '')(`${name}${why}`, run);

let folder: string;
let home: string;
let workspaces: string;
let runnerFile: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'conductor attacks ')));
  home = join(folder, 'home');
  workspaces = join(folder, 'workspaces');
  await mkdir(home);
  await writeFile(join(home, 'login'), 'private words');
  runnerFile = join(folder, 'command-runner.mjs');
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: ['src/cli/command-runner.ts'],
    outfile: runnerFile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run in a workspace of its own, with the folder of all workspaces and a file of the shown home folder hidden. */
async function attackOf(name: string, command: QuickRun['command'], more: Partial<QuickRun> = {}) {
  const workspace = join(workspaces, name);
  await mkdir(workspace, { recursive: true });
  const run: QuickRun = {
    command,
    cwd: workspace,
    env: { PATH, HOME: '/home/nobody' },
    sandbox: {
      program,
      workspace,
      network: false,
      readOnly: [home],
      hide: [workspaces, join(home, 'login')],
    },
    ...more,
  };
  return { run, workspace };
}

const attack = async (name: string, command: string, more: Partial<QuickRun> = {}) =>
  runProgram((await attackOf(name, command, more)).run);

/** A pipe in a workspace: it ends for its reader when the last process that holds it is gone. */
class Pulse {
  private readonly file: number;

  constructor(workspace: string) {
    execFileSync('mkfifo', [join(workspace, 'pulse')]);
    this.file = openSync(join(workspace, 'pulse'), constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** `beats` once some process holds it, `ended` when none does (any more). */
  look(): 'beats' | 'silent' | 'ended' {
    try {
      return readSync(this.file, Buffer.alloc(65536)) > 0 ? 'beats' : 'ended';
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' });
      return 'silent';
    }
  }

  async until(state: 'beats' | 'ended'): Promise<void> {
    while (this.look() !== state) await delay(2);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** Leaves the session, closes what it inherited, ignores what asks it to end, and holds the pipe. */
const HOLDER = `setsid sh -c 'trap "" TERM HUP INT; exec > pulse 2>&1 < /dev/null; echo; while :; do sleep 600; done'`;

inSandbox('when a run ends, everything that it started has ended', async () => {
  for (let round = 0; round < 10; round++) {
    const { run, workspace } = await attackOf(`end-${round}`, `${HOLDER} & head -c 1 ready > /dev/null`);
    execFileSync('mkfifo', [join(workspace, 'ready')]);
    const pulse = new Pulse(workspace);
    const ended = runProgram(run);
    await pulse.until('beats');
    await writeFile(join(workspace, 'ready'), 'x');
    expect(await ended).toMatchObject({ kind: 'exited', code: 0 });
    expect(pulse.look()).toBe('ended');
    pulse.close();
  }
});

test.skipIf(program === '' || findProgram('gdb', { PATH }) === undefined)(
  `a program that tells the sandbox’s first process to live on (by gdb) gains nothing${why}`,
  async () => {
    const line = `gdb -p 1 -batch -ex 'call (int)prctl(1, 0)' 2>&1; ${HOLDER} & head -c 1 ready > /dev/null`;
    const { run, workspace } = await attackOf('first', line);
    execFileSync('mkfifo', [join(workspace, 'ready')]);
    const pulse = new Pulse(workspace);
    const ended = runProgram(run);
    await pulse.until('beats');
    await writeFile(join(workspace, 'ready'), 'x');
    expect(await ended).toMatchObject({ kind: 'exited', code: 0 });
    expect(pulse.look()).toBe('ended');
    pulse.close();
  },
);

inSandbox('a time limit and an abort end all that a program started, whatever it ignores', async () => {
  const stop = new AbortController();
  const more = { graceMs: 50 };
  for (const [name, limit] of [
    ['time', { timeoutMs: 1000, ...more }],
    ['abort', { signal: stop.signal, ...more }],
  ] as const) {
    const { run, workspace } = await attackOf(name, `trap "" TERM INT; ${HOLDER} & wait`, limit);
    const pulse = new Pulse(workspace);
    const ended = runProgram(run);
    if (name === 'abort') {
      await pulse.until('beats');
      stop.abort();
    }
    expect(await ended).toMatchObject({ kind: name === 'abort' ? 'cancelled' : 'timed-out' });
    expect(['ended', 'beats']).toContain(pulse.look());
    expect(pulse.look()).toBe('ended');
    pulse.close();
  }
});

inSandbox('a runner process that is killed takes along what its sandboxes hold', async () => {
  const { run, workspace } = await attackOf('runner', `${HOLDER} & wait`);
  const pulse = new Pulse(workspace);
  const runner = RunnerProcess.open(runnerFile) as RunnerProcess;
  const ended = runner.run(run);
  await pulse.until('beats');
  process.kill(runner.pid as number, 'SIGKILL');
  expect(await ended).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' });
  await pulse.until('ended');
  pulse.close();
});

inSandbox('the end of a program is told as its own: codes and signals', async () => {
  expect(await attack('code', 'exit 7')).toMatchObject({ kind: 'exited', code: 7 });
  expect(await attack('kill', 'kill -KILL $$')).toMatchObject({ kind: 'exited', code: 137 });
  expect(await attack('term', 'kill -TERM $$')).toMatchObject({ kind: 'exited', code: 143 });
  expect(await attack('tree', '(exit 3) & wait $!')).toMatchObject({ kind: 'exited', code: 3 });
});

/** Looks for what the other one has left: prints a line for each thing that it reaches. */
const REACHES = `
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
const [port, pid, ...places] = process.argv.slice(2);
const reaches = (to) => new Promise((resolve) => {
  const socket = createConnection(to, () => resolve(true) || socket.destroy());
  socket.on('error', () => resolve(false));
});
if (await reaches({ host: '127.0.0.1', port: Number(port) })) console.log('port');
if (await reaches({ path: '\\0conductor-attack' })) console.log('abstract socket');
for (const place of places) if (existsSync(place)) console.log(place);
for (const one of readdirSync('/proc').filter((name) => /^\\d+$/.test(name)))
  if (readFileSync('/proc/' + one + '/cmdline', 'latin1').startsWith(process.execPath + '\\0leave.mjs')) console.log('process');
`;

/** Leaves things everywhere, tells what they are, and waits for the end of its input. */
const LEAVES = `
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
const listen = (to) => new Promise((resolve) => {
  const server = createServer((socket) => socket.end()).listen(to, () => resolve(server));
});
const port = (await listen({ host: '127.0.0.1', port: 0 })).address().port;
await listen({ path: '\\0conductor-attack' });
const places = ['/tmp/left', '/dev/shm/left', '/run/left', '/var/tmp/left', process.env.HOME + '/left', process.cwd() + '/left'];
for (const place of places) writeFileSync(place, 'x');
const words = [String(port), String(process.pid), ...places];
writeFileSync('told', JSON.stringify(words));
const { spawn } = await import('node:child_process');
const own = spawn(process.execPath, ['reaches.mjs', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
let text = '';
for await (const chunk of own.stdout) text += chunk;
process.stdout.write(text);
writeFileSync('pulse', 'x');
readFileSync('go');
process.exit();
`;

inSandbox('a task reaches nothing of another one that runs at the same time', async () => {
  const left = await attackOf('left', [process.execPath, 'leave.mjs']);
  const other = await attackOf('other', 'true');
  for (const { workspace } of [left, other]) await writeFile(join(workspace, 'reaches.mjs'), REACHES);
  await writeFile(join(left.workspace, 'leave.mjs'), LEAVES);
  execFileSync('mkfifo', [join(left.workspace, 'go')]);
  const pulse = new Pulse(left.workspace);
  const ended = runProgram(left.run);
  await pulse.until('beats');
  const words = JSON.parse(await readFile(join(left.workspace, 'told'), 'utf8')) as string[];
  const seen = await runProgram({ ...other.run, command: [process.execPath, 'reaches.mjs', ...words] });
  await writeFile(join(left.workspace, 'go'), '');
  pulse.close();
  // The one that left them reaches all of them, or the other one's silence would say nothing.
  const all = ['port', 'abstract socket', ...words.slice(2), 'process'];
  expect(await ended).toMatchObject({ kind: 'exited', code: 0, tail: `${all.join('\n')}\n` });
  expect(seen).toMatchObject({ kind: 'exited', code: 0, tail: '' });
});

inSandbox('processes outside can neither be seen nor signalled', async () => {
  const outside = spawn('sleep', ['600'], { stdio: 'ignore' });
  const pids = `${outside.pid} ${process.pid}`;
  const exit = await attack(
    'signals',
    `for pid in ${pids}; do ls /proc/$pid; kill -9 $pid; done 2>/dev/null; kill -9 -1 2>/dev/null; true`,
  );
  expect(exit).toMatchObject({ kind: 'exited', tail: '' });
  expect(outside.exitCode ?? outside.signalCode).toBeNull();
  process.kill(outside.pid as number, 0);
  outside.kill('SIGKILL');
});

inSandbox('the roots and folders of all visible processes lead to nothing but the sandbox', async () => {
  const line = `for pid in /proc/[0-9]*; do for way in root cwd; do ls -A "$pid/$way${home}" "$pid/$way${workspaces}"; cat "$pid/$way${home}/login"; done; done 2>/dev/null; true`;
  const exit = await attack('roots', line);
  const lines = new Set((exit as { tail: string }).tail.split('\n').filter((one) => !one.endsWith(':')));
  expect([...lines].sort()).toEqual(['', 'login', 'roots']);
});

inSandbox('a namespace of its own uncovers nothing and makes nothing writable', async () => {
  const tries = [
    `umount '${home}/login'; umount -l '${workspaces}'; umount -l '${home}'; umount /etc/shadow`,
    `mount -o remount,bind,rw '${home}'; mount -o remount,bind,rw /usr; mount -o remount,bind,rw /proc/sys`,
    `cat '${home}/login' /etc/shadow; ls -A '${workspaces}'; echo x > '${home}/new'; echo x > /usr/conductor-new`,
  ].join('; ');
  for (const start of ['', 'unshare -m ', 'unshare -Urm ', 'unshare -Urmpf --mount-proc ']) {
    const exit = await attack('mounts', `${start}sh -c "$TRIES" 2>/dev/null; true`, {
      env: { PATH, HOME: '/home/nobody', TRIES: tries },
    });
    const { tail } = exit as { tail: string };
    expect(
      tail.split('\n').filter((line) => line !== 'mounts' && line !== ''),
      start,
    ).toEqual([]);
  }
  await expect(readFile(join(home, 'new'))).rejects.toThrow('ENOENT');
});

inSandbox('no file that conductor inherited is open in the sandbox', async () => {
  const line = 'for fd in /proc/self/fd/* /proc/1/fd/*; do readlink $fd; done; true';
  const { run } = await attackOf('files', line);
  const runner = spawn(
    'sh',
    ['-c', 'exec 7< "$1" 8< /; exec "$0" "$2"', process.execPath, home, runnerFile],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const listened = { onLine: false, onRawLine: false, onSkipped: false };
  runner.stdin.write(`${JSON.stringify({ kind: 'run', id: 1, run, listened } satisfies RunnerOrder)}\n`);
  let tail = '';
  for await (const answer of createInterface(runner.stdout)) {
    const told = JSON.parse(answer) as { kind: string; exit?: { tail: string } };
    if (told.kind !== 'exit') continue;
    tail = told.exit?.tail ?? '';
    runner.stdin.end();
  }
  const files = tail.split('\n').filter((path) => path.startsWith('/'));
  expect(tail).toMatch(/socket:|pipe:/);
  expect(files.filter((path) => !/^\/dev\/null$|^\/proc\/\d+\/fd/.test(path))).toEqual([]);
});

inSandbox('variables of conductor are in no process of the sandbox', async () => {
  process.env.CONDUCTOR_ATTACK = 'a private value';
  const exit = await attack('variables', `cat /proc/*/environ | tr '\\0' '\\n' | cut -d= -f1 | sort -u`);
  delete process.env.CONDUCTOR_ATTACK;
  const names = (exit as { tail: string }).tail
    .split('\n')
    .filter((name) => !['', '_', 'OLDPWD'].includes(name));
  expect(names).toEqual(['HOME', 'PATH', 'PWD', 'TMPDIR']);
});

inSandbox('devices are those that every program needs, and rights cannot come back', async () => {
  const exit = await attack('devices', 'ls /dev; grep -h "NoNewPrivs\\|CapEff\\|CapPrm" /proc/self/status');
  const words = (exit as { tail: string }).tail
    .split(/\s+/)
    .filter((word) => word !== '' && word !== 'console');
  expect(words.slice(0, 14).join(' ')).toBe(
    'core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero',
  );
  expect(words.slice(14)).toEqual(['CapPrm:', '0'.repeat(16), 'CapEff:', '0'.repeat(16), 'NoNewPrivs:', '1']);
});
