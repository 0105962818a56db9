/** What conductor knows about the program of a coding agent. Runs nothing. */

import type { SkippedLines } from '../../io/process/process-output.js';
import type { OutputReader } from './reading.js';

/** What the arguments and variables of one start are made from. */
export interface PresetStart {
  /** The folder that replaces its state folder in this attempt: absolute and existing. */
  readonly state: string;
  readonly promptFile: string;
  /** As the program itself names it. */
  readonly model: string | undefined;
  /** Of the model: how much it thinks. */
  readonly variant: string | undefined;
  /** Whether conductor's sandbox is around it. */
  readonly isSandboxed: boolean;
}

export interface StateFile {
  /** In the folder of the attempt. */
  readonly path: string;
  /** In the person's folder, the first that is there; default: the same path. */
  readonly from?: readonly string[];
}

export interface SettingsFile extends StateFile {
  /** The content of the attempt's own copy; undefined: no file. */
  keep(text: string | undefined): string | undefined;
}

export interface Preset {
  readonly program: string;
  arguments(start: PresetStart): string[];
  /** Variables that are set for it; they are no secrets. */
  environment?(start: PresetStart): Record<string, string>;
  /** Stands in the keys of results in place of the arguments. It changes only when earlier results shall not count. */
  readonly identity: readonly string[];
  readonly reportsCost: boolean;
  /** For failures: who is asked when the model's name does not tell. */
  readonly provider: string;
  /** Prefixes of model names that the program does not take: `anthropic/`. */
  readonly prefixes?: readonly string[];
  /**
   * Where a person's login and state are. Each attempt gets an empty folder in its place: instructions, memories,
   * hooks and histories of the person are not seen, and nothing of it can be written but the login.
   */
  readonly state: {
    /** Relative to the home folder. */
    readonly folder: string;
    /** A variable that names another folder. */
    readonly variable?: string;
    /** The login: shown as it is, and writable, since tokens are renewed. */
    readonly credentials: readonly StateFile[];
    /** Settings of which a part is kept: how the provider is reached, not how the agent behaves. */
    readonly settings?: readonly SettingsFile[];
  };
  reader(): OutputReader;
  /** Lines of output that only repeat what others say. */
  readonly skips?: SkippedLines;
  /** Has a conversation with the program in place of a prompt on standard input. */
  readonly converses?: boolean;
}
