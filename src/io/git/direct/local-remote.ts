/**
 * A git repository on a disk that this machine reaches, spoken to without a git process of our own between: what is sent and
 * fetched is in memory, and only the other side's programs run, with their checks and hooks. The program that sends stays
 * open. Knows no parcels.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ObjectId } from '../../../model/tree.js';
import { guardAway, type Stopped } from '../git-away.js';
import { gitEnvironment } from '../git-process.js';
import { type Away, faultOf, judge, type PushedRef, type TransferFault } from '../transfer.js';
import { digestLength, type GitObject, type HashName } from '../writing/object-bytes.js';
import { packBytes } from '../writing/pack.js';
import { readPack } from './pack-reader.js';
import { DELIMITER, FLUSH, PacketReader, packet } from './packets.js';

/** Bytes of one pack, and of what is in it, which are in memory: more go another way. */
export const MOST_BYTES = 128_000_000;
/** How the program that sends marks a part of the pack; other marks are words. */
const PACK_PART = 1;

type Program = 'upload-pack' | 'receive-pack';

/** One run of a program of the other side. */
class Talk {
  readonly reader: PacketReader;
  readonly child: ChildProcess;
  /** Of the folder that it works in. */
  readonly inode: number;
  private readonly away: Away;
  private said = '';
  private readonly closed: Promise<number>;

  constructor(program: Program, path: string, inode: number, away: Away) {
    this.away = away;
    this.inode = inode;
    this.child = spawn('git', [program, path], {
      cwd: away.dir,
      env: environment(program, away),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.reader = new PacketReader(this.child.stdout as NodeJS.ReadableStream);
    this.child.stderr?.on('data', (text: Buffer) => {
      this.said += text.toString('utf8');
    });
    // One that ends before it has read everything closes the pipe; its exit code says why.
    this.child.stdin?.on('error', () => {});
    this.closed = new Promise((end) => {
      this.child.on('error', () => end(-1));
      this.child.on('close', (code) => end(code ?? -1));
    });
  }

  get isOpen(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Does a part of the talk, watched for silence. */
  async watched<T>(work: () => Promise<T>): Promise<{ value: T; stopped: Stopped | undefined }> {
    const { stdout, stderr, pid } = this.child;
    if (!stdout || !stderr) throw new Error('BUG: a git without pipes');
    const guard = guardAway(
      { pid, stdout, stderr, kill: (signal) => this.child.kill(signal) },
      { signal: this.away.signal, silenceMs: this.away.silenceMs },
    );
    try {
      const value = await work();
      return { value, stopped: guard.end() };
    } catch (error) {
      guard.end();
      throw error;
    }
  }

  send(...parts: readonly Buffer[]): void {
    this.child.stdin?.write(Buffer.concat(parts));
  }

  /** Why it ended. */
  async fault(stopped?: Stopped): Promise<TransferFault> {
    this.child.stdin?.end();
    const code = await this.closed;
    const exit = { code, stdout: Buffer.alloc(0), stderr: this.said };
    return faultOf(stopped === undefined ? exit : { ...exit, stopped });
  }

  /** What it has said until its end, as a push shows it. */
  async words(): Promise<string> {
    this.child.stdin?.end();
    await this.closed;
    return this.said.replace(/^(?=.)/gm, 'remote: ');
  }

  end(): void {
    this.child.stdin?.end();
    this.child.kill();
  }
}

export class LocalRemote {
  private readonly path: string;
  private readonly hash: HashName;
  private open: Talk | undefined;

  private constructor(path: string, hash: HashName) {
    this.path = path;
    this.hash = hash;
  }

  /** Undefined where the address is not that of a folder. Whether it is a repository, git says. */
  static at({ url, dir }: Pick<Away, 'url' | 'dir'>, hash: HashName): LocalRemote | undefined {
    if (!/^\.{0,2}\//.test(url)) return undefined;
    const path = resolve(dir, url);
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? new LocalRemote(path, hash) : undefined;
  }

  /**
   * The objects that these commits are made of, without those that `have` reaches. `missing`: one of the commits is not there;
   * `other`: it is to be fetched in another way.
   */
  async fetch(
    away: Away,
    wants: readonly ObjectId[],
    have: readonly ObjectId[],
  ): Promise<Map<ObjectId, GitObject> | TransferFault | 'missing' | 'other'> {
    const talk = await this.opened(away);
    if (!talk || 'kind' in talk) return talk ?? 'other';
    const lines = [
      ...['no-progress\n', ...wants.map((id) => `want ${id}\n`), ...have.map((id) => `have ${id}\n`)],
      'done\n',
    ];
    const format = packet(`object-format=${this.hash}`);
    talk.send(packet('command=fetch\n'), format, DELIMITER, ...lines.map(packet), FLUSH);
    const { value, stopped } = await talk.watched(() => received(talk.reader));
    if (Buffer.isBuffer(value)) return readPack(value, this.hash, MOST_BYTES) ?? 'other';
    this.end();
    if (value === 'missing' || value === 'other') return value;
    return talk.fault(stopped);
  }

  /** Makes refs that must not exist there yet, as `pushNewRefs`; `objects`: all of theirs that the other side lacks. */
  async push(
    away: Away,
    refs: ReadonlyMap<string, ObjectId>,
    objects: ReadonlyMap<ObjectId, GitObject>,
  ): Promise<{ pushed: Map<string, PushedRef>; fault?: TransferFault }> {
    const pushed = new Map<string, PushedRef>();
    const talk = new Talk('receive-pack', this.path, 0, away);
    const { value: told, stopped } = await talk.watched(() => talk.reader.message());
    if (!told) return { pushed, fault: await talk.fault(stopped) };
    const standing = new Map(told.map((line) => [/^[0-9a-f]+ ([^\0]*)/.exec(line)?.[1], line.split(' ')[0]]));
    const none = '0'.repeat(2 * digestLength(this.hash));
    const commands: string[] = [];
    for (const [ref, commit] of refs) {
      const there = standing.get(ref);
      if (there !== undefined)
        pushed.set(ref, { outcome: there === commit ? 'stored' : 'taken', detail: 'it exists' });
      else commands.push(`${none} ${commit} ${ref}`);
    }
    if (commands.length === 0) {
      talk.send(FLUSH);
      await talk.watched(() => talk.words());
      return { pushed };
    }
    commands[0] += `\0report-status object-format=${this.hash}`;
    talk.send(...commands.map(packet), FLUSH, packBytes(objects, this.hash).pack);
    talk.child.stdin?.end();
    const report = await talk.watched(() => talk.reader.message());
    if (!report.value) return { pushed, fault: await talk.fault(report.stopped) };
    const { value: words } = await talk.watched(() => talk.words());
    for (const line of report.value) {
      const [, is, ref = '', why = ''] = /^(ok|ng) (\S+) ?(.*)$/.exec(line) ?? [];
      if (is === 'ok') pushed.set(ref, { outcome: 'stored', detail: '' });
      else if (is === 'ng') pushed.set(ref, judge('!', `[remote rejected] (${why})`, words));
    }
    return { pushed };
  }

  end(): void {
    this.open?.end();
    this.open = undefined;
  }

  /** The program that sends, as long as the repository that it works in stands at its place. */
  private async opened(away: Away): Promise<Talk | TransferFault | undefined> {
    const inode = statSync(this.path, { throwIfNoEntry: false })?.ino ?? 0;
    if (this.open?.isOpen && this.open.inode === inode) return this.open;
    this.end();
    const talk = new Talk('upload-pack', this.path, inode, away);
    const { value: told, stopped } = await talk.watched(() => talk.reader.message());
    if (!told) return talk.fault(stopped);
    const isKnown = told[0] === 'version 2' && told.includes(`object-format=${this.hash}`);
    if (!isKnown) talk.end();
    else this.open = talk;
    return isKnown ? talk : undefined;
  }
}

/** The pack of an answer; undefined: the other side has ended. */
async function received(reader: PacketReader): Promise<Buffer | 'missing' | 'other' | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let isPack = false; ; ) {
    const one = await reader.next();
    if (one === 'end') return undefined;
    if (one === 'flush') return Buffer.concat(parts);
    if (one === 'delimiter') continue;
    if (!isPack) {
      const line = one.toString('utf8');
      if (line.startsWith('ERR ')) return /not our ref/.test(line) ? 'missing' : undefined;
      isPack = line.trim() === 'packfile';
      if (!isPack) return 'other';
    } else if (one[0] === PACK_PART) {
      bytes += one.length;
      if (bytes > MOST_BYTES) return 'other';
      parts.push(one.subarray(1));
    }
  }
}

/** As git gives it to a program of another repository: nothing of it is about ours. */
function environment(program: Program, { signal, silenceMs }: Away): Record<string, string> {
  const env = gitEnvironment({ away: { signal, silenceMs } });
  for (const name of Object.keys(env)) if (/^GIT_CONFIG_(COUNT|KEY|VALUE)/.test(name)) delete env[name];
  return program === 'upload-pack' ? { ...env, GIT_PROTOCOL: 'version=2' } : env;
}
