/** What a build needs from outside. `cli/wire.ts` puts it together; tests use fakes. */

import type { Agent } from '../agent/agent.js';
import type { CommonBudget } from '../agent/budget.js';
import type { Turns } from '../base/limiter.js';
import type { Result } from '../base/result.js';
import type { Config } from '../model/config.js';
import type { BuildEvent, BuildEventBody } from '../model/event.js';
import { EVENT_SCHEMA } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { SeenChanges } from '../workspace/reading/seen-changes.js';

export interface LoadedConfig {
  readonly config: Config;
  /** Names of the environment variables that the config read. */
  readonly environment: readonly string[];
  /** Of its value, as the config file gives it. Absent: its inputs are known in another way. */
  readonly digest?: string;
  /** It listed the whole environment. */
  readonly readsAll?: boolean;
}

/** What projects that are built together in one process share. */
export interface CommonResources {
  /** The project's share of the places for tasks. */
  readonly workers: Turns;
  /** Its share of the sessions of agents at the same time. Absent: they have no limit of their own. */
  readonly agents?: Turns;
  /** For the same name the same in all projects, with the lowest of their limits. */
  turns(name: string, limit: number): Turns;
  /** Commands over all projects, gates among them. */
  readonly commands: Turns;
  /** Gates over all projects. */
  readonly gates: Turns;
  /** Absent: there is no limit over all projects. */
  readonly budget?: CommonBudget;
}

export interface Host {
  /** Where the command was given; the project is this folder. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's cache folder for conductor, outside every project. */
  readonly cacheDir: string;
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Another `version` than before: the files may have changed since, and are read again. */
  loadConfig(project: string, version?: string): Promise<Result<LoadedConfig, Failure>>;
  /** The agent that the config names; undefined when it names none. */
  createAgent(config: Config): Promise<Result<Agent | undefined, Failure>>;
  /** Prompt templates: those shipped with conductor, by name. */
  shippedPrompts(): Promise<ReadonlyMap<string, string>>;
  /** Ends what agents of builds that were killed left running; asked whenever a project is opened for writing. Absent: nothing. */
  reapAgents?(): Promise<void>;
  /** What this process saw of the project just before. Absent: nothing. */
  readonly seen?: SeenChanges;
  /** Absent: the project is built alone. */
  readonly common?: CommonResources;
  /** Agent definitions shipped with conductor, by file name. Absent: none. */
  shippedAgents?(): Promise<ReadonlyMap<string, string>>;
}

export type Emit = (event: BuildEventBody) => void;

/** Stamps events with their number and time; the only place that does. */
export function createEmit(now: () => number, on: (event: BuildEvent) => void): Emit {
  let seq = 0;
  return (body) => on({ schema: EVENT_SCHEMA, seq: ++seq, at: now(), ...body });
}
