/** Runs people's commands (gates, `run` recipes, setup) in a workspace: environment, sandbox, log. Judges nothing. */

import { join } from 'node:path';
import { type Environment, REACH, secretValues } from '../io/process/environment.js';
import { cleanEnvironment, type ProgramExit } from '../io/process/process.js';
import { runQuickly } from '../io/process/runner-process.js';
import { type SandboxPlaces, type SandboxPlan, secretPlaces } from '../io/process/sandbox/sandbox.js';
import type { Config } from '../model/config.js';
import type { KeptOutput } from '../model/failure.js';
import { decisiveOutput } from '../model/output/decisive-output.js';
import type { SourceLine } from '../model/output/failure-blocks.js';
import type { Command } from '../model/task.js';
import { isOutside } from '../workspace/tools/outside-links.js';
import { isPackageFolder } from '../workspace/tools/package-folder.js';

/** Bytes of output in which the cause of a failure is looked for. */
const MAX_OUTPUT = 512 * 1024;

export interface CommandRun {
  readonly command: Command;
  readonly dir: string;
  readonly minutes: number;
  readonly network: boolean;
  /** Absolute path of the log file. */
  readonly log: string;
  readonly signal?: AbortSignal;
  readonly sandboxed: boolean;
  /** What the sandbox shows of the project, as the workspace says. */
  readonly places: SandboxPlaces;
  readonly extraEnv?: Readonly<Record<string, string>>;
  /** Called for some of the lines only, if there are many. */
  onLine?(line: string): void;
  /** Puts the folder back to what it was before the command, so that one that is lost by no fault of its own is run again. */
  reset?(): Promise<void>;
}

export class CommandEnvironment {
  private readonly config: Config;
  private readonly env: Environment;
  private readonly sandbox: () => Promise<string | undefined>;
  /** Values of variables that the config passes on: never in a log. */
  private readonly secrets: readonly string[];

  /** `sandbox` finds the program of the sandbox, undefined where there is none. A command in the sandbox waits for it. */
  constructor(config: Config, env: Environment, sandbox: () => Promise<string | undefined>) {
    this.config = config;
    this.env = env;
    this.sandbox = sandbox;
    // A proxy's address may hold a password.
    this.secrets = secretValues(env, [...config.env, ...REACH]);
  }

  async run(run: CommandRun): Promise<ProgramExit> {
    const { onLine, reset } = run;
    const sandbox = run.sandboxed ? await this.sandbox() : undefined;
    return runQuickly({
      command: run.command,
      cwd: run.dir,
      env: { ...cleanEnvironment(this.env, this.config.env), CI: '1', ...run.extraEnv },
      pathInFront: programFolders(this.config, run.dir),
      timeoutMs: run.minutes * 60_000,
      ...(run.signal ? { signal: run.signal } : {}),
      logFile: run.log,
      secrets: this.secrets,
      maxTailBytes: MAX_OUTPUT,
      ...(reset ? { reset } : {}),
      ...(onLine ? { onLine: (line: string) => onLine(line) } : {}),
      ...(sandbox === undefined ? {} : { sandbox: this.plan(sandbox, run) }),
    });
  }

  private plan(program: string, run: CommandRun): SandboxPlan {
    const home = this.env.HOME;
    return {
      program,
      workspace: run.dir,
      network: run.network,
      ...run.places,
      hide: [...(run.places.hide ?? []), ...(home ? secretPlaces(home) : [])],
    };
  }
}

/** Folders of programs in a workspace: its own packages, then those that the config links around it. */
export function programFolders({ workspace }: Pick<Config, 'workspace'>, dir: string): string[] {
  const around = workspace.link.filter((path) => isOutside(path) && isPackageFolder(path));
  return ['node_modules', ...around].map((path) => join(dir, path, '.bin'));
}

/** The part of a program's output that a failure keeps. `log` is relative to the project. */
export function keptOutput(exit: ProgramExit, log: string, source?: SourceLine): KeptOutput {
  return { log, tail: exit.kind === 'not-found' ? '' : decisiveOutput(exit.tail, source) };
}
