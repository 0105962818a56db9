/** Any coding agent that is a program: started in the workspace, its prompt piped in. Knows nothing of results. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { secretValues } from '../io/process/environment.js';
import { cleanEnvironment, type ProgramExit, runProgram } from '../io/process/process.js';
import type { SandboxPlan } from '../io/process/sandbox.js';
import type { Usage } from '../model/action.js';
import type { CommandAgentConfig } from '../model/config.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { Agent, AgentExit, AgentRequest } from './agent.js';
import { PRESETS, type Preset } from './presets.js';
import { plainReader } from './readers.js';
import { largerUsage, sameUsage, UsageFile } from './usage.js';

export interface CommandAgentHost {
  /** The variables that conductor was started with; the agent gets the harmless ones and those that it names. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent: no sandbox. The workspace, the agent's own state and its usage file are made writable. */
  readonly sandbox?: Omit<SandboxPlan, 'workspace' | 'network'>;
}

/**
 * An agent from the config's `agent`. Fails with `invalid-config` when there is neither a preset nor a command. With
 * both, the command replaces the preset's arguments and its output is read as that of the preset.
 */
export function createCommandAgent(
  config: CommandAgentConfig,
  host: CommandAgentHost,
): Result<Agent, Failure> {
  const preset = config.preset === undefined ? undefined : PRESETS[config.preset];
  const argv = config.command ?? preset?.argv;
  const program = argv?.[0];
  if (argv === undefined || program === undefined || program === '') {
    const message = 'agent: needs a `preset` or a `command` with at least the program';
    return err({ kind: 'invalid-config', diagnostics: [{ file: 'conductor.config.ts', message }] });
  }
  return ok({
    name: config.preset ?? program,
    identity: canonicalJson({
      driver: 'command',
      preset: config.preset,
      argv: config.command ?? [...argv, ...(preset?.lastArgs ?? [])],
    }),
    secrets: secretValues(host.env, config.env ?? []),
    reportsCost: config.reportsCost ?? preset?.reportsCost === true,
    run: (request) => runAgent(config, preset, host, request),
  });
}

/** The argument vector of one attempt, or the placeholder that nothing can be put in for. */
export function agentArguments(
  config: CommandAgentConfig,
  request: Pick<AgentRequest, 'promptFile' | 'model'>,
): Result<string[], string> {
  const model = request.model ?? config.model;
  const preset = config.preset === undefined ? undefined : PRESETS[config.preset];
  const parts = config.command ?? [
    ...(preset?.argv ?? []),
    ...(model === undefined ? [] : (preset?.modelArgs ?? [])),
    ...(preset?.lastArgs ?? []),
  ];
  if (model === undefined && parts.some((part) => part.includes('{model}'))) return err('{model}');
  const values: Record<string, string> = { '{promptFile}': request.promptFile, '{model}': model ?? '' };
  // One pass, so that a model's name with a placeholder in it stays a name.
  return ok(parts.map((part) => part.replace(/\{promptFile\}|\{model\}/g, (name) => values[name] ?? name)));
}

async function runAgent(
  config: CommandAgentConfig,
  preset: Preset | undefined,
  { env, sandbox }: CommandAgentHost,
  request: AgentRequest,
): Promise<AgentExit> {
  const argv = agentArguments(config, request);
  if (!argv.ok) {
    const detail = `the command uses ${argv.error} but neither the task nor the config names a model`;
    return { kind: 'failed', failure: { kind: 'agent-error', detail, output: { tail: '' } }, usage: {} };
  }
  const usageFolder = await mkdtemp(`${request.promptFile}.usage-`);
  const usageFile = join(usageFolder, 'usage.json');
  const meter = new Meter((usage) => request.onEvent({ kind: 'usage', usage }));
  const reported = new UsageFile(usageFile, (usage) => meter.file(usage));
  const read = (preset?.reader ?? plainReader)();
  let error: string | undefined;
  try {
    const names = config.env ?? [];
    const exit = await runProgram({
      command: argv.value,
      cwd: request.cwd,
      env: {
        ...cleanEnvironment(env, names),
        ...preset?.env,
        CONDUCTOR_TASK: request.label,
        CONDUCTOR_ATTEMPT: String(request.attempt),
        CONDUCTOR_PROMPT_FILE: request.promptFile,
        CONDUCTOR_USAGE_FILE: usageFile,
      },
      stdin: request.prompt,
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      logFile: request.logFile,
      secrets: secretValues(env, names),
      ...(sandbox === undefined
        ? {}
        : { sandbox: sandboxFor(sandbox, preset, env.HOME, request, usageFolder) }),
      onLine: (line) => {
        const reading = read(line);
        if (reading.error !== undefined) error = reading.error;
        if (reading.usage) meter.output(reading.usage);
        reported.read();
        if (reading.say !== undefined) request.onEvent({ kind: 'output', line: reading.say });
      },
    });
    reported.close();
    const failure = failureOf(exit, error, request);
    if (failure) return { kind: 'failed', failure, usage: meter.total };
    return { kind: 'finished', usage: meter.total };
  } finally {
    reported.close();
    await rm(usageFolder, { recursive: true, force: true });
  }
}

/**
 * What the sandbox shows an agent. The network stays open whatever the task says: the program talks to its model
 * through it, and its tools cannot be told apart from outside.
 */
function sandboxFor(
  sandbox: Omit<SandboxPlan, 'workspace' | 'network'>,
  preset: Preset | undefined,
  home: string | undefined,
  request: AgentRequest,
  usageFolder: string,
): SandboxPlan {
  const state = home === undefined ? [] : (preset?.state ?? []).map((place) => join(home, place));
  return {
    ...sandbox,
    workspace: request.cwd,
    network: true,
    readOnly: [...(sandbox.readOnly ?? []), request.promptFile],
    writable: [...(sandbox.writable ?? []), ...state, usageFolder],
  };
}

/** Joins what the output and the usage file say: both may tell of the same work, so the larger one counts. */
class Meter {
  total: Usage = {};
  private fromOutput: Usage = {};
  private fromFile: Usage = {};
  private readonly onChange: (usage: Usage) => void;

  constructor(onChange: (usage: Usage) => void) {
    this.onChange = onChange;
  }

  output(usage: Usage): void {
    this.fromOutput = largerUsage(this.fromOutput, usage);
    this.update();
  }

  file(usage: Usage): void {
    this.fromFile = largerUsage(this.fromFile, usage);
    this.update();
  }

  private update(): void {
    const total = largerUsage(this.fromOutput, this.fromFile);
    if (sameUsage(total, this.total)) return;
    this.total = total;
    this.onChange(total);
  }
}

function failureOf(exit: ProgramExit, error: string | undefined, request: AgentRequest): Failure | undefined {
  if (exit.kind === 'not-found') return { kind: 'agent-missing', program: exit.program };
  const output = { log: request.logFile, tail: exit.tail };
  switch (exit.kind) {
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'timed-out':
      return { kind: 'timed-out', what: 'the agent', minutes: request.timeoutMs / 60_000, output };
    case 'signalled':
      return { kind: 'agent-error', detail: `ended by ${exit.signal}`, output };
    case 'exited': {
      if (exit.code === 0 && error === undefined) return undefined;
      const detail = [exit.code === 0 ? undefined : `exit code ${exit.code}`, error]
        .filter(Boolean)
        .join(': ');
      return { kind: 'agent-error', detail, output };
    }
  }
}
