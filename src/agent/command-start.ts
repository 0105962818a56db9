/**
 * How to start an agent that is a program: its host, the name of its model, its arguments, its variables and its sandbox.
 * Runs nothing.
 */

import { stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { err, ok, type Result } from '../base/result.js';
import { type SandboxPlan, secretPlaces } from '../io/process/sandbox/sandbox.js';
import type { CommandAgentConfig } from '../model/config.js';
import type { AgentRequest } from './agent.js';
import type { Preset, PresetStart } from './presets/preset.js';
import type { ReportFolders } from './presets/report-folders.js';
import { PRESETS } from './presets.js';
import { REPORT_VARIABLE } from './report-file.js';

/** Of programs that tell what they do; others may be silent as long as they like. */
export const SILENCE_MINUTES = 10;
/** The same while a tool of the agent runs. */
export const TOOL_SILENCE_MINUTES = 30;

export interface CommandAgentHost {
  /** The variables that conductor was started with; the agent gets the harmless ones and those that it names. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Program of the sandbox, from `findSandbox`; absent: no sandbox. */
  readonly sandbox?: string;
  /** Where the agents' own folders of state are made; default: beside the prompt. */
  readonly stateDir?: string;
  /** The folder of the project; absent: commands are looked up in the workspace alone. */
  readonly project?: string;
  /** conductor's, for programs that ask who talks to them. */
  readonly version?: string;
}

/** What one start is made from; only programs with a preset have a state folder. */
export interface CommandStart extends Omit<PresetStart, 'state'> {
  readonly state?: string | undefined;
}

export function withState({ state, ...start }: CommandStart): PresetStart {
  if (state === undefined) throw new Error('BUG: a preset without a state folder');
  return { ...start, state };
}

/** What all attempts of an agent share. */
export interface CommandAgent {
  readonly config: CommandAgentConfig;
  readonly preset: Preset | undefined;
  readonly host: CommandAgentHost;
  /** The values of the variables that the config names for the agent: its keys. */
  readonly secrets: readonly string[];
  readonly reports: ReportFolders;
}

/** Who answers the agent: the part of the model's name before the first `/`, else what is known of the program. */
export function commandProvider(
  config: Pick<CommandAgentConfig, 'command' | 'model' | 'preset'>,
  request: Pick<AgentRequest, 'model'>,
): string {
  const model = request.model ?? config.model;
  const named = model?.includes('/') ? model.split('/', 1)[0] : undefined;
  if (named) return named;
  const preset = config.preset === undefined ? undefined : PRESETS[config.preset];
  return preset?.provider ?? config.command?.[0] ?? 'the provider';
}

/** The model as the program names it: some do not take the provider before it. */
export function commandModel(
  config: CommandAgentConfig,
  request: Pick<AgentRequest, 'model'>,
): string | undefined {
  const model = request.model ?? config.model;
  const preset = config.preset === undefined ? undefined : PRESETS[config.preset];
  if (config.command !== undefined) return model;
  const prefix = preset?.prefixes?.find((one) => model?.startsWith(one));
  return prefix === undefined ? model : model?.slice(prefix.length);
}

/** The argument vector of one attempt, or the placeholder that nothing can be put in for. */
export function commandArguments(config: CommandAgentConfig, start: CommandStart): Result<string[], string> {
  const { promptFile, model } = start;
  if (config.command === undefined) {
    const preset = config.preset === undefined ? undefined : PRESETS[config.preset];
    return ok(preset === undefined ? [] : [preset.program, ...preset.arguments(withState(start))]);
  }
  if (model === undefined && config.command.some((part) => part.includes('{model}'))) return err('{model}');
  const values: Record<string, string> = { '{promptFile}': promptFile, '{model}': model ?? '' };
  // One pass, so that a model's name with a placeholder in it stays a name.
  return ok(
    config.command.map((part) => part.replace(/\{promptFile\}|\{model\}/g, (name) => values[name] ?? name)),
  );
}

/**
 * The command with scripts of the project at their places there, where the workspace does not have them: git ignores
 * them, another task owns them, or the task's `inputs` leave them out. `shown`: what of the project the program reads then,
 * the scripts with the files beside them, but never the project itself.
 */
export async function withProjectScripts(
  argv: readonly string[],
  { workspace, project }: { readonly workspace: string; readonly project: string | undefined },
): Promise<{ readonly argv: string[]; readonly shown: readonly string[] }> {
  const shown: string[] = [];
  const places = await mapBounded(argv, async (word, at) => {
    // A first word without `/` is looked up on PATH; others may be subcommands or text.
    const mayBePath = at === 0 ? word.includes('/') : /[/.]/.test(word) && !word.startsWith('-');
    if (project === undefined || !mayBePath || word.startsWith('/')) return word;
    const file = join(project, word);
    if (!(await isFile(file)) || (await isFile(join(workspace, word)))) return word;
    shown.push(normalize(word).includes('/') && !word.includes('..') ? dirname(file) : file);
    return file;
  });
  return { argv: places, shown };
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

/** What an attempt tells the program in variables: what it works on, and where its report goes. */
export function attemptVariables(
  { label, attempt }: Pick<AgentRequest, 'label' | 'attempt'>,
  reportFile: string,
): Record<string, string> {
  return { CONDUCTOR_TASK: label, CONDUCTOR_ATTEMPT: String(attempt), [REPORT_VARIABLE]: reportFile };
}

/**
 * What the sandbox shows an agent beside its workspace and its tools: its own state, and the places of the attempt. The
 * network stays open whatever the task says: the program talks to its model through it, and its tools cannot be told
 * apart from outside.
 */
export function programSandbox(
  program: string,
  { cwd, places = {} }: Pick<AgentRequest, 'cwd' | 'places'>,
  {
    home,
    state = [],
    readOnly = [],
    writable,
  }: {
    readonly home: string | undefined;
    /** As the config names it: relative to the home folder, or absolute. */
    readonly state: readonly string[] | undefined;
    readonly readOnly?: readonly string[];
    readonly writable: readonly string[];
  },
): SandboxPlan {
  const own = state.flatMap((place) =>
    place.startsWith('/') ? [place] : home === undefined ? [] : [join(home, place)],
  );
  return {
    program,
    workspace: cwd,
    network: true,
    ...places,
    readOnly: [...(places.readOnly ?? []), ...readOnly],
    writable: [...own, ...writable],
    hide: [...(places.hide ?? []), ...(home === undefined ? [] : secretPlaces(home))],
  };
}
