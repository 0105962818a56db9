/** Prompt templates: reads their front matter, renders, measures and refuses them. Knows no task. */

import { newRecord, ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { parseYaml } from '../../io/document/document.js';
import { renderTemplate } from '../../io/template/template.js';
import type { Failure } from '../../model/failure.js';
import type { Json } from '../../model/task.js';
import type { AgentDefinition } from './definitions.js';

/** Names relative to `prompts/` (`documentation.md`, `partials/rules.md`) to texts, a project's own over shipped ones. */
export type Templates = ReadonlyMap<string, string>;

/** What a template's front matter says. */
export interface PromptHead {
  /** For whom it is, in words. */
  readonly for: string;
  /** The agent definition that gets it; undefined for what is part of others. */
  readonly agent: string | undefined;
  /** Which limit of the config holds for its instructions. */
  readonly budget: 'promptBytes' | 'planningBytes' | undefined;
  /** Every variable that it uses, in its partials too. */
  readonly variables: readonly string[];
}

export interface MeasuredPrompt {
  readonly text: string;
  /** Bytes of what people say and list in it, which limits are for; the template's own words are not counted. */
  readonly instructions: number;
  /** What they are bytes of. */
  readonly sections: readonly Section[];
  /** Bytes of reference material, which the limit leaves out. */
  readonly material: number;
}

export interface Measure {
  /** Variables that hold reference material; each is printed once. */
  readonly material: readonly string[];
  /** Bytes of `instructions`. Absent: no limit. */
  readonly limit?: number | undefined;
}

export type PromptVariables = Readonly<Record<string, Json>>;

/**
 * A rendered template with its size. Fails with `prompt-error` (it is missing or wrong, or wants an unknown variable)
 * or `prompt-too-large` (naming the sections by size).
 */
export async function renderMeasured(
  templates: Templates,
  name: string,
  variables: PromptVariables,
  measure: Measure,
): Promise<Result<MeasuredPrompt, Failure>> {
  const { bodies, partials } = bodiesOf(templates);
  const body = bodies.get(name);
  if (body === undefined) {
    return err({ kind: 'prompt-error', prompt: name, message: 'there is no such prompt' });
  }
  const rendered = await renderTemplate({ name, text: body, variables, partials });
  if (!rendered.ok) {
    const { template, line, message } = rendered.error;
    const place = line === undefined ? {} : { line };
    return err({ kind: 'prompt-error', prompt: template, ...place, message });
  }
  const text = tidy(rendered.value);
  // A template may leave a variable out: what does not stand in the text has no size.
  const sizeOf = (value: Json) =>
    texts(value)
      .filter((one) => text.includes(one))
      .reduce((sum, one) => sum + bytes(one), 0);
  const sections = Object.entries(variables)
    .filter(([key]) => !measure.material.includes(key))
    .map(([key, value]) => [key, sizeOf(value), detail(value)] as const);
  const material = measure.material.reduce((sum, key) => sum + sizeOf(ownValue(variables, key) ?? null), 0);
  const refused = tooLarge(sections, measure.limit);
  return refused ? err(refused) : ok({ text, instructions: sumOf(sections), sections, material });
}

interface Bodies {
  readonly bodies: ReadonlyMap<string, string>;
  /** By the name that `{{> name}}` uses. */
  readonly partials: Readonly<Record<string, string>>;
}

const knownBodies = new WeakMap<Templates, Bodies>();

/** The templates without front matter, made once for all tasks of a build. */
function bodiesOf(templates: Templates): Bodies {
  const known = knownBodies.get(templates);
  if (known) return known;
  const bodies = new Map([...templates].map(([name, text]) => [name, blankFrontMatter(text)]));
  const partials = newRecord<string>();
  for (const [path, body] of bodies) {
    const match = /^partials\/(.+)\.md$/.exec(path);
    if (match?.[1] !== undefined) partials[match[1]] = body;
  }
  const made = { bodies, partials };
  knownBodies.set(templates, made);
  return made;
}

export type Section = readonly [name: string, size: number, detail?: string];

/** The refusal of a prompt over its limit: its sections by size, which together are the size of what is refused. */
export function tooLarge(sections: readonly Section[], limit: number | undefined): Failure | undefined {
  const size = sumOf(sections);
  if (limit === undefined || size <= limit) return undefined;
  const named = sections
    .filter(([, own]) => own > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, own, more = '']) => `${name}: ${own} bytes${more}`);
  return { kind: 'prompt-too-large', bytes: size, limit, sections: named };
}

export function sumOf(sections: readonly Section[]): number {
  return sections.reduce((sum, [, size]) => sum + size, 0);
}

/** Lists from here on are told with their length: a glob stands for as many files as there are. */
const LONG_LIST = 20;

/** What makes a section large: the number of its entries, or its entry with the longest list of files. */
function detail(value: Json): string {
  if (!Array.isArray(value)) return '';
  const lists = value.map((one) => filesOf(one));
  const longest = lists.indexOf(Math.max(...lists));
  const [entry, count] = [value[longest], lists[longest] ?? 0];
  if (entry && typeof entry === 'object' && 'label' in entry && count >= LONG_LIST)
    return ` (${entry.label}: ${count} files)`;
  return value.length >= LONG_LIST ? ` (${value.length} entries)` : '';
}

function filesOf(entry: Json): number {
  if (entry === null || typeof entry !== 'object') return 0;
  return Math.max(0, ...Object.values(entry).map((one) => (Array.isArray(one) ? one.length : 0)));
}

/** The front matter of a template, or the failure that says what is wrong with it. */
export async function promptHead(name: string, text: string): Promise<Result<PromptHead, Failure>> {
  const refuse = (message: string, line = 1): Result<PromptHead, Failure> =>
    err({ kind: 'prompt-error', prompt: name, line, message });
  const front = FRONT_MATTER.exec(text)?.[1];
  if (front === undefined) return refuse('it does not start with front matter (`for`, `agent`, `variables`)');
  const parsed = await parseYaml(front, name, 1);
  if (!parsed.ok)
    return refuse(parsed.error[0]?.message ?? 'its front matter cannot be read', parsed.error[0]?.line);
  const value = (typeof parsed.value === 'object' ? parsed.value : null) as Record<string, unknown> | null;
  const unknown = Object.keys(value ?? {}).find(
    (key) => !['for', 'agent', 'budget', 'variables'].includes(key),
  );
  if (unknown !== undefined) return refuse(`\`${unknown}\` is not a known key of its front matter`);
  const { for: whom, agent, budget, variables } = value ?? {};
  if (typeof whom !== 'string') return refuse('its front matter does not say who it is for (`for`)');
  if (agent !== undefined && typeof agent !== 'string') return refuse('`agent` must be a name');
  if (budget !== undefined && budget !== 'promptBytes' && budget !== 'planningBytes') {
    return refuse('`budget` must be `promptBytes` or `planningBytes`');
  }
  if (!Array.isArray(variables) || !variables.every((one) => typeof one === 'string')) {
    return refuse('its front matter does not list its `variables`');
  }
  return ok({ for: whom, agent, budget, variables });
}

/**
 * The agent definition that a template names, `usual` where it names none or has no front matter. `definition` is
 * undefined for a driver that works without. Fails with `prompt-error` when it names one that does not exist.
 */
export async function promptAgent(
  templates: Templates,
  name: string,
  usual: string,
  definitions: ReadonlyMap<string, AgentDefinition> | undefined,
): Promise<Result<{ readonly name: string; readonly definition: AgentDefinition | undefined }, Failure>> {
  const text = templates.get(name) ?? '';
  const head = FRONT_MATTER.test(text) ? await promptHead(name, text) : undefined;
  if (head?.ok === false) return head;
  const agent = head?.value.agent ?? usual;
  const definition = definitions?.get(agent);
  if (!definitions || definition) return ok({ name: agent, definition });
  const message = `there is no agent definition \`${agent}\``;
  return err({ kind: 'prompt-error', prompt: name, line: 1, message });
}

export function bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** Bytes of all text in a value. */
export function bytesIn(value: Json): number {
  return texts(value).reduce((sum, text) => sum + bytes(text), 0);
}

function texts(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (value === null || typeof value !== 'object') return value === null ? [] : [String(value)];
  return Object.values(value).flatMap((one) => texts(one as Json));
}

const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** Its lines stay, empty, so that an error names the line of the file; `tidy` takes them away. */
function blankFrontMatter(text: string): string {
  return text.replace(FRONT_MATTER, (head) => head.replace(/[^\n]+/g, ''));
}

/** Sections that are absent leave no gap. */
function tidy(text: string): string {
  return `${text.replace(/\n{3,}/g, '\n\n').trim()}\n`;
}
