/** The driver `acp`: any agent that speaks the Agent Client Protocol, started once for each attempt. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { secretValues } from '../../io/process/environment.js';
import { cleanEnvironment, type ProgramExit, redact, runProgram } from '../../io/process/process.js';
import type { AcpAgentConfig } from '../../model/config.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { type Agent, type AgentExit, type AgentRequest, lastWordsOf } from '../agent.js';
import {
  attemptVariables,
  type CommandAgentHost,
  commandProvider,
  programSandbox,
  SILENCE_MINUTES,
  TOOL_SILENCE_MINUTES,
  withProjectScripts,
} from '../command-start.js';
import { type CommandStop, CommandWatch } from '../command-watch.js';
import { DefinitionTexts } from '../prompts/definition-texts.js';
import type { AgentDefinition } from '../prompts/definitions.js';
import { failureOfProblem } from '../provider-problem.js';
import { REACH } from '../provider-reach.js';
import { Refusals } from '../refusals.js';
import { takeReport } from '../report-file.js';
import { type AcpConnection, connect } from './connection.js';
import { AcpSession, type TurnProblem } from './session.js';

const REPORT = 'needs.json';
/** How long an agent may take to end its turn, and its process to end, once it was asked to. */
const END_MS = 2000;

export class AcpAgentDriver implements Agent {
  readonly name: string;
  readonly identity: string;
  readonly secrets: readonly string[];
  readonly reportsBy = 'file';
  /** The protocol knows costs, but few agents tell them: no limit in money can be held. */
  readonly reportsCost = false;
  readonly definitionsAreText = true;
  private readonly config: AcpAgentConfig;
  private readonly host: CommandAgentHost;
  private readonly definitions = new DefinitionTexts();
  private readonly refusals = new Refusals();

  constructor(config: AcpAgentConfig, host: CommandAgentHost) {
    const { command, mode } = config;
    this.config = config;
    this.host = host;
    this.name = command[0]?.split('/').at(-1) ?? 'acp';
    this.identity = canonicalJson({ driver: 'acp', argv: command, ...(mode === undefined ? {} : { mode }) });
    this.secrets = secretValues(host.env, config.env ?? []);
  }

  useDefinitions(all: ReadonlyMap<string, AgentDefinition>): void {
    this.definitions.use(all);
  }

  withDefinition(name: string | undefined, prompt: string): string {
    return this.definitions.above(name, prompt);
  }

  run(request: AgentRequest): Promise<AgentExit> {
    return this.refusals.unlessRefused(commandProvider(this.config, request), () => this.attempt(request));
  }

  private async attempt(request: AgentRequest): Promise<AgentExit> {
    const folder = await mkdtemp(`${request.promptFile}.report-`);
    try {
      const exit = await new Turn(this.config, this.host, this.secrets, { ...request, folder }).run();
      return { ...exit, ...(await takeReport(join(folder, REPORT), request, this.secrets)) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** A request with the folder that its report goes to. */
interface TurnRequest extends AgentRequest {
  readonly folder: string;
}

class Turn {
  private readonly config: AcpAgentConfig;
  private readonly host: CommandAgentHost;
  private readonly secrets: readonly string[];
  private readonly request: TurnRequest;
  private readonly session: AcpSession;
  private readonly watch: CommandWatch;
  /** Ends the program. */
  private readonly end = new AbortController();
  private connection: AcpConnection | undefined;
  private ended: Result<undefined, TurnProblem> | undefined;
  private stopped: CommandStop | undefined;

  constructor(
    config: AcpAgentConfig,
    host: CommandAgentHost,
    secrets: readonly string[],
    request: TurnRequest,
  ) {
    this.config = config;
    this.host = host;
    this.secrets = secrets;
    const onEvent: AgentRequest['onEvent'] = (event) =>
      request.onEvent(event.kind === 'output' ? { ...event, line: redact(event.line, secrets) } : event);
    this.request = { ...request, onEvent };
    const version = host.version ?? '0';
    this.session = new AcpSession(config, this.request, { version, isSandboxed: host.sandbox !== undefined });
    const silence = config.limits?.silenceMinutes ?? SILENCE_MINUTES;
    const toolSilence = config.limits?.toolSilenceMinutes ?? TOOL_SILENCE_MINUTES;
    this.watch = new CommandWatch(
      { silenceMs: silence * 60_000, toolSilenceMs: toolSilence * 60_000, retryWaitMs: 0 },
      (why) => {
        this.stopped = why;
        this.stop();
      },
    );
    this.session.onTools = (tools) => this.watch.tools(tools);
  }

  async run(): Promise<AgentExit> {
    const { request, config, host, secrets, session } = this;
    const from = { workspace: request.cwd, project: host.project };
    const { argv: command, shown } = await withProjectScripts(config.command, from);
    const onAbort = (): void => this.stop();
    request.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const exit = await runProgram({
        command,
        cwd: request.cwd,
        env: {
          ...cleanEnvironment(host.env, [...REACH, ...(config.env ?? [])]),
          ...request.variables,
          ...attemptVariables(request, join(request.folder, REPORT)),
        },
        onInput: (input) => void this.converse(input),
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
                readOnly: shown,
                writable: [request.folder],
              }),
            }),
        onRawLine: (line, stream, isEnd) => {
          this.watch.heard();
          if (stream === 'stdout') this.connection?.line(line, isEnd);
        },
      });
      this.connection?.close();
      const failure = this.failureOf(exit);
      const words = lastWordsOf(redact(session.lastWords, secrets));
      const { usage } = session;
      if (failure) return { kind: 'failed', failure, usage, ...words };
      return { kind: 'finished', usage, observed: session.observed, ...words };
    } finally {
      request.signal.removeEventListener('abort', onAbort);
      this.watch.close();
    }
  }

  private async converse(input: NodeJS.WritableStream): Promise<void> {
    this.connection = connect(this.session, (line) => input.write(line));
    const ended = await this.session.run(this.connection.agent);
    this.ended ??= ended;
    input.end();
    setTimeout(() => this.end.abort(), END_MS).unref();
  }

  /** An agent that is asked to stop ends the commands that it runs. */
  private stop(): void {
    if (this.connection && !this.ended) void this.session.cancel(this.connection.agent);
    setTimeout(() => this.end.abort(), this.ended ? 0 : END_MS).unref();
  }

  private failureOf(exit: ProgramExit): Failure | undefined {
    const { request, stopped, ended } = this;
    if (exit.kind === 'not-found') return { kind: 'agent-missing', program: exit.program };
    const output = { log: request.logFile, tail: exit.tail };
    if (request.signal.aborted) return { kind: 'cancelled' };
    if (stopped?.kind === 'stalled') return { kind: 'stalled', minutes: stopped.minutes, output };
    if (exit.kind === 'timed-out') {
      return { kind: 'timed-out', what: 'the agent', minutes: request.timeoutMs / 60_000, output };
    }
    if (ended?.ok) return undefined;
    const text = redact(ended?.error.text ?? unfinished(exit), this.secrets);
    return failureOfProblem({ text }, commandProvider(this.config, request), output);
  }
}

/** Why a turn has no end. */
function unfinished(exit: ProgramExit): string {
  if (exit.kind === 'exited') return `it ended with exit code ${exit.code} before its turn did`;
  return exit.kind === 'signalled' ? `ended by ${exit.signal}` : 'its turn did not end';
}

/** Fails with `invalid-config` where no program is named. */
export function createAcpAgent(config: AcpAgentConfig, host: CommandAgentHost): Result<Agent, Failure> {
  if (config.command[0]) return ok(new AcpAgentDriver(config, host));
  const message = 'agent: the driver `acp` needs a `command` with at least the program';
  return err({ kind: 'invalid-config', diagnostics: [{ file: 'conductor.config.ts', message }] });
}
