/** The fake of an agent for tests: does, step by step, what a test says. Starts no program and calls no model. */

import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ok, type Result } from '../base/result.js';
import type { Usage } from '../model/action.js';
import type { AgentReport } from '../model/agents/agent-report.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { type Agent, type AgentExit, type AgentRequest, lastWordsOf, type PriceQuestion } from './agent.js';
import { addUsage } from './usage.js';

/** Paths to texts; `null` removes the file. */
export type ScriptedFiles = Readonly<Record<string, string | null>>;

export interface ScriptedOptions {
  /** Answers every run at once: the files to write, or the failure to end with. Without it each run is held. */
  readonly auto?: (request: AgentRequest) => ScriptedFiles | Failure | Promise<ScriptedFiles | Failure>;
  /** Fails the test when a run is started at all. */
  readonly tripwire?: boolean;
  /** Reported by each run in automatic mode. */
  readonly usage?: Usage;
  /** Files that each run in automatic mode was seen to read. */
  readonly observed?: readonly string[];
  readonly identity?: string;
  readonly reportsCost?: boolean;
  /** Models without a price. */
  readonly unpriced?: readonly string[];
}

export interface RecordedRun {
  readonly label: Label;
  readonly attempt: number;
  readonly prompt: string;
  readonly model?: string;
  readonly variant?: string;
}

export class ScriptedAgent implements Agent {
  readonly name = 'scripted';
  readonly identity: string;
  readonly reportsCost: boolean;
  /** Every run that was started, in order. */
  readonly runs: RecordedRun[] = [];
  private readonly options: ScriptedOptions;
  private readonly started: ScriptedRun[] = [];
  private readonly waiting: { readonly label: Label | undefined; give(run: ScriptedRun): void }[] = [];

  constructor(options: ScriptedOptions = {}) {
    this.options = options;
    this.identity = options.identity ?? 'scripted';
    this.reportsCost = options.reportsCost ?? true;
  }

  async isPriced({ model }: PriceQuestion): Promise<Result<boolean, never>> {
    return ok(model === undefined || !this.options.unpriced?.includes(model));
  }

  /** The next run that no test has taken yet, of this label or of any: waits until it is started. */
  next(label?: Label): Promise<ScriptedRun> {
    const at = this.started.findIndex((run) => label === undefined || run.label === label);
    const [run] = at < 0 ? [] : this.started.splice(at, 1);
    if (run) return Promise.resolve(run);
    return new Promise((give) => this.waiting.push({ label, give }));
  }

  async run(request: AgentRequest): Promise<AgentExit> {
    const { label, attempt, prompt, model, variant } = request;
    if (this.options.tripwire)
      throw new Error(`the agent was called for ${label}, and nothing was to be done`);
    this.runs.push({
      label,
      attempt,
      prompt,
      ...(model === undefined ? {} : { model }),
      ...(variant === undefined ? {} : { variant }),
    });
    const run = new ScriptedRun(request);
    if (this.options.auto) {
      await answer(run, await this.options.auto(request), this.options);
      return run.exit;
    }
    const at = this.waiting.findIndex((one) => one.label === undefined || one.label === label);
    const [taker] = at < 0 ? [] : this.waiting.splice(at, 1);
    if (taker) taker.give(run);
    else this.started.push(run);
    return run.exit;
  }
}

async function answer(
  run: ScriptedRun,
  files: ScriptedFiles | Failure,
  { usage, observed }: ScriptedOptions,
): Promise<void> {
  if (usage) run.usage(usage);
  run.sawRead(...(observed ?? []));
  if (isFailure(files)) return run.fail(files);
  for (const [path, text] of Object.entries(files)) {
    if (text === null) await run.remove(path);
    else await run.write(path, text);
  }
  run.finish();
}

/** A file named `kind` would need a path with a folder to be told apart; tests have none. */
function isFailure(value: ScriptedFiles | Failure): value is Failure {
  return typeof value.kind === 'string';
}

/** One run, open until the test finishes it, fails it, or the request is aborted. */
export class ScriptedRun {
  readonly label: Label;
  readonly attempt: number;
  readonly prompt: string;
  readonly cwd: string;
  readonly request: AgentRequest;
  /** How it ended. A test that held it sees here that it was cancelled. */
  readonly exit: Promise<AgentExit>;
  private end: (exit: AgentExit) => void = () => {};
  private total: Usage = {};
  private readonly observed: string[] = [];
  private words: string | undefined;
  private stated: AgentReport | undefined;

  constructor(request: AgentRequest) {
    this.request = request;
    this.label = request.label;
    this.attempt = request.attempt;
    this.prompt = request.prompt;
    this.cwd = request.cwd;
    this.exit = new Promise((resolve) => {
      this.end = resolve;
    });
    if (request.signal.aborted) this.fail({ kind: 'cancelled' });
    else request.signal.addEventListener('abort', () => this.fail({ kind: 'cancelled' }), { once: true });
  }

  /** Writes below the workspace; nothing stops a path that leaves it, since tests want to see that refused. */
  async write(path: string, text: string | Uint8Array, mode?: number): Promise<void> {
    const file = join(this.cwd, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    if (mode !== undefined) await chmod(file, mode);
  }

  async link(path: string, target: string): Promise<void> {
    const file = join(this.cwd, path);
    await mkdir(dirname(file), { recursive: true });
    await symlink(target, file);
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.cwd, path), { recursive: true, force: true });
  }

  say(line: string): void {
    this.words = line;
    this.request.onEvent({ kind: 'output', line });
  }

  /** What it states in a form that can be read. */
  report(report: AgentReport): void {
    this.stated = report;
  }

  /** Adds to what the run has used and reports the total. */
  usage(used: Usage): void {
    this.total = addUsage(this.total, used);
    this.request.onEvent({ kind: 'usage', usage: this.total });
  }

  /** Tells of time without work, as of the start of a server. */
  waited(ms: number): void {
    this.request.onEvent({ kind: 'waited', ms });
  }

  /** Says which files it looked at, as a driver that sees them does. */
  sawRead(...paths: readonly string[]): void {
    this.observed.push(...paths);
  }

  finish(): void {
    const observed = this.observed.length === 0 ? {} : { observed: this.observed };
    this.end({ kind: 'finished', usage: this.total, ...observed, ...this.last() });
  }

  private last(): Pick<AgentExit, 'lastWords' | 'report'> {
    return { ...lastWordsOf(this.words), ...(this.stated === undefined ? {} : { report: this.stated }) };
  }

  fail(failure: Failure | string): void {
    const what: Failure =
      typeof failure === 'string'
        ? { kind: 'agent-error', detail: failure, output: { tail: failure } }
        : failure;
    this.end({ kind: 'failed', failure: what, usage: this.total, ...this.last() });
  }
}
