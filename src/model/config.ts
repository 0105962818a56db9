/** The project's configuration, as written and as resolved. Does not know how it is loaded. */

import type { AgentConfig } from './agents/agent-config.js';
import type { GrowPolicy } from './agents/agent-report.js';
import { type CacheConfig, type CacheSettings, resolveCache } from './cache-config.js';
import type { ExecutionConfig } from './fleet/job.js';
import { type FormatConfig, type FormatStep, resolveFormat } from './formatting/format.js';
import type { ProjectsConfig } from './projects/project-list.js';
import type { ModelRoute, ModelsConfig, ProviderLimits } from './routes.js';
import { type Command, type GateConfig, type GateSpec, type Json, resolveGate } from './task.js';

export type {
  AcpAgentConfig,
  AgentConfig,
  AgentPreset,
  CommandAgentConfig,
  InboxAgentConfig,
  OpencodeAgentConfig,
  OpencodeModelConfig,
  OpencodeProviderConfig,
  ScriptedAgentConfig,
} from './agents/agent-config.js';

/** What `conductor.config.ts` exports by default: every key is optional. */
export interface ConductorConfig {
  /** Folder of the specs. Default `specs`. */
  readonly specs?: string;
  /** Values for `{{name}}` in the texts of every task. A feature's own `vars` win. */
  readonly vars?: { readonly [name: string]: Json };
  readonly agent?: AgentConfig;
  /** Which model works on which task, and how much is asked of one provider. */
  readonly models?: ModelsConfig;
  readonly workspace?: {
    /** Paths of the project that every workspace gets as links (`node_modules`): seen, not part of any result. */
    readonly link?: readonly string[];
    /** Commands run once in a new workspace, and again when their `inputs` change. */
    readonly setup?: readonly Command[];
    /** Paths that `setup` makes and that stay between tasks. */
    readonly keep?: readonly string[];
    /** Paths outside the project (absolute, or `~/…`) that agents and commands may read in the sandbox. */
    readonly read?: readonly string[];
    /** Files that stand for what links and set-up provide. Default: lock files of package managers in the project's root. */
    readonly inputs?: readonly string[];
  };
  readonly gates?: {
    /** For every task, on its own tree. */
    readonly task?: readonly GateConfig[];
    /** Once, on the merged tree. */
    readonly build?: readonly GateConfig[];
  };
  /** Commands that format what tasks write, before gates: in the workspace, on the task's files. */
  readonly format?: readonly FormatConfig[];
  /** Tasks that run at the same time. Default 4. */
  readonly workers?: number;
  /** Commands that run at the same time: `run` recipes, gates and formatters. Default: the number of processors. */
  readonly commands?: number;
  /** Gates that run at the same time, within `commands`. Default: that many. */
  readonly gateWorkers?: number;
  /** Tries of an agent before its task has failed. Default 2. */
  readonly attempts?: number;
  /**
   * What is done when all attempts have failed: a revised task is asked for and built with (`apply`, the default), only
   * written down (`propose`), or not asked for (`off`).
   */
  readonly rebase?: 'apply' | 'propose' | 'off';
  /** Confidence from 0 to 1 above which the build goes on with a revised task. Default 0.7. */
  readonly rebaseThreshold?: number;
  /** Whether gates are tried before the first model call of a build, to find those that cannot start. Default true. */
  readonly preflight?: boolean;
  /** Whether a reviewer judges what an agent made once its gates pass. Default false. */
  readonly review?: boolean;
  /**
   * What is published together or not at all: every result for itself (`task`), the results of a feature with what
   * depends on them (`feature`, the default), or all results of a build (`build`).
   */
  readonly publish?: 'task' | 'feature' | 'build';
  /**
   * Whether gates are run first on the former result of an agent's task where only what it builds on changed. Default
   * true, for tasks with gates of their own.
   */
  readonly reverify?: boolean;
  /** Files that an agent writes although they are not its task's: dropped if the gates pass without them (default), or refused. */
  readonly stray?: 'drop' | 'refuse';
  /** What becomes of what an agent asks for: a person decides (`ask`, default), nobody does, or these paths are granted. */
  readonly grow?: GrowPolicy;
  /** What becomes of changes of other features that a plan proposes: a person agrees to them (`ask`, default), or they are applied. */
  readonly planChanges?: 'ask' | 'apply';
  readonly timeouts?: {
    /** Minutes for one attempt of an agent (default 30), a `run` recipe or set-up (10), a gate (10). */
    readonly agent?: number;
    readonly run?: number;
    readonly gate?: number;
  };
  readonly budget?: {
    readonly build?: { readonly usd?: number; readonly tokens?: number };
    readonly day?: { readonly usd?: number; readonly tokens?: number };
  };
  /** Bytes of one task's outputs. Default 50 MB. */
  readonly maxOutputBytes?: number;
  /** Bytes of a file that git does not track: a larger one is no input. Default 100 MB. */
  readonly maxUntrackedBytes?: number;
  /** Bytes of what a task itself puts into its prompt. Default 3072. */
  readonly promptBytes?: number;
  /** Bytes of all that a planner is given: request, context, repository map and gates. Default 10240. */
  readonly planningBytes?: number;
  /** Patterns of files that are left out of snapshots unless a spec names them. Replaces the default list. */
  readonly secrets?: readonly string[];
  /** `auto` (default): bubblewrap when it is there; `required`: without it nothing runs; `off`. */
  readonly sandbox?: 'auto' | 'required' | 'off';
  /** Environment variables that gates, `run` recipes and set-up may see beside the usual ones. */
  readonly env?: readonly (string | { readonly name: string; readonly key?: boolean })[];
  /** Commands whose output (versions of tools) is in the keys of `run` tasks and of gates. */
  readonly toolchain?: readonly string[];
  /** Changed to disown every earlier result. */
  readonly salt?: string;
  /** Who asks agents in a build: everybody (`everywhere`, the default), or only CI (`ci-only`). */
  readonly agents?: 'everywhere' | 'ci-only';
  /** Where results are shared, and whose are trusted. */
  readonly cache?: CacheSettings;
  /** Where tasks run. Absent: here. */
  readonly execution?: ExecutionConfig;
  /** Projects that `conductor projects` builds together. */
  readonly projects?: ProjectsConfig;
}

/** The configuration with its defaults filled in. */
export interface Config {
  /** Without a `/` at the end. */
  readonly specs: string;
  readonly vars: { readonly [name: string]: Json };
  readonly agent: AgentConfig | undefined;
  readonly models: {
    readonly routes: readonly ModelRoute[];
    readonly limits: Readonly<Record<string, ProviderLimits>>;
  };
  readonly workspace: {
    readonly link: readonly string[];
    readonly setup: readonly Command[];
    readonly keep: readonly string[];
    readonly read: readonly string[];
    readonly inputs: readonly string[] | undefined;
  };
  readonly gates: { readonly task: readonly GateSpec[]; readonly build: readonly GateSpec[] };
  readonly format: readonly FormatStep[];
  readonly workers: number;
  readonly commands: number;
  readonly gateWorkers: number;
  readonly attempts: number;
  readonly rebase: 'apply' | 'propose' | 'off';
  readonly rebaseThreshold: number;
  readonly preflight: boolean;
  readonly review: boolean;
  readonly publish: 'task' | 'feature' | 'build';
  readonly reverify: boolean;
  readonly stray: 'drop' | 'refuse';
  readonly grow: GrowPolicy;
  readonly planChanges: 'ask' | 'apply';
  readonly timeouts: { readonly agent: number; readonly run: number; readonly gate: number };
  readonly budget: {
    readonly build: { readonly usd?: number; readonly tokens?: number };
    readonly day: { readonly usd?: number; readonly tokens?: number };
  };
  readonly maxOutputBytes: number;
  readonly maxUntrackedBytes: number;
  readonly promptBytes: number;
  readonly planningBytes: number;
  readonly secrets: readonly string[];
  readonly sandbox: 'auto' | 'required' | 'off';
  /** The names of all of them. */
  readonly env: readonly string[];
  /** Those whose values are in keys. */
  readonly keyedEnv: readonly string[];
  readonly toolchain: readonly string[];
  readonly salt: string;
  readonly agents: 'everywhere' | 'ci-only';
  readonly cache: CacheConfig;
  readonly execution: ExecutionConfig | undefined;
  /** As written: `conductor projects` alone checks it. Absent: there is none. */
  readonly projects?: ProjectsConfig;
}

export const DEFAULT_SECRETS: readonly string[] = [
  '**/.env',
  '**/.env.*',
  '**/*.pem',
  '**/*.key',
  '**/*.p12',
  '**/id_rsa',
  '**/id_ed25519',
  '**/.npmrc',
  '**/.netrc',
];

/** Of the default list only files count that git does not track; a list in the config means what it says. */
export function isDefaultSecrets(secrets: readonly string[]): boolean {
  return secrets.join('\0') === DEFAULT_SECRETS.join('\0');
}

/** Fills in the defaults. `processors` is the number of the machine's processors. */
export function resolveConfig(config: ConductorConfig, processors: number): Config {
  return {
    specs: (config.specs ?? 'specs').replace(/\/+$/, ''),
    vars: config.vars ?? {},
    agent: config.agent,
    models: { routes: config.models?.routes ?? [], limits: config.models?.limits ?? {} },
    workspace: {
      link: config.workspace?.link ?? [],
      setup: config.workspace?.setup ?? [],
      keep: config.workspace?.keep ?? [],
      read: config.workspace?.read ?? [],
      inputs: config.workspace?.inputs,
    },
    gates: {
      task: (config.gates?.task ?? []).map(resolveGate),
      build: (config.gates?.build ?? []).map(resolveGate),
    },
    format: (config.format ?? []).map(resolveFormat),
    workers: config.workers ?? 4,
    commands: config.commands ?? processors,
    gateWorkers: config.gateWorkers ?? config.commands ?? processors,
    attempts: config.attempts ?? 2,
    rebase: config.rebase ?? 'apply',
    rebaseThreshold: config.rebaseThreshold ?? 0.7,
    preflight: config.preflight ?? true,
    review: config.review ?? false,
    publish: config.publish ?? 'feature',
    reverify: config.reverify ?? true,
    stray: config.stray ?? 'drop',
    grow: config.grow ?? 'ask',
    planChanges: config.planChanges ?? 'ask',
    timeouts: {
      agent: config.timeouts?.agent ?? 30,
      run: config.timeouts?.run ?? 10,
      gate: config.timeouts?.gate ?? 10,
    },
    budget: { build: config.budget?.build ?? {}, day: config.budget?.day ?? {} },
    maxOutputBytes: config.maxOutputBytes ?? 50_000_000,
    maxUntrackedBytes: config.maxUntrackedBytes ?? 100_000_000,
    promptBytes: config.promptBytes ?? 3072,
    planningBytes: config.planningBytes ?? 10_240,
    secrets: config.secrets ?? DEFAULT_SECRETS,
    sandbox: config.sandbox ?? 'auto',
    env: (config.env ?? []).map((one) => (typeof one === 'string' ? one : one.name)),
    keyedEnv: (config.env ?? []).flatMap((one) =>
      typeof one === 'string' ? [one] : one.key === false ? [] : [one.name],
    ),
    toolchain: config.toolchain ?? [],
    salt: config.salt ?? '',
    agents: config.agents ?? 'everywhere',
    cache: resolveCache(config.cache ?? {}),
    execution: config.execution,
    ...(config.projects === undefined ? {} : { projects: config.projects }),
  };
}

/** The model that works where neither a task nor an agent definition names one. */
export function defaultModel({ agent }: Pick<Config, 'agent'>): string | undefined {
  return agent === undefined || agent.driver === 'scripted' ? undefined : agent.model;
}

/** What becomes of a result when a file changes that its agent read without declaring it. */
export function observedPolicy(config: Pick<Config, 'agent'>): 'warn' | 'rebuild' | 'ignore' {
  const { agent } = config;
  const observes = agent?.driver === 'opencode' || agent?.driver === 'acp';
  return (observes ? agent.observed : undefined) ?? 'warn';
}

/** Bytes of a file that git does not track and that a snapshot takes in: outputs before they are committed are such files. */
export function untrackedLimit({
  maxOutputBytes,
  maxUntrackedBytes,
}: Pick<Config, 'maxOutputBytes' | 'maxUntrackedBytes'>): number {
  return Math.max(maxOutputBytes, maxUntrackedBytes);
}
