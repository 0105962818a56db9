/**
 * The work of tasks that wait for an answer of a person: what an agent wrote so far, and what it asks for. One ref for
 * each task in conductor's repository, so that its objects stay.
 */

import { sha256 } from '../base/sha256.js';
import { ObjectDamaged } from '../io/git/damaged.js';
import type { GitObjects } from '../io/git/objects.js';
import { commitTree } from '../io/git/raw-tree.js';
import { DurableRefs } from '../io/git/upkeep/durable.js';
import type { ActionKey } from '../model/action.js';
import type { Need } from '../model/agents/agent-report.js';
import type { Label } from '../model/task.js';
import type { Files, ObjectId } from '../model/tree.js';

const PREFIX = 'refs/conductor/work/';

export interface WaitingWork {
  readonly label: Label;
  /** The key that the task had. */
  readonly key: ActionKey;
  readonly needs: readonly Need[];
  /** What the agent said last. */
  readonly said?: string;
  /** Milliseconds since 1970, UTC. */
  readonly at: number;
  readonly attempts: number;
  /** A person allowed what was asked for: the task of today goes on from this work, whatever its key is. */
  readonly approved?: boolean;
  /** Files that it removed from its input tree. */
  readonly removed: readonly string[];
}

export interface KeptWork extends WaitingWork {
  /** Tree of the files that it wrote. */
  readonly files: ObjectId;
}

export class WorkStore {
  private readonly objects: GitObjects;
  private readonly durable: DurableRefs;
  private readonly folder: string;

  /** `scope`: what tells this project and worktree from others of the same clone. */
  constructor(objects: GitObjects, scope: string) {
    this.objects = objects;
    this.durable = new DurableRefs(objects);
    this.folder = `${PREFIX}${sha256(scope).slice(0, 16)}/`;
  }

  /** In place of what was kept for the task before. */
  async keep(work: WaitingWork, written: Files): Promise<void> {
    await this.objects.writeHeld([...written.values()].map(({ id }) => id));
    await this.point(work, await this.objects.editTree(undefined, new Map(written)));
  }

  async approve({ files, ...work }: KeptWork): Promise<void> {
    await this.point({ ...work, approved: true }, files);
  }

  async find(label: Label): Promise<KeptWork | undefined> {
    const commit = await this.objects.resolve(this.refOf(label));
    return commit === undefined ? undefined : read(this.objects, commit);
  }

  /** In the order of their labels. */
  async all(): Promise<KeptWork[]> {
    const found: KeptWork[] = [];
    for (const [ref, commit] of await this.objects.refs('refs/conductor')) {
      const work = ref.startsWith(this.folder) ? await read(this.objects, commit) : undefined;
      if (work) found.push(work);
    }
    return found.sort((a, b) => (a.label < b.label ? -1 : 1));
  }

  async forget(label: Label): Promise<void> {
    const ref = this.refOf(label);
    if ((await this.objects.resolve(ref)) !== undefined) await this.objects.deleteRef(ref);
  }

  private refOf(label: Label): string {
    return `${this.folder}${sha256(label)}`;
  }

  private async point(work: WaitingWork, tree: ObjectId): Promise<void> {
    const commit = await this.objects.writeCommit({ tree, message: JSON.stringify(work) });
    const [bad] = await this.durable.makeDurable(commit);
    if (bad !== undefined) throw new ObjectDamaged('object', bad);
    const ref = this.refOf(work.label);
    // In one step: a process killed between a removal and a creation would lose work that was paid for.
    await this.objects.setRef(ref, commit);
    await this.durable.refWritten(ref);
  }
}

/** Undefined for what cannot be read: the task is then built from its start. */
async function read(objects: GitObjects, commit: ObjectId): Promise<KeptWork | undefined> {
  const content = (await objects.read(commit)) ?? Buffer.alloc(0);
  const text = content.toString('utf8');
  const files = commitTree(content);
  try {
    const work = JSON.parse(text.slice(text.indexOf('\n\n') + 2)) as WaitingWork;
    return files !== undefined && typeof work.label === 'string' && Array.isArray(work.needs)
      ? { ...work, files }
      : undefined;
  } catch {
    return undefined;
  }
}
