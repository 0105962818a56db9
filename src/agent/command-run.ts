/** One attempt of an agent that is a program: starts it in the workspace, watches it, and reads its output. */

import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { cleanEnvironment, type ProgramExit, redact, runProgram } from '../io/process/process.js';
import { type QuickRun, runQuickly } from '../io/process/runner-process.js';
import type { Usage } from '../model/action.js';
import type { Failure, KeptOutput } from '../model/failure.js';
import { type AgentExit, type AgentRequest, lastWordsOf } from './agent.js';
import { CommandMeter } from './command-meter.js';
import {
  attemptVariables,
  type CommandAgent,
  commandArguments,
  commandModel,
  commandProvider,
  programSandbox,
  SILENCE_MINUTES,
  TOOL_SILENCE_MINUTES,
  withProjectScripts,
  withState,
} from './command-start.js';
import { type CommandStop, CommandWatch } from './command-watch.js';
import { type LostWork, throughLosses } from './lost-work/lost-work.js';
import { type AttemptState, openAttemptState } from './presets/attempt-state.js';
import { type CodexThread, codexThread } from './presets/codex-thread.js';
import { plainReader, type Reading } from './presets/reading.js';
import { failureOfProblem, type ProviderProblem } from './provider-problem.js';
import { REACH } from './provider-reach.js';
import { takeReport } from './report-file.js';
import { addUsage, UsageFile } from './usage.js';

const RETRY_WAIT_MINUTES = 2;
const LOST = 'the process in which conductor runs programs was ended';
/** How long a program that can be asked to stop may take for it. */
const INTERRUPT_MS = 1500;

export async function runCommand(agent: CommandAgent, request: AgentRequest): Promise<AgentExit> {
  const { host, preset, reports } = agent;
  const parent = host.stateDir ?? dirname(request.promptFile);
  let usage: Usage = {};
  let workedMs = 0;
  let hasBegun = false;
  const start = async (): Promise<AgentExit | LostRun> => {
    const before = usage;
    const startedAt = performance.now();
    const part: AgentRequest = {
      ...request,
      timeoutMs: Math.max(1, request.timeoutMs - workedMs),
      onEvent(event) {
        if (event.kind === 'begun' && hasBegun) return;
        hasBegun ||= event.kind === 'begun';
        request.onEvent(event.kind === 'usage' ? { ...event, usage: addUsage(before, event.usage) } : event);
      },
    };
    const state = preset && (await openAttemptState(parent, preset, host.env));
    const reportFolder = await reports.take(request.promptFile);
    try {
      const exit = await new CommandRun(agent, part, {
        state,
        reportFolder,
        limitMs: request.timeoutMs,
      }).run();
      usage = addUsage(before, exit.usage);
      return { ...exit, usage };
    } finally {
      workedMs += performance.now() - startedAt;
      await state?.close();
      await reports.giveBack(reportFolder);
    }
  };
  const exit = await throughLosses(request, start, (line) => request.onEvent({ kind: 'output', line }));
  if (exit.kind === 'cancelled') return { kind: 'failed', failure: { kind: 'cancelled' }, usage };
  if (exit.kind !== 'lost') return exit;
  const output = { log: request.logFile, tail: '' };
  return { kind: 'failed', failure: { kind: 'agent-error', detail: exit.detail, output }, usage };
}

interface LostRun extends LostWork {
  readonly usage: Usage;
}

/** What one start of the program has, and how long all of them may work. */
interface CommandPlaces {
  /** Absent: nothing is known of its state. */
  readonly state: AttemptState | undefined;
  readonly reportFolder: string;
  readonly limitMs: number;
}

class CommandRun {
  private readonly agent: CommandAgent;
  private readonly request: AgentRequest;
  private readonly places: CommandPlaces;
  private readonly meter: CommandMeter;
  private readonly watch: CommandWatch;
  /** Ends the program, once it had the time to stop by itself. */
  private readonly end = new AbortController();
  private stopped: CommandStop | undefined;
  private error: ProviderProblem | undefined;
  private words: string | undefined;
  private thread: CodexThread | undefined;

  constructor(agent: CommandAgent, request: AgentRequest, places: CommandPlaces) {
    this.agent = agent;
    this.request = request;
    this.places = places;
    this.meter = new CommandMeter((usage) => request.onEvent({ kind: 'usage', usage }));
    const { limits } = agent.config;
    const silence = limits?.silenceMinutes ?? (agent.preset ? SILENCE_MINUTES : undefined);
    this.watch = new CommandWatch(
      {
        silenceMs: silence === undefined ? undefined : silence * 60_000,
        toolSilenceMs: (limits?.toolSilenceMinutes ?? TOOL_SILENCE_MINUTES) * 60_000,
        retryWaitMs: (limits?.retryWaitMinutes ?? RETRY_WAIT_MINUTES) * 60_000,
      },
      (why) => {
        this.stopped ??= why;
        this.stop();
      },
    );
  }

  async run(): Promise<AgentExit | LostRun> {
    const { agent, request, meter } = this;
    const { state, reportFolder } = this.places;
    const { config, preset, host, secrets } = agent;
    const start = {
      state: state?.folder,
      promptFile: request.promptFile,
      model: commandModel(config, request),
      variant: request.variant,
      isSandboxed: host.sandbox !== undefined,
    };
    const argv = commandArguments(config, start);
    if (!argv.ok) {
      const detail = `the command uses ${argv.error} but neither the task nor the config names a model`;
      return { kind: 'failed', failure: { kind: 'agent-error', detail, output: { tail: '' } }, usage: {} };
    }
    const from = { workspace: request.cwd, project: host.project };
    const { argv: command, shown } = await withProjectScripts(argv.value, from);
    const usageFile = join(reportFolder, 'usage.json');
    const reportFile = join(reportFolder, 'needs.json');
    const reported = new UsageFile(usageFile, (usage) => meter.file(usage));
    const reads =
      preset?.converses && config.command === undefined ? undefined : (preset?.reader ?? plainReader)();
    const onAbort = (): void => this.stop();
    request.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const run: QuickRun = {
        command,
        cwd: request.cwd,
        env: {
          ...cleanEnvironment(host.env, [...(preset === undefined ? [] : REACH), ...(config.env ?? [])]),
          ...preset?.environment?.(withState(start)),
          ...request.variables,
          ...attemptVariables(request, reportFile),
          CONDUCTOR_PROMPT_FILE: request.promptFile,
          CONDUCTOR_USAGE_FILE: usageFile,
        },
        timeoutMs: request.timeoutMs,
        signal: request.signal.aborted ? request.signal : this.end.signal,
        logFile: request.logFile,
        secrets,
        ...(host.sandbox === undefined
          ? {}
          : {
              sandbox: programSandbox(host.sandbox, request, {
                home: host.env.HOME,
                state: config.state,
                readOnly: [request.promptFile, ...shown],
                // Its login, its own state.
                writable: [...(state ? [...state.credentials, state.folder] : []), reportFolder],
              }),
            }),
        onStart: () => request.onEvent({ kind: 'begun' }),
        ...(preset?.skips === undefined ? {} : { skipped: preset.skips }),
        onSkipped: () => this.watch.heard(),
        onRawLine: (line, stream) => {
          this.watch.heard();
          const read = reads ?? this.thread?.read;
          if (read) this.take(read(line, stream));
          reported.read();
        },
      };
      const exit = await (reads === undefined
        ? runProgram({ ...run, onInput: (input) => this.converse(input, start) })
        : runQuickly({ ...run, stdin: request.prompt }));
      reported.close();
      // Nothing is heard of a program in a process that is stopped: such a silence is not its own.
      const isLost = (exit.kind === 'signalled' || exit.kind === 'cancelled') && exit.isLost;
      if (isLost && !request.signal.aborted) return { kind: 'lost', detail: LOST, usage: meter.total };
      const failure = this.failureOf(exit);
      const words = lastWordsOf(this.words === undefined ? undefined : redact(this.words, secrets));
      const last = { ...words, ...(await takeReport(reportFile, request, secrets)) };
      if (failure) return { kind: 'failed', failure, usage: meter.total, ...last };
      return { kind: 'finished', usage: meter.total, ...last };
    } finally {
      request.signal.removeEventListener('abort', onAbort);
      this.watch.close();
      reported.close();
    }
  }

  private take(reading: Reading): void {
    const { error, retry, usage, say, words } = reading;
    if (error !== undefined) this.error = error === 'none' ? undefined : error;
    this.watch.tools(reading);
    if (usage) this.meter.output(usage);
    if (retry) this.watch.retries(retry);
    else if (words !== undefined || error === 'none') this.watch.answered();
    if (words !== undefined) this.words = this.agent.preset ? words : joined(this.words, words);
    if (say !== undefined) {
      this.request.onEvent({ kind: 'output', line: redact(say, this.agent.secrets) });
    }
  }

  private converse(input: NodeJS.WritableStream, start: { readonly isSandboxed: boolean }): void {
    const { agent, request } = this;
    this.thread = codexThread({
      cwd: request.cwd,
      prompt: request.prompt,
      model: commandModel(agent.config, request),
      effort: request.variant,
      version: agent.host.version ?? '0',
      sandbox: start.isSandboxed ? 'danger-full-access' : 'workspace-write',
      send: (message) => input.write(`${JSON.stringify(message)}\n`),
      end: () => input.end(),
    });
    this.thread.begin();
  }

  /** A program that can be asked to stop ends the commands that it runs; the others are ended with their group. */
  private stop(): void {
    if (this.thread === undefined || this.thread.isOver) {
      this.end.abort();
      return;
    }
    this.thread.interrupt();
    setTimeout(() => this.end.abort(), INTERRUPT_MS).unref();
  }

  private failureOf(exit: ProgramExit): Failure | undefined {
    const { request, stopped } = this;
    if (exit.kind === 'not-found') return { kind: 'agent-missing', program: exit.program };
    const output = { log: request.logFile, tail: exit.tail };
    if (request.signal.aborted) return { kind: 'cancelled' };
    if (stopped?.kind === 'problem') return this.problem(stopped.problem, output);
    // Nothing heard while it asks its provider again and again: that is the provider's silence.
    const { lastProblem } = this.watch;
    if (stopped || exit.kind === 'timed-out') {
      if (lastProblem) return this.problem(lastProblem, output);
      return stopped
        ? { kind: 'stalled', minutes: stopped.minutes, output }
        : { kind: 'timed-out', what: 'the agent', minutes: this.places.limitMs / 60_000, output };
    }
    if (exit.kind === 'cancelled') return { kind: 'cancelled' };
    if (exit.kind === 'signalled') return { kind: 'agent-error', detail: `ended by ${exit.signal}`, output };
    if (this.error) {
      const code = exit.code === 0 ? '' : `exit code ${exit.code}: `;
      const failure = this.problem(this.error, output);
      return failure.kind === 'agent-error' ? { ...failure, detail: `${code}${failure.detail}` } : failure;
    }
    if (this.thread && !this.thread.isOver) {
      return {
        kind: 'agent-error',
        detail: `it ended with exit code ${exit.code} before its turn did`,
        output,
      };
    }
    if (exit.code === 0) return undefined;
    return this.failureOfExit(exit.code, output);
  }

  /** Without an error of its own the last lines say what was wrong, the provider's words among them. */
  private failureOfExit(code: number, output: KeptOutput): Failure {
    const problem = this.agent.preset ? this.problem({ text: lastLine(output.tail) }, output) : undefined;
    return problem && problem.kind !== 'agent-error'
      ? problem
      : { kind: 'agent-error', detail: `exit code ${code}`, output };
  }

  private problem(problem: ProviderProblem, output: KeptOutput): Failure {
    const { config, secrets } = this.agent;
    const text = redact(problem.text, secrets);
    return failureOfProblem({ ...problem, text }, commandProvider(config, this.request), output);
  }
}

function lastLine(tail: string): string {
  return tail.trimEnd().split('\n').at(-1) ?? '';
}

/** A program that conductor does not know: its last lines are its last words. */
function joined(before: string | undefined, line: string): string {
  return `${before === undefined ? '' : `${before.slice(-8192)}\n`}${line}`;
}
