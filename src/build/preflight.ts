/**
 * Before the first call that costs money, runs the gates of the tasks that are about to be built on the files from which
 * their agents start: a gate that cannot start stops the build there. Builds nothing.
 */

import { settingsFor } from '../analysis/command-settings.js';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { buildInputTree } from '../analysis/input-tree.js';
import type { Check } from '../analysis/verdict.js';
import { gatesOf } from '../analysis/visible-files.js';
import { mapBounded } from '../base/bounded.js';
import { ok } from '../base/result.js';
import { canonicalJson, type Digest, digestFields } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { cannotStart, type ToCome } from '../model/output/cannot-start.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { GateSpec, Label, Task } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import { type PreflightOutcome, readPreflight, writePreflight } from '../project/clone-records.js';
import { lockedTask } from '../project/project.js';
import { firstProgram } from '../specs/programs.js';
import { inspectTasks } from './dry-run.js';
import type { BuildOptions } from './options.js';
import { onWorker, type VerifyParts } from './verify.js';

export interface PreflightParts extends Omit<VerifyParts, 'sessionState' | 'now'> {
  readonly options: Pick<BuildOptions, 'keepEdits'>;
}

/** A gate that waits for work need not be waited for as long as one that judges it. */
const MAX_MINUTES = 2;
/** Of a shell, for a program. */
const NOT_FOUND = 127;
const LOOK_UP = `command -v -- "$1" > /dev/null || exit ${NOT_FOUND}`;

/** A gate of one task, with the tree on which it is tried. */
interface Trial {
  readonly task: Task;
  readonly gate: GateSpec;
  readonly tree: ObjectId;
  /** What its outcome is remembered by. Absent: it is not. */
  readonly key?: Digest;
  /** Of a task that waits for another one: only whether this program is there can be known. */
  readonly program?: string;
}

interface Trials {
  /** Each gate once, with the first task that has it: by its command. */
  readonly gates: ReadonlyMap<string, Trial>;
  /** For tasks that wait for others: programs of their gates. */
  readonly programs: ReadonlyMap<string, Trial>;
  /** Tasks that were never built, with the commands of all their gates and the tree from which their agents start. */
  readonly first: ReadonlyMap<Task, { readonly commands: readonly string[]; readonly tree: ObjectId }>;
}

interface Findings {
  /** By task: the gate that cannot start. */
  readonly stopped: ReadonlyMap<Label, Failure>;
  /** Told for tasks that are not reached. */
  readonly first: { readonly task: Label; readonly failure: Failure } | undefined;
}

export class Preflight {
  private readonly parts: PreflightParts;
  private tried: Promise<Findings> | undefined;
  private isDone = false;
  private logs = 0;

  constructor(parts: PreflightParts) {
    this.parts = parts;
  }

  /** Why no agent may be asked for the task; undefined: the gates of all tasks that are about to be built can start. */
  async problem({ task }: Check): Promise<Failure | undefined> {
    const { prepared, caller } = this.parts;
    if (!prepared.project.config.preflight) return undefined;
    this.tried ??= this.tryGates().finally(() => {
      this.isDone = true;
    });
    if (!this.isDone) {
      const one = { task: task.label, attempt: 1 } as const;
      caller.emit({ type: 'task.started', ...one, recipe: 'gates' });
      caller.emit({ type: 'task.phase', ...one, phase: 'preflight' });
    }
    const { stopped, first } = await this.tried;
    if (caller.signal.aborted) return { kind: 'cancelled' };
    const own = stopped.get(task.label);
    return own ?? (first && { kind: 'preflight-failed', ...first });
  }

  private async tryGates(): Promise<Findings> {
    const { prepared, caller } = this.parts;
    const { state } = prepared.project.repository;
    const { gates, programs, first } = await this.trials();
    const known = await readPreflight(state);
    const remembered: Record<Digest, PreflightOutcome> = {};
    const stopped = new Map<Label, Failure>();
    const reached = new Set<Label>();
    /** By command: the tree on which it passes. */
    const passing = new Map<string, ObjectId>();
    await mapBounded([...gates, ...programs], async ([command, trial]) => {
      const { task, key, program, tree } = trial;
      const outcome = (key === undefined ? undefined : known[key]) ?? (await this.outcomeOf(trial));
      if (typeof outcome === 'object') {
        if (!stopped.has(task.label)) stopped.set(task.label, outcome);
        if (program === undefined) reached.add(task.label);
        return;
      }
      if (outcome === undefined || key === undefined) return;
      remembered[key] = outcome;
      if (outcome === 'passes') passing.set(command, tree);
    });
    for (const [task, { commands, tree }] of first)
      if (commands.every((command) => passing.get(command) === tree)) this.warnOfPassing(task);
    if (Object.keys(remembered).length > 0) await writePreflight(state, { ...known, ...remembered });
    const [found] = [...stopped].map(([task, failure]) => ({ task, failure }));
    // A task that waits for another one will not be reached, so the build tells of it.
    if (found && reached.size === 0)
      caller.emit({ type: 'build.failure', failure: { kind: 'preflight-failed', ...found } });
    return { stopped, first: found };
  }

  private warnOfPassing({ label, verify }: Task): void {
    const [gate] = verify;
    const message =
      gate && verify.length === 1
        ? `gate "${gate.name}" passes before the work: it cannot judge it`
        : 'all its gates pass before the work: they cannot judge it';
    this.parts.caller.emit({ type: 'warning', task: label, message });
  }

  private async trials(): Promise<Trials> {
    const { prepared, options } = this.parts;
    const { project, selected } = prepared;
    const gates = new Map<string, Trial>();
    const programs = new Map<string, Trial>();
    const first = new Map<Task, { commands: readonly string[]; tree: ObjectId }>();
    const hasGate = (label: Label) => gatesOf(project, project.graph.task(label)).length > 0;
    // To look at all tasks takes time in which every agent waits.
    if (![...selected].some(hasGate)) return { gates, programs, first };
    const rows = await inspectTasks(prepared);
    if (!rows.ok) return { gates, programs, first };
    const known = new Map<Label, DependencyOutputs>();
    const settings = settingsFor(prepared.settings, () => true).flatMap(({ name, value }) => [name, value]);
    for (const { task, verdict, check } of rows.value) {
      if (check?.dependencyOutputs) known.set(task.label, check.dependencyOutputs);
      if (task.recipe.kind !== 'agent') continue;
      const isStale = verdict.kind === 'stale' && !verdict.reverify;
      const isMerged = verdict.kind === 'drifted' && verdict.stale !== undefined && options.keepEdits;
      const isSure = verdict.kind === 'pending' && !verdict.reverify && (verdict.reasons ?? []).length > 0;
      if (!isStale && !isMerged && !isSure) continue;
      if (!check) {
        for (const gate of gatesOf(project, task)) {
          const program = firstProgram(gate.command);
          const trial = { task, gate, tree: project.handWrittenTree };
          if (program !== undefined) programs.set(`program ${program}`, { ...trial, program });
        }
        continue;
      }
      const tree = await this.startTree(check, known);
      if (tree === undefined) continue;
      const isBuilt =
        lockedTask(project, task) !== undefined || (project.owned.get(task.label)?.size ?? 0) > 0;
      const commands = check.gates.map((gate) => canonicalJson([gate.command, task.network]));
      // The gates of the project pass before on purpose, and a gate may pass for what was built before.
      if (!isBuilt && task.verify.length > 0) first.set(task, { commands, tree });
      // What the task writes decides whether a gate that misses a file fails as it should.
      const written = canonicalJson([task.outputs, task.edits]);
      for (const [at, gate] of check.gates.entries()) {
        const command = commands[at] as string;
        if (gates.has(command)) continue;
        const key = digestFields('conductor.preflight.2', [command, tree, written, ...settings]);
        gates.set(command, { task, gate, tree, key });
      }
    }
    return { gates, programs, first };
  }

  /** What the task's gates would see if its agent wrote nothing. */
  private async startTree(
    check: Check,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<ObjectId | undefined> {
    const { project } = this.parts.prepared;
    const input = await buildInputTree(project, check, dependencyOutputs);
    if (!input.ok) return undefined;
    const { tree, gates, evolves } = input.value;
    if (gates === undefined || !evolves) return gates ?? tree;
    return project.objects.editTree(gates, project.owned.get(check.task.label) ?? new Map());
  }

  /** Undefined: nothing is known. */
  private async outcomeOf({
    task,
    gate,
    tree,
    program,
  }: Trial): Promise<PreflightOutcome | Failure | undefined> {
    const { prepared, executor, computing, priority, caller } = this.parts;
    const { project } = prepared;
    const minutes = Math.min(gate.timeoutMinutes ?? project.config.timeouts.gate, MAX_MINUTES);
    const run = {
      task: task.label,
      tree,
      gates: [
        {
          ...gate,
          ...(program === undefined ? {} : { command: ['/bin/sh', '-c', LOOK_UP, 'sh', program] }),
          timeoutMinutes: minutes,
        },
      ],
      network: task.network,
      attempt: ++this.logs,
      isPreflight: true,
    } as const;
    const { signal } = caller;
    const rank = priority(task.label);
    const ran = await onWorker(computing, rank, signal, async () =>
      ok(await executor.runGates(run, { signal, emit: () => {}, priority: rank })),
    );
    if (!ran.ok) return undefined;
    if (ran.value.ok) return 'passes';
    const { failure } = ran.value;
    // Set-up or the disk: the task would fail likewise, before its agent is asked.
    if (!/^gate-/.test(failure.kind)) return undefined;
    if (program === undefined) return brokenGate(task, failure) ?? 'fails';
    const isMissing = failure.kind === 'gate-failed' && failure.exitCode === NOT_FOUND;
    return isMissing ? { kind: 'gate-missing-program', gate: gate.name, program } : 'fails';
  }
}

/** The failure of a gate that no work on the task could make pass; undefined if it fails as it should. */
export function brokenGate(task: Task, failure: Failure): Failure | undefined {
  const toCome = writtenBy(task);
  if (failure.kind === 'gate-missing-program') return toCome.path(failure.program) ? undefined : failure;
  if (failure.kind !== 'gate-failed') return undefined;
  const { gate, exitCode, output } = failure;
  const found = cannotStart(exitCode, output.tail, toCome);
  if (!found) return undefined;
  const { shown, ...told } = found;
  return { kind: 'gate-cannot-start', gate, exitCode, ...told, output: { ...output, tail: shown } };
}

/** Files that the task may write, by their path in the project or in the workspace. */
function writtenBy({ outputs, edits }: Task): ToCome {
  const all = [...outputs, ...edits];
  const set = patternSet(all);
  const includes = set.includes.map(({ text }) => text);
  const isWritten = (path: string) =>
    set.matches(path) || includes.some((text) => text.startsWith(path.endsWith('/') ? path : `${path}/`));
  return {
    path(named) {
      const plain = named.replace(/^\.\//, '');
      // Of a glob, the folder in which it looks.
      const fixed = plain.replace(/(?:^|\/)[^/]*[*?[{].*$/, '');
      const parts = fixed.split('/');
      return fixed === '' || parts.some((_, at) => isWritten(parts.slice(at).join('/')));
    },
    ending: (pattern) => includes.some((text) => pattern.test(text) || text.endsWith('*')),
  };
}

/** The build was stopped, or no agent is asked in it. */
export function isNotTried({ kind }: Failure): boolean {
  return kind === 'cancelled' || kind === 'preflight-failed' || kind === 'waits-for-ci';
}
