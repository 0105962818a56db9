/**
 * Entries in a content-addressed store: their files as blobs, and an action that names them. Converts between a
 * commit and an action. Knows no transport.
 */

import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { Limiter } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import { makeTemporaryFolder, removeTree } from '../../io/files.js';
import type { GitObjects } from '../../io/git/objects.js';
import { digestFields } from '../../model/digest.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import { shapeProblem } from '../admission.js';
import { type ConditionalObjects, ObjectClaims } from '../claims/object-claims.js';
import { type EntryName, isResult, keyOf, type Scope } from '../encoded-entry.js';
import { entryFiles, entryMessage } from '../entry-message.js';
import type { Fetched, Offered, RemoteFault, RemoteStore, Replacement } from '../remote-store.js';
import { type Action, type ActionFile, formatAction, parseAction, sameAction } from './action-result.js';
import type { BlobPlace } from './blob-place.js';

const AT_ONCE = 6;

export interface CasRemoteOptions {
  readonly place: BlobPlace & ConditionalObjects;
  readonly scope: Scope;
  readonly objects: GitObjects;
  /** Entries with more bytes are refused. */
  readonly maxBytes: number;
}

type Presence = 'none' | 'stored' | 'taken' | 'unseen';
type Arrival = { readonly commit: ObjectId } | { readonly refused: string } | undefined;

export class CasRemote implements RemoteStore {
  readonly name: string;
  readonly claims: ObjectClaims;
  private readonly options: CasRemoteOptions;
  private readonly limiter = new Limiter(AT_ONCE);
  private scratch: Promise<string> | undefined;
  private scratchFiles = 0;

  constructor(options: CasRemoteOptions) {
    this.options = options;
    this.name = options.place.name;
    this.claims = new ObjectClaims(this.name, options.scope, options.place);
  }

  async fetch(names: readonly EntryName[], signal: AbortSignal): Promise<Fetched> {
    const commits = new Map<EntryName, ObjectId>();
    const refused = new Map<EntryName, string>();
    const fault = await this.each(names, async (name) => {
      const got = await this.get(name, signal);
      if (!got.ok) return got.error;
      if (got.value && 'commit' in got.value) commits.set(name, got.value.commit);
      else if (got.value) refused.set(name, got.value.refused);
      return undefined;
    });
    return { commits, refused, ...(fault ? { fault } : {}) };
  }

  async offer(entries: ReadonlyMap<EntryName, ObjectId>, signal: AbortSignal): Promise<Offered> {
    const outcomes = new Map<EntryName, 'stored' | 'taken'>();
    const fault = await this.each([...entries], async ([name, commit]) => {
      const put = await this.put(name, commit, signal);
      if (!put.ok) return put.error;
      outcomes.set(name, put.value);
      return undefined;
    });
    return { outcomes, ...(fault ? { fault } : {}) };
  }

  async replace({ name, commit }: Replacement, signal: AbortSignal): Promise<RemoteFault | undefined> {
    const put = await this.put(name, commit, signal, true);
    return put.ok ? undefined : put.error;
  }

  async close(): Promise<void> {
    await this.options.place.close();
    const scratch = await this.scratch;
    if (scratch !== undefined) await removeTree(scratch);
  }

  /** Once a place has failed in spite of all patience, the rest of this round is not tried. */
  private async each<T>(
    items: readonly T[],
    work: (item: T) => Promise<RemoteFault | undefined>,
  ): Promise<RemoteFault | undefined> {
    let fault: RemoteFault | undefined;
    await mapBounded(
      items,
      (item) =>
        this.limiter.run(async () => {
          if (!fault) fault = await work(item);
        }),
      AT_ONCE,
    );
    return fault;
  }

  private async get(name: EntryName, signal: AbortSignal): Promise<Result<Arrival, RemoteFault>> {
    const { place, objects, maxBytes } = this.options;
    const body = await place.getAction(this.actionKey(name), signal);
    if (!body.ok) return body;
    if (!body.value) return ok(undefined);
    const action = parseAction(body.value);
    if (!action) return ok({ refused: 'its action was not written by conductor' });
    const named = [...action.files, ...action.links].map(({ path }) => path);
    const files = new Map<string, Entry>(named.map((path) => [path, { mode: '100644', id: '' }]));
    const shape = named.length === files.size ? shapeProblem(files) : 'a path appears twice';
    if (shape !== undefined) return ok({ refused: shape });
    if (action.files.reduce((sum, { size }) => sum + size, 0) > maxBytes)
      return ok({ refused: 'it is too large' });
    for (const file of action.files) {
      const got = await this.blob(file, signal);
      if (!got.ok) return got;
      // The action outlived its blobs: as good as none.
      if (got.value === 'missing') return ok(undefined);
      if (got.value === 'wrong') return ok({ refused: `${file.path} does not match its digest` });
      files.set(file.path, { mode: file.executable ? '100755' : '100644', id: got.value.id });
    }
    for (const { path, target } of action.links) {
      files.set(path, { mode: '120000', id: await objects.writeBlob(Buffer.from(target)) });
    }
    const message = await entryMessage(objects, name, files);
    const tree = await objects.editTree(undefined, files);
    return ok({ commit: await objects.writeCommit({ tree, message }) });
  }

  private async blob(
    { hash, size }: ActionFile,
    signal: AbortSignal,
  ): Promise<Result<'missing' | 'wrong' | { id: ObjectId }, RemoteFault>> {
    const { place, objects } = this.options;
    this.scratch ??= makeTemporaryFolder(objects.store);
    const file = join(await this.scratch, String(this.scratchFiles++));
    try {
      const got = await place.getBlob({ hash, size }, file, signal);
      if (!got.ok || got.value !== 'got') return got as Result<'missing' | 'wrong', RemoteFault>;
      return ok({ id: await objects.writeBlobFile(file) });
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Checks, sends the blobs, checks again, sends the action, and checks which action the server has: the first one wins. */
  private async put(
    name: EntryName,
    commit: ObjectId,
    signal: AbortSignal,
    replaces = false,
  ): Promise<Result<'stored' | 'taken', RemoteFault>> {
    const { place, objects } = this.options;
    const key = this.actionKey(name);
    const files = await entryFiles(objects, commit);
    if (!files) return err({ kind: 'failed', detail: `${name} cannot be read here` });
    const contents = new Map<string, Buffer>();
    const action: { files: ActionFile[]; links: { path: string; target: string }[] } = {
      files: [],
      links: [],
    };
    for (const [path, { mode, id }] of files) {
      const content = await objects.read(id);
      if (!content) return err({ kind: 'failed', detail: `${name} cannot be read here` });
      if (mode === '120000') {
        action.links.push({ path, target: content.toString('utf8') });
        continue;
      }
      const hash = createHash('sha256').update(content).digest('hex');
      contents.set(hash, content);
      action.files.push({ path, hash, size: content.length, executable: mode === '100755' });
    }
    const before = await this.presence(key, action, signal);
    if (!before.ok) return before;
    const isOver = isPresent(before.value);
    // An action whose files are gone is as good as none: it must not stand in the way of ours.
    if (isPresent(before.value) && !replaces && (await this.hasFiles(key, signal))) return ok(before.value);
    for (const [hash, content] of contents) {
      const has = await place.hasBlob(hash, signal);
      if (has.ok && has.value) continue;
      const sent = await place.putBlob(hash, content, signal);
      if (!sent.ok) return sent;
    }
    const now = await this.presence(key, action, signal);
    if (!now.ok) return now;
    if (now.value === 'stored' || (!isOver && isPresent(now.value))) return ok(now.value);
    const sent = await place.putAction(key, formatAction(action), signal, isOver);
    if (!sent.ok) return sent;
    const after = await this.presence(key, action, signal);
    if (!after.ok) return after;
    if (after.value === 'none') return err({ kind: 'failed', detail: 'it does not store what it receives' });
    if (isPresent(after.value)) return ok(after.value);
    return ok(sent.value === 'exists' ? 'taken' : 'stored');
  }

  /** Whether all files are there that the action of a key names; true where that cannot be known. */
  private async hasFiles(key: string, signal: AbortSignal): Promise<boolean> {
    const { place } = this.options;
    const body = await place.getAction(key, signal);
    if (!body.ok) return true;
    const action = body.value && parseAction(body.value);
    for (const { hash } of action?.files ?? []) {
      const has = await place.hasBlob(hash, signal);
      if (has.ok && !has.value) return false;
    }
    return true;
  }

  /** What stands under a key, compared with ours; `unseen` where we may write and not read. */
  private async presence(
    key: string,
    ours: Action,
    signal: AbortSignal,
  ): Promise<Result<Presence, RemoteFault>> {
    const body = await this.options.place.getAction(key, signal);
    if (!body.ok) return body.error.kind === 'denied' ? ok('unseen') : body;
    if (!body.value) return ok('none');
    const action = parseAction(body.value);
    return ok(action && sameAction(action, ours) ? 'stored' : 'taken');
  }

  private actionKey(name: EntryName): string {
    const key = keyOf(name);
    const kind = isResult(name) ? 'result' : 'gates';
    return this.options.scope === 'shared' ? key : digestFields('conductor.pull-request.1', [kind, key]);
  }
}

function isPresent(presence: Presence): presence is 'stored' | 'taken' {
  return presence === 'stored' || presence === 'taken';
}
