/**
 * The fake of an executor for tests: every run returns at once what a test says. Starts no program and opens no
 * workspace.
 */

import { evidence } from '../agent/prompts/evidence.js';
import type { ScriptedFiles } from '../agent/scripted-agent.js';
import { ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type {
  DocumentOutcome,
  DocumentRun,
  FormatOutcome,
  FormatRun,
  GatesOutcome,
  GatesRun,
  TaskOutcome,
  TaskRun,
} from '../model/task-run.js';
import type { Entry } from '../model/tree.js';
import type { Executor, ExecutorParts } from './executor.js';

export interface ExecutorScript {
  /** The outputs of a stale task by path, or why it fails. */
  task?(run: TaskRun): ScriptedFiles | Failure;
  /** Why gates fail; undefined: they pass. Absent: all pass. */
  gates?(run: GatesRun): Failure | undefined;
  /** The text of a document, or why the session fails. */
  document?(run: DocumentRun): string | Failure;
}

export class ScriptedExecutor implements Executor {
  /** Everything that was run, in order. */
  readonly runs: (TaskRun | GatesRun | FormatRun | DocumentRun)[] = [];
  private readonly script: ExecutorScript;
  private parts: ExecutorParts | undefined;

  constructor(script: ExecutorScript) {
    this.script = script;
  }

  /** For `createExecutor` of a host. */
  async open(parts: ExecutorParts): Promise<Result<Executor, Failure>> {
    this.parts = parts;
    return ok(this);
  }

  async run(run: TaskRun): Promise<TaskOutcome> {
    this.runs.push(run);
    const done = this.script.task?.(run);
    if (done === undefined) throw new Error(`no test has an answer for ${run.label}`);
    const common = { attempts: 1, usage: {}, ms: 0 };
    if (isFailure(done)) return { ok: false, failure: done, evidence: [evidence(1, done)], ...common };
    const outputs = new Map<string, Entry>();
    for (const [path, text] of Object.entries(done)) {
      if (text !== null) outputs.set(path, { mode: '100644', id: await this.blob(text) });
    }
    const { label, key, manifest, recipe } = run;
    const provenance = { schema: 1, label, key, manifest, recipe: recipe.kind, gates: [] } as const;
    const made = { ...common, startedAt: new Date(0).toISOString(), conductor: 'scripted' };
    const kept = await this.opened.store.keep({
      key,
      outputs,
      edits: [],
      provenance: { ...provenance, ...made },
    });
    if (!kept.ok) return { ok: false, failure: kept.error, evidence: [], ...common };
    return { ok: true, result: kept.value.commit, ...common };
  }

  async runGates(run: GatesRun): Promise<GatesOutcome> {
    this.runs.push(run);
    const failure = this.script.gates?.(run);
    if (failure) return { ok: false, failure, runs: [], ms: 0 };
    return { ok: true, runs: run.gates.map(({ name }) => ({ name, exitCode: 0, ms: 0 })), ms: 0 };
  }

  /** Changes nothing. */
  async format(run: FormatRun): Promise<FormatOutcome> {
    this.runs.push(run);
    return { ok: true, files: run.files };
  }

  async askAgent(run: DocumentRun): Promise<DocumentOutcome> {
    this.runs.push(run);
    const done = this.script.document?.(run);
    if (done === undefined) throw new Error(`no test has an answer for ${run.label}`);
    if (typeof done !== 'string') return { ok: false, failure: done, usage: {} };
    return { ok: true, document: await this.blob(done), usage: {} };
  }

  async close(): Promise<void> {}

  private get opened(): ExecutorParts {
    if (!this.parts) throw new Error('the executor was not opened');
    return this.parts;
  }

  private blob(text: string): Promise<string> {
    return this.opened.objects.writeBlob(Buffer.from(text));
  }
}

/** A file named `kind` would need a path with a folder to be told apart; tests have none. */
function isFailure(value: ScriptedFiles | Failure): value is Failure {
  return typeof value.kind === 'string';
}
