/** The end of a sandbox. Bubblewrap ends with its command and not with what the command started: that is ended, and waited for, here. */

import { ftruncateSync, mkdtempSync, openSync, readFileSync, readlinkSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfNotNow } from '../../errors.js';
import { isLive } from '../run-marks.js';

/** Files without a name in which bubblewrap tells of its first process: a pipe for each start would cost five times as much. */
const unused: number[] = [];

/** One start of a sandbox, from before it until nothing of it runs. */
export class SandboxRun {
  /** Where bubblewrap writes what `--info-fd` tells. */
  readonly file: number;

  private constructor(file: number) {
    this.file = file;
  }

  static begin(): SandboxRun {
    const file = unused.pop() ?? namelessFile();
    ftruncateSync(file, 0);
    return new SandboxRun(file);
  }

  /**
   * To be called once bubblewrap is gone, or could not be started. Its first process in the sandbox dies with it, and the kernel then kills every other one;
   * conductor sees the end of bubblewrap before that has happened. Waits at most `ms` milliseconds.
   */
  async end(ms: number): Promise<void> {
    const first = this.first();
    unused.push(this.file);
    if (first === undefined || !hasOthers(first.pid)) return;
    const deadline = performance.now() + ms;
    // A hostile program may have kept it from dying by itself.
    if (isOfNamespace(first)) kill(first.pid);
    for (let pause = 1; hasOthers(first.pid) && performance.now() < deadline; pause = Math.min(40, pause * 2))
      await delay(pause);
  }

  /** The first process of the sandbox. Undefined if there was none: bubblewrap could not make the sandbox. */
  private first(): First | undefined {
    const bytes = Buffer.alloc(1024);
    const text = bytes.toString('latin1', 0, readSync(this.file, bytes, 0, bytes.length, 0));
    const pid = /"child-pid": (\d+)/.exec(text)?.[1];
    if (pid === undefined) return undefined;
    return { pid: Number(pid), namespace: /"pid-namespace": (\d+)/.exec(text)?.[1] };
  }
}

interface First {
  readonly pid: number;
  readonly namespace: string | undefined;
}

/** The second place is for machines on which the first one can only be read. */
function namelessFile(): number {
  try {
    return namelessFileIn(tmpdir());
  } catch (error) {
    throwIfNotNow(error);
    return namelessFileIn('/dev/shm');
  }
}

function namelessFileIn(place: string): number {
  const folder = mkdtempSync(join(place, 'conductor-'));
  try {
    return openSync(join(folder, 'sandbox'), 'a+');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All processes of a sandbox come from its first one: while another one lives, the first has a child. */
function hasOthers(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim() !== '';
  } catch (error) {
    throwIfNotNow(error);
    // Gone, or a kernel without this list: then only the end of the first process tells.
    return isLive(pid);
  }
}

/** Whether the number is still that of the sandbox's process, and was not given again. */
function isOfNamespace({ pid, namespace }: First): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === `pid:[${namespace}]`;
  } catch (error) {
    throwIfNotNow(error);
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
