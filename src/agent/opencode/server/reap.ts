/** Records running OpenCode servers, and ends those that a killed conductor left. */

import { rmdir } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { readText, removeTree, sweepTemporary, writeAtomic } from '../../../io/files.js';
import { isSame, type ProcessIdentity } from '../../../io/process/identity.js';
import { MARK_FILE, ROOT_PREFIX } from './home.js';
import { killGroup, killMarked } from './marked.js';
import { recordFolder, recordNames } from './record-folder.js';
import { MARK } from './server-environment.js';

/** One server, in `<state folder>/opencode/<mark>.json`. */
export interface ServerRecord {
  /** Random; every process of the server has it in its variables. */
  readonly mark: string;
  readonly root: string;
  /** The conductor that started it; absent where the system does not tell. */
  readonly owner?: ProcessIdentity;
  /** The server, whose process group has the same number; absent until it runs. */
  readonly server?: ProcessIdentity;
}

export interface Reaped {
  /** Servers and processes that were killed. */
  readonly processes: number;
  /** Root folders that were removed. */
  readonly folders: number;
}

const MARK_PATTERN = /^[0-9a-f]{32}$/;
/** Written before the server starts, and again when its process number is known, so that it is never unrecorded. */
export async function writeRecord(stateDir: string, record: ServerRecord): Promise<void> {
  await writeAtomic(fileOf(stateDir, record.mark), `${JSON.stringify(record)}\n`, 0o600);
}

export async function removeRecord(stateDir: string, mark: string): Promise<void> {
  await removeTree(fileOf(stateDir, mark));
}

/**
 * Ends what conductors that are gone left in this state folder: servers, what these started (on Linux, also where it
 * left their group), root folders. A process is killed only when it is the recorded one or carries the record's mark.
 * Records of a conductor that lives are left alone.
 */
export async function reapServers(stateDir: string): Promise<Reaped> {
  let processes = 0;
  let folders = 0;
  for (const name of recordNames(stateDir)) {
    const mark = name.replace(/\.json$/, '');
    if (!MARK_PATTERN.test(mark)) continue;
    const record = parseRecord(await readText(fileOf(stateDir, mark)), mark);
    if (record?.owner !== undefined && (await isSame(record.owner))) continue;
    if (record !== undefined) {
      if (record.server !== undefined && (await isSame(record.server))) {
        await killGroup(record.server);
        processes++;
      }
      if (await removeRoot(record)) folders++;
    }
    processes += await killMarked(MARK, mark);
    await removeRecord(stateDir, mark);
  }
  await sweepTemporary(recordFolder(stateDir));
  return { processes, folders };
}

/** How many servers are on record whose conductor is gone: what the next reaping looks after. */
export async function countLeftServers(stateDir: string): Promise<number> {
  let left = 0;
  for (const name of recordNames(stateDir)) {
    const mark = name.replace(/\.json$/, '');
    if (!MARK_PATTERN.test(mark)) continue;
    const record = parseRecord(await readText(fileOf(stateDir, mark)), mark);
    if (record?.owner === undefined || !(await isSame(record.owner))) left++;
  }
  return left;
}

/** Only a folder that says itself that it belongs to this server is removed, or one that was not yet filled. */
async function removeRoot(record: ServerRecord): Promise<boolean> {
  if (!isAbsolute(record.root) || !basename(record.root).startsWith(ROOT_PREFIX)) return false;
  const found = await readText(join(record.root, MARK_FILE));
  if (found !== record.mark) {
    await sweepTemporary(record.root);
    // Fails when there is anything in it.
    return rmdir(record.root).then(
      () => true,
      () => false,
    );
  }
  await removeTree(record.root);
  return true;
}

function fileOf(stateDir: string, mark: string): string {
  return join(recordFolder(stateDir), `${mark}.json`);
}

/** A file that is damaged names no process and no folder. */
function parseRecord(text: string | undefined, mark: string): ServerRecord | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<ServerRecord> | null;
    if (value?.mark !== mark || typeof value.root !== 'string') return undefined;
    const owner = parseIdentity(value.owner);
    const server = parseIdentity(value.server);
    return {
      mark,
      root: value.root,
      ...(owner === undefined ? {} : { owner }),
      ...(server === undefined ? {} : { server }),
    };
  } catch {
    return undefined;
  }
}

function parseIdentity(value: Partial<ProcessIdentity> | undefined): ProcessIdentity | undefined {
  const { pid, start, boot } = value ?? {};
  if (typeof start !== 'string' || typeof boot !== 'string') return undefined;
  // 0, 1 and negative numbers mean groups or the whole system.
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) return undefined;
  return { pid, start, boot };
}
