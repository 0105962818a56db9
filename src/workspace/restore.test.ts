/** What a task may leave in its workspace, and that the next one finds exactly its tree there. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ok } from '../base/result.js';
import { openScratch, ScratchRepository } from '../test/rig/scratch-repository.js';
import { captureResult, entryProblem } from './capture.js';
import { removeForcibly, restoreFolder } from './restore.js';
import { takeSnapshot } from './snapshot.js';
import { WorkspacePool } from './workspace-pool.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function rig() {
  const scratch = new ScratchRepository();
  scratch.write('f', '1');
  scratch.write('src/g', '2');
  scratch.commit();
  const { repository, objects } = await openScratch(scratch);
  const pool = new WorkspacePool(repository, objects, {
    cacheDir: scratch.cache,
    link: [],
    keep: [],
    setupKey: '',
    isSandboxed: async () => false,
    setup: async () => ok(undefined),
  });
  const taken = await takeSnapshot(repository, objects, { secrets: [], named: [], force: [] });
  if (!taken.ok) throw new Error(JSON.stringify(taken.error));
  const view = taken.value.tree;
  return {
    scratch,
    pool,
    objects,
    view,
    async acquire() {
      const got = await pool.acquire(view);
      if (!got.ok) throw new Error(JSON.stringify(got.error));
      return got.value;
    },
    /** What a capture says of what was done in a workspace, and the workspace. */
    async capture(damage: (dir: string) => void, outputs = ['out', 'made/'], secrets: string[] = []) {
      const workspace = await this.acquire();
      damage(workspace.dir);
      const options = { inputTree: view, outputs, edits: [], maxBytes: 1e6, secrets };
      return { workspace, captured: await captureResult(workspace, objects, options) };
    },
  };
}

/** Every entry below a folder but `.git`: its kind, its mode and its text. */
function listing(dir: string): Record<string, string> {
  const found: Record<string, string> = { '.': (statSync(dir).mode & 0o7777).toString(8) };
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (name === '.git') continue;
    const stat = lstatSync(join(dir, name));
    const text = stat.isFile() ? readFileSync(join(dir, name), 'utf8') : '';
    found[name] = `${stat.isDirectory() ? 'folder' : 'file'} ${(stat.mode & 0o7777).toString(8)} ${text}`;
  }
  return found;
}

const fifo = (path: string) => execFileSync('mkfifo', [path]);

const DAMAGE: Readonly<Record<string, (dir: string) => void>> = {
  'a root without rights': (dir) => chmodSync(dir, 0o000),
  'a root that cannot be written': (dir) => chmodSync(dir, 0o555),
  'folders that cannot be written': (dir) => {
    mkdirSync(join(dir, 'm/n/o'), { recursive: true });
    writeFileSync(join(dir, 'm/n/o/x'), '');
    for (const folder of ['m/n/o', 'm/n', 'm', 'src']) chmodSync(join(dir, folder), 0o555);
  },
  'folders without rights': (dir) => {
    mkdirSync(join(dir, 'm/n'), { recursive: true });
    for (const folder of ['m/n', 'm', 'src']) chmodSync(join(dir, folder), 0o000);
  },
  'folders that everybody may write': (dir) => chmodSync(join(dir, 'src'), 0o777),
  'folders that give files to others': (dir) => {
    for (const folder of ['', 'src']) chmodSync(join(dir, folder), 0o7755);
  },
  'files with other modes': (dir) => {
    chmodSync(join(dir, 'f'), 0o000);
    chmodSync(join(dir, 'src/g'), 0o777);
  },
  'FIFOs new, in place of a file, and in place of .git': (dir) => {
    for (const path of ['f', '.git']) rmSync(join(dir, path));
    for (const path of ['f', '.git', 'out', 'src/pipe']) fifo(join(dir, path));
  },
  'a folder in place of a file and a file in place of a folder': (dir) => {
    rmSync(join(dir, 'f'));
    mkdirSync(join(dir, 'f'));
    rmSync(join(dir, 'src'), { recursive: true });
    writeFileSync(join(dir, 'src'), '');
  },
  'planted repositories': (dir) => {
    mkdirSync(join(dir, 'src/.git/hooks'), { recursive: true });
    mkdirSync(join(dir, 'new/.git'), { recursive: true });
  },
};

describe('a workspace after', () => {
  it.each(Object.keys(DAMAGE))('%s shows exactly the next tree', async (name) => {
    const one = await rig();
    const first = await one.acquire();
    const wanted = listing(first.dir);
    DAMAGE[name]?.(first.dir);
    await one.pool.release(first);
    const second = await one.acquire();
    expect(second.dir).toBe(first.dir);
    expect(listing(second.dir)).toEqual(wanted);
    expect(lstatSync(join(second.dir, '.git')).isFile()).toBe(true);
  });

  it.each([
    ['a link', (place: string, victim: string) => symlinkSync(victim, place)],
    ['a folder', (place: string) => mkdirSync(place)],
    ['a FIFO', (place: string) => fifo(place)],
  ])('%s in place of its .git writes nothing through it, and is refused', async (_, put) => {
    const one = await rig();
    const victim = join(one.scratch.root, 'victim');
    writeFileSync(victim, 'mine');
    const { captured, workspace } = await one.capture((dir) => {
      writeFileSync(join(dir, 'out'), 'x');
      rmSync(join(dir, '.git'));
      put(join(dir, '.git'), victim);
    });
    expect(captured).toMatchObject({ error: { kind: 'unsafe-path', path: '.git' } });
    await one.pool.release(workspace);
    const next = await one.acquire();
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(readFileSync(join(next.dir, '.git'), 'utf8')).toBe(`gitdir: ${next.gitDir}\n`);
  });

  it('a failure that filled it holds nothing of it any more', async () => {
    const one = await rig();
    const workspace = await one.acquire();
    writeFileSync(join(workspace.dir, 'big'), 'x'.repeat(1000));
    await one.pool.release(workspace, true);
    expect(Object.keys(listing(workspace.dir)).sort()).toEqual(['.', 'f', 'src', 'src/g']);
  });
});

describe('a capture', () => {
  it('names a FIFO in the place of an output, and one beside it', async () => {
    const one = await rig();
    const output = await one.capture((dir) => fifo(join(dir, 'out')));
    expect(output.captured).toMatchObject({ error: { kind: 'unsafe-path', path: 'out' } });
    const beside = await one.capture((dir) => {
      writeFileSync(join(dir, 'out'), 'x');
      fifo(join(dir, 'pipe'));
    });
    expect(beside.captured).toMatchObject({ error: { kind: 'wrote-outside-outputs', paths: ['pipe'] } });
  });

  it('takes outputs from folders that cannot be read or written, with the modes that git has', async () => {
    const one = await rig();
    const { captured, workspace } = await one.capture((dir) => {
      mkdirSync(join(dir, 'made'));
      writeFileSync(join(dir, 'made/a'), 'a', { mode: 0o400 });
      writeFileSync(join(dir, 'made/b'), 'b', { mode: 0o711 });
      chmodSync(join(dir, 'made'), 0o000);
      chmodSync(dir, 0o555);
    });
    if (!captured.ok) throw new Error(JSON.stringify(captured.error));
    expect([...captured.value.outputs.keys()]).toEqual(['made/a', 'made/b']);
    const umask = process.umask();
    const mode = (path: string) => statSync(join(workspace.dir, path)).mode & 0o777;
    expect([mode('made'), mode('made/a'), mode('made/b')]).toEqual(
      [0o777, 0o666, 0o777].map((bits) => bits & ~umask),
    );
  });

  it('refuses a secret in the name of a file, as JSON writes it too, and never says it', async () => {
    const one = await rig();
    const secret = 'sk-"secret"-1';
    const put = (name: string, text: string) => (dir: string) => {
      mkdirSync(join(dir, 'made'), { recursive: true });
      writeFileSync(join(dir, 'made/x'), '');
      writeFileSync(join(dir, name), text);
    };
    const named = await one.capture(put(`made/${secret}`, ''), ['made/'], [secret]);
    expect(named.captured).toEqual({
      ok: false,
      error: { kind: 'leaked-secret', paths: ['made/[secret]'] },
    });
    const json = await one.capture(put('made/a.json', JSON.stringify({ secret })), ['made/'], [secret]);
    expect(json.captured).toMatchObject({ error: { kind: 'leaked-secret', paths: ['made/a.json'] } });
    const outside = await one.capture(put(secret, ''), ['made/'], [secret]);
    expect(outside.captured).toEqual({
      ok: false,
      error: { kind: 'wrote-outside-outputs', paths: ['[secret]'] },
    });
  });

  it('finds a link of megabytes unsafe at once', async () => {
    const one = await rig();
    const id = await one.objects.writeBlob(Buffer.from('a/'.repeat(2_000_000)));
    const problem = await entryProblem(one.objects, ['l'], new Map([['l', { mode: '120000', id }]]));
    expect(problem).toMatchObject({ kind: 'unsafe-path', path: 'l' });
    const turning = await one.objects.writeBlob(Buffer.from(`${'a/'.repeat(2000)}../x`));
    const listed = new Map([['l', { mode: '120000' as const, id: turning }]]);
    expect(await entryProblem(one.objects, ['l'], listed)).toMatchObject({ kind: 'link-leaves-tree' });
  });
});

// The kernel lets root do all of this without asking; another user has to be tried as another user.
describe.runIf(process.getuid?.() === 0)('as somebody who is not root', () => {
  function asNobody<T>(work: () => Promise<T>): Promise<T> {
    process.setegid?.(65534);
    process.seteuid?.(65534);
    return work().finally(() => {
      process.seteuid?.(0);
      process.setegid?.(0);
    });
  }
  function folder(): string {
    const made = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-nobody-')));
    cleanups.push(() => rmSync(made, { recursive: true, force: true }));
    chownSync(made, 65534, 65534);
    return made;
  }

  it('folders without rights are put right and removed', async () => {
    const dir = folder();
    await asNobody(async () => {
      for (const name of ['one', 'two']) {
        mkdirSync(join(dir, name, 'm/n'), { recursive: true });
        writeFileSync(join(dir, name, 'm/n/x'), '', { mode: 0o000 });
        chmodSync(join(dir, name, 'm/n'), 0o555);
        chmodSync(join(dir, name, 'm'), 0o000);
      }
      chmodSync(join(dir, 'one'), 0o000);
      await expect(restoreFolder(join(dir, 'one'))).resolves.toMatchObject({ special: [] });
      expect(readdirSync(join(dir, 'one/m/n'))).toEqual(['x']);
      await removeForcibly(join(dir, 'two'));
      expect(existsSync(join(dir, 'two'))).toBe(false);
    });
  });

  it('a workspace with what belongs to another user is given up, and the next number used', async () => {
    const one = await rig();
    execFileSync('chown', ['-R', '65534:65534', one.scratch.root]);
    const env = { HOME: process.env.HOME };
    // git asks whose the repository is.
    process.env.HOME = one.scratch.root;
    cleanups.push(() => Object.assign(process.env, env));
    await asNobody(async () => {
      const first = await one.acquire();
      process.seteuid?.(0);
      mkdirSync(join(first.dir, 'theirs'));
      writeFileSync(join(first.dir, 'theirs/x'), '');
      process.seteuid?.(65534);
      await one.pool.release(first);
      const second = await one.acquire();
      expect(second.dir).not.toBe(first.dir);
      expect(Object.keys(listing(second.dir)).sort()).toEqual(['.', 'f', 'src', 'src/g']);
    });
  });
});
