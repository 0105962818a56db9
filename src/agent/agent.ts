/** What a build asks of a coding agent, and what it gets back. Knows no driver, no prompt and no git. */

import type { Result } from '../base/result.js';
import { lastLines } from '../io/process/process-output.js';
import type { SandboxPlaces } from '../io/process/sandbox/sandbox.js';
import type { Usage } from '../model/action.js';
import type { AgentReport } from '../model/agents/agent-report.js';
import type { CallPhase } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { AgentDefinition } from './prompts/definitions.js';

/** What is taken from the workspace when the agent has ended. */
export type Expected =
  /** Patterns of the files that it may write and of those that it may change. */
  | { readonly kind: 'files'; readonly outputs: readonly string[]; readonly edits: readonly string[] }
  /** One file, relative to the workspace. */
  | { readonly kind: 'document'; readonly path: string };

export interface AgentRequest {
  readonly label: Label;
  /** What the work is part of; absent where no build asks. */
  readonly phase?: CallPhase;
  /** Absent where no build asks. */
  readonly expected?: Expected;
  /** From 1. */
  readonly attempt: number;
  /** The workspace: absolute, and the only place where the agent may write. */
  readonly cwd: string;
  readonly prompt: string;
  /** The prompt as a file outside the workspace; its folder exists and may be written by conductor. */
  readonly promptFile: string;
  readonly model?: string;
  /** Of the model, as its provider names it (`high`); drivers that know no variants pass over it. */
  readonly variant?: string;
  /** Name of the agent definition that works; without it the driver's own default. */
  readonly agentName?: string;
  /** Of work, without what is told as `waited`. */
  readonly timeoutMs: number;
  /** Absolute; everything that the agent prints is appended to it. */
  readonly logFile: string;
  readonly signal: AbortSignal;
  /** Whether the task asks for the network. */
  readonly network: boolean;
  /** What of the project a sandbox shows and hides; absent where there is no project. */
  readonly places?: SandboxPlaces;
  /** What commands in the workspace get beside the usual variables. Absent: none. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Resets the workspace to its input tree, for work that starts again within the attempt. */
  reset(): Promise<void>;
  onEvent(event: AgentEvent): void;
}

/** A model as a session would be given it. */
export type PriceQuestion = Pick<AgentRequest, 'cwd' | 'model' | 'agentName' | 'signal'>;

export type AgentEvent =
  /** One line for people. */
  | { readonly kind: 'output'; readonly line: string }
  /** The running total of this attempt, never a difference. */
  | { readonly kind: 'usage'; readonly usage: Usage }
  /** Milliseconds that went by without any work (the start of a server): no limit of time holds them. */
  | { readonly kind: 'waited'; readonly ms: number }
  /** Its start is done: it works by itself. Told once at most; a driver need not tell it. */
  | { readonly kind: 'begun' };

export type AgentExit =
  /** It says that it is done. Whether it is, the capture and the gates decide. */
  (
    | {
        readonly kind: 'finished';
        readonly usage: Usage;
        /** Files that it was seen to read, relative to `cwd`, sorted; absent when the driver cannot tell. */
        readonly observed?: readonly string[];
      }
    | { readonly kind: 'failed'; readonly failure: Failure; readonly usage: Usage }
  ) & {
    /** What the agent said last, redacted and bounded, however it ended; absent when it said nothing. */
    readonly lastWords?: string;
    /** The model that worked, where that is not the one that was asked for. */
    readonly model?: string;
    /** What it stated in a form that can be read; absent when it stated nothing. */
    readonly report?: AgentReport;
  };

/** Bytes of an agent's last words that are kept: the end of a longer text. */
const MAX_LAST_WORDS = 8192;

/** Last words as an exit has them; nothing for a text without words. */
export function lastWordsOf(text: string | undefined): { lastWords?: string } {
  const words = text?.trim() ?? '';
  return words === '' ? {} : { lastWords: lastLines(words, MAX_LAST_WORDS) };
}

/** By tools, by the file that `CONDUCTOR_NEEDS` names, or in the answer's own form. */
export type ReportForm = 'tool' | 'file' | 'answer';

export interface Agent {
  /** For people: `claude`. */
  readonly name: string;
  /** Enters the manifest: what decides content (driver, program, arguments) and not where it runs. */
  readonly identity: string;
  /** Values that may stand in no output: the keys of its providers. Absent: none. */
  readonly secrets?: readonly string[];
  /** How it can report what it is missing, which its prompt then says. Absent: not at all. */
  readonly reportsBy?: ReportForm;
  /** Whether a budget in money can be held: it says what it costs, while it runs or at its end. */
  readonly reportsCost: boolean;
  /**
   * Whether the price of a model is known, asked before the first session with it where a limit in money stands. Fails
   * as a session would. Absent: `reportsCost` holds for every model.
   */
  isPriced?(asked: PriceQuestion): Promise<Result<boolean, Failure>>;
  /**
   * The build's agent definitions by name, told once before the first run. A driver that has this works with them, and
   * their text is a part of a task's key.
   */
  useDefinitions?(definitions: ReadonlyMap<string, AgentDefinition>): void;
  /**
   * How a driver that does not know agent definitions works with them: the text of one stands above the prompt. Such a
   * task may name any agent, and only a project's own definitions are in keys.
   */
  readonly definitionsAreText?: boolean;
  /** The prompt as the session gets it. Absent: as it is. */
  withDefinition?(name: string | undefined, prompt: string): string;
  /** Hears that a run waits for a worker, so that what many runs start faster with can be made ready. */
  expectRun?(): void;
  /** Works in `cwd` until it is done, fails or `signal` aborts (`cancelled`). Rejects only for a bug. */
  run(request: AgentRequest): Promise<AgentExit>;
  /** Ends what the driver keeps between runs (a server). Called once, when no run is open any more. */
  close?(): Promise<void>;
}
