/** The fake of an executor whose recipes read everything that they can see, and which notes on what gates were run. */

import { createHash } from 'node:crypto';
import type { Executor, ExecutorParts } from '../../execution/executor.js';
import { listTree } from '../../io/git/walk.js';
import type { EditPatch } from '../../model/action.js';
import type { GatesRun, TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { Entry } from '../../model/tree.js';
import { patchesOf } from '../../workspace/patches/own-patch.js';
import { extraFile, mainFile, patched, sharedFile } from './reading-project.js';

/** Runs nothing: a recipe is a digest of its command and of every file and variable that it could have read. */
export class ReadingExecutor implements Executor {
  /** Task and tree of every gate that was run. */
  readonly gated = new Set<string>();
  private readonly parts: ExecutorParts;
  private readonly env: () => Readonly<Record<string, string>>;

  constructor(parts: ExecutorParts, env: () => Readonly<Record<string, string>>, gated: Set<string>) {
    this.parts = parts;
    this.env = env;
    this.gated = gated;
  }

  async run(run: TaskRun): Promise<TaskOutcome> {
    const { objects, store } = this.parts;
    const [graph, id] = run.label.split('/') as [string, string];
    const shared = sharedFile(graph);
    const listing = await listTree(objects, run.inputTree);
    const hash = createHash('sha256');
    const command = run.recipe.kind === 'run' ? String(run.recipe.command) : 'agent';
    hash.update(command);
    if (run.recipe.kind === 'run') hash.update(JSON.stringify(this.env()));
    for (const path of listing.paths) {
      // A patch is put on whatever the file has become: what it says of the file itself is no part of a key.
      if (run.edits.includes(path)) continue;
      hash.update(`${path}\0${(listing.get(path) as Entry).id}\0`);
    }
    const all = hash.digest('hex');
    const shown = command.endsWith('coarse') ? `${Number.parseInt(all[0] as string, 16) % 2}` : all;
    const outputs = new Map<string, Entry>([
      [mainFile(graph, id), this.file(`${shown}\n`)],
      [extraFile(graph, id), this.file(`${all}\n`)],
    ]);
    const edits: EditPatch[] = [];
    if (run.edits.includes(shared)) {
      const before = listing.get(shared) as Entry;
      const text = (await objects.read(before.id))?.toString('utf8') ?? '';
      const after: Entry = {
        mode: '100644',
        id: await objects.writeBlob(Buffer.from(patched(text, id, shown))),
      };
      edits.push(...(await patchesOf(objects, run, [{ path: shared, before, after }])));
    }
    if (run.gates.length > 0) {
      const kept = new Map<string, Entry | undefined>(outputs);
      for (const { path, after } of edits) kept.set(path, after);
      this.gate(run.label, await objects.editTree(run.gateTree ?? run.inputTree, kept));
    }
    const { key, label, manifest, recipe } = run;
    const common = { attempts: 1, usage: {}, ms: 0 };
    const provenance = { schema: 1, label, key, manifest, recipe: recipe.kind, gates: [] } as const;
    const made = { ...common, startedAt: new Date(0).toISOString(), conductor: 'test' };
    const stored = await store.keep({ key, outputs, edits, provenance: { ...provenance, ...made } });
    if (!stored.ok) throw new Error(JSON.stringify(stored.error));
    return { ok: true, result: stored.value.commit, ...common };
  }

  /** The last tree of a task stands last. */
  private gate(label: string, tree: string): void {
    const word = `${label} ${tree}`;
    this.gated.delete(word);
    this.gated.add(word);
  }

  async runGates(run: GatesRun) {
    this.gate(run.task ?? '', run.tree);
    return { ok: true, runs: run.gates.map(({ name }) => ({ name, exitCode: 0, ms: 0 })), ms: 0 } as const;
  }

  async format(): Promise<never> {
    throw new Error('nothing is formatted here');
  }

  async askAgent(): Promise<never> {
    throw new Error('nobody is asked here');
  }

  async close(): Promise<void> {}

  private file(text: string): Entry {
    return { mode: '100644', id: this.parts.objects.hold(Buffer.from(text)) };
  }
}
