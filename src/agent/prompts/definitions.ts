/**
 * Checks agent definitions (Markdown files with OpenCode's front matter) and says which parts of them are in the key.
 * Reads no file and starts no agent.
 */

import { err, ok, type Result } from '../../base/result.js';
import { locate, parseYaml, validateSchema } from '../../io/document/document.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import type { Task } from '../../model/task.js';

export type PermissionAction = 'allow' | 'deny';
export type PermissionRule = PermissionAction | Readonly<Record<string, PermissionAction>>;

export interface AgentDefinition {
  /** The file's name without `.md`. */
  readonly name: string;
  /** The text of the file, unchanged; OpenCode gets it. */
  readonly text: string;
  readonly description: string;
  /** `provider/model`. */
  readonly model: string | undefined;
  /** Model calls of one attempt. OpenCode only asks the model to stop; the driver must enforce the limit. */
  readonly steps: number | undefined;
  /** In the order of the file, which is the order of precedence: the last rule that matches wins. */
  readonly permission: Readonly<Record<string, PermissionRule>>;
  /** The system prompt. */
  readonly body: string;
  /** Whether it is conductor's own text and not a file of the project. */
  readonly isShipped: boolean;
  /** What decides content: the system prompt and the settings, without the description and the colour. */
  readonly identity: string;
}

/** Folder of the definitions, in the package and in a project. */
export const AGENT_FOLDER = '.opencode/agent/';

const COSMETIC = new Set(['description', 'color', 'hidden']);
const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)^---[ \t]*(?:\r?\n|$)/m;

/**
 * The part of a definition in a key. Undefined where there is none: where the driver gets the definition as text above the
 * prompt, a new wording of conductor's own text is no reason to pay for a result again.
 */
export function keyedIdentity(
  agent: { readonly definitionsAreText?: boolean } | undefined,
  definition: AgentDefinition | undefined,
): string | undefined {
  return definition?.isShipped && agent?.definitionsAreText ? undefined : definition?.identity;
}

/** What of an agent decides content: the driver, in one line, and below it the agent definition, where it works with one. */
export function agentIdentity(
  agent: { readonly identity: string; readonly definitionsAreText?: boolean } | undefined,
  definition: AgentDefinition | undefined,
): string {
  const driver = agent?.identity ?? 'none';
  const identity = keyedIdentity(agent, definition);
  return identity === undefined ? driver : `${driver}\n${identity}`;
}

/** The definition that works on a task: the one that its spec names, else by its type. */
export function agentNameOf(task: Pick<Task, 'agent' | 'type'>): string {
  return task.agent ?? (task.type === 'documentation' ? 'documenter' : 'implementer');
}

/**
 * The definitions by name, a project's own in place of shipped ones. Texts are by file name (`reviewer.md`). Fails with
 * `invalid-config`, naming every mistake in every file with its place.
 */
export async function loadDefinitions(
  shipped: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, string>,
): Promise<Result<ReadonlyMap<string, AgentDefinition>, Failure>> {
  const definitions = new Map<string, AgentDefinition>();
  const diagnostics: Diagnostic[] = [];
  for (const [file, text] of new Map([...shipped, ...own])) {
    const read = await readOnce(file, text);
    if (read.ok) definitions.set(read.value.name, { ...read.value, isShipped: !own.has(file) });
    else diagnostics.push(...read.error);
  }
  return diagnostics.length > 0 ? err({ kind: 'invalid-config', diagnostics }) : ok(definitions);
}

type ReadDefinition = Result<AgentDefinition, Diagnostic[]>;

/** By file name, as it was read last: one process loads the same files for many builds or jobs. */
const lastRead = new Map<string, { readonly text: string; readonly read: Promise<ReadDefinition> }>();

function readOnce(file: string, text: string): Promise<ReadDefinition> {
  const last = lastRead.get(file);
  if (last?.text === text) return last.read;
  const read = readDefinition(file, text);
  lastRead.set(file, { text, read });
  return read;
}

/** One definition, or every mistake in it. */
export async function readDefinition(name: string, text: string): Promise<ReadDefinition> {
  const file = AGENT_FOLDER + name;
  const front = text.startsWith('---') ? FRONT_MATTER.exec(text) : null;
  if (!front) {
    return err([
      {
        file,
        line: 1,
        message: 'does not start with front matter',
        hint: 'write `---`, the settings, and `---` again above the system prompt',
      },
    ]);
  }
  const yaml = front[1] ?? '';
  const parsed = await parseYaml(yaml, file, 1);
  if (!parsed.ok) return parsed;
  const problems = await validateSchema('agent', parsed.value);
  const found: Diagnostic[] = [];
  // Where a rule may be a word or a mapping, the schema complains once for each; the word is what people write.
  const places = new Map(problems.map((one) => [JSON.stringify(one.path), one] as const).reverse());
  for (const { path, key, message, hint } of [...places.values()].reverse()) {
    const place = await locate(yaml, path, { key, lineOffset: 1 });
    const more = place.sourceLine.trim().endsWith(' ask') ? 'no person can answer while a build runs' : hint;
    found.push({ file, ...place, message, ...(more === undefined ? {} : { hint: more }) });
  }
  if (found.length > 0) return err(found);
  const settings = parsed.value as Settings;
  for (const path of misplacedStars(settings.permission)) {
    const place = await locate(yaml, path, { key: true, lineOffset: 1 });
    found.push({
      file,
      ...place,
      message: '`*` is not first, and overrides the rules above it',
      hint: 'the last matching rule wins: put `*` first',
    });
  }
  const body = text.slice(front[0].length).trim();
  if (body === '') found.push({ file, message: 'has no system prompt below its front matter' });
  if (found.length > 0) return err(found);
  return ok({
    name: name.replace(/\.md$/, ''),
    text,
    description: settings.description,
    model: settings.model,
    steps: settings.steps,
    permission: settings.permission,
    body,
    isShipped: false,
    identity: identityOf(settings, body),
  });
}

interface Settings {
  readonly description: string;
  readonly model?: string;
  readonly temperature?: number;
  readonly steps?: number;
  readonly permission: Readonly<Record<string, PermissionRule>>;
}

function misplacedStars(permission: Settings['permission']): string[][] {
  const late = (rules: object, path: string[]) =>
    Object.keys(rules).indexOf('*') > 0 ? [[...path, '*']] : [];
  return [
    ...late(permission, ['permission']),
    ...Object.entries(permission).flatMap(([tool, rules]) =>
      typeof rules === 'string' ? [] : late(rules, ['permission', tool]),
    ),
  ];
}

/** The order of settings means nothing; the order of permissions does. */
function identityOf(settings: Settings, body: string): string {
  const kept = Object.entries(settings)
    .filter(([key]) => !COSMETIC.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(kept))}\n${body}`;
}
