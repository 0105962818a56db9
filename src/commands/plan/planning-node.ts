/**
 * One document of a plan as a node with a key: its prompt, and everything that decides its content. Starts no agent.
 */

import type { Agent } from '../../agent/agent.js';
import type { AgentDefinition } from '../../agent/prompts/definitions.js';
import { fenced } from '../../agent/prompts/evidence.js';
import {
  type PromptVariables,
  promptAgent,
  renderMeasured,
  type Templates,
} from '../../agent/prompts/prompt-template.js';
import { ok, type Result } from '../../base/result.js';
import { gateCommands } from '../../execution/gates.js';
import { unifiedDiff } from '../../io/text-diff.js';
import { type ActionKey, type Manifest, type ManifestItem, manifestKey } from '../../model/action.js';
import { type Config, defaultModel } from '../../model/config.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { mergeDrafts, PLANNERS, type Planner } from '../../plan/merged-plan.js';
import { BACKLOG, type DocumentName, PLAN } from './plan-files.js';
import type { PlannedFeature } from './planned-feature.js';

export interface PlanningNode {
  readonly name: DocumentName;
  readonly label: Label;
  /** The agent definition that works on it. */
  readonly definition: string;
  readonly model: string | undefined;
  /** The document in the workspace: the one place where planners may write, whatever the config calls its folder. */
  readonly output: string;
  /** What defines it; an attempt's own prompt has more behind it. */
  readonly prompt: string;
  readonly manifest: Manifest;
  readonly key: ActionKey;
}

export interface NodeParts {
  readonly templates: Templates;
  /** conductor's own, which are in no key: a new wording is no reason to plan again. */
  readonly shipped: Templates;
  readonly definitions: ReadonlyMap<string, AgentDefinition> | undefined;
  readonly agent: Agent;
  readonly config: Config;
  readonly feature: PlannedFeature;
  readonly map: string;
}

/** Diagnostics that are sent back, and lines of what changed: enough to act on, and bounded. */
const MAX_PROBLEMS = 40;
const MAX_CHANGE_BYTES = 8192;

/**
 * A planner's node. All that it is given counts against `planningBytes`. Fails with `prompt-error` or
 * `prompt-too-large`, which names the sections by size.
 */
export function plannerNode(parts: NodeParts, name: Planner) {
  const { feature, map } = parts;
  const given = { ...asked(feature), project: map };
  const files = { template: `planning-${name}.md`, file: `plan-${name}.md` };
  return makeNode(parts, { name, ...files, given, material: [] });
}

/**
 * The node that makes one plan of the drafts. `texts`: undefined where only the key is wanted, which holds the drafts'
 * blob ids, so that a clone without their texts knows whether its plan is of them.
 */
export function planNode(
  parts: NodeParts,
  ids: Readonly<Record<Planner, ObjectId>>,
  texts: Readonly<Record<Planner, string>> | undefined,
) {
  const files = { template: 'reconcile.md', file: PLAN };
  const named = PLANNERS.map((name) => `${name} ${ids[name]}`).join('\n');
  const drafts = texts && mergeDrafts(parts.feature.title, texts);
  return makeNode(parts, {
    name: 'plan',
    ...files,
    given: { drafts: named },
    material: ['request', 'context', 'drafts'],
    shown: { ...asked(parts.feature), ...(drafts === undefined ? {} : { drafts }) },
  });
}

/** The node that makes tasks of a plan. The plan itself is what the planners' limits have left of it. */
export function backlogNode(parts: NodeParts, plan: string) {
  const files = { template: 'backlog.md', file: BACKLOG };
  const given = { plan, project: parts.map };
  const material = ['request', 'context', 'plan'];
  return makeNode(parts, { name: 'backlog', ...files, given, material, shown: asked(parts.feature) });
}

function asked({ request, context }: PlannedFeature) {
  return { request: request.trim(), context: context.trim() };
}

interface NodeFacts {
  readonly name: DocumentName;
  readonly template: string;
  /** The name of the document in the workspace. */
  readonly file: string;
  /** The parts of the prompt, by the names of its variables. */
  readonly given: Readonly<Record<string, string>>;
  /** The variables that may be of any size. */
  readonly material: readonly string[];
  /**
   * Texts that stand in the prompt, and in the key not or as something else. The request decides the drafts: where they
   * stay the same for another request, what is made of them does too.
   */
  readonly shown?: Readonly<Record<string, string>>;
}

async function makeNode(
  { templates, shipped, definitions, agent, config, feature }: NodeParts,
  { name, template, file, given, material, shown }: NodeFacts,
): Promise<Result<PlanningNode, Failure>> {
  const named = await promptAgent(templates, template, 'planner-arch', definitions);
  if (!named.ok) return named;
  const { definition: defined } = named.value;
  const output = `specs/${feature.name}/${file}`;
  // Gates and limits judge what is built and not the plan: in the prompt as in no key, like those of tasks.
  const beside = {
    gates: gateCommands(config.gates.task),
    buildGates: gateCommands(config.gates.build),
    bytes: taskBytes(config),
    review: config.review ? 'description, acceptance and constraints' : '',
  };
  const variables: PromptVariables = {
    feature: feature.title,
    output,
    gates: [],
    buildGates: [],
    bytes: 0,
    review: '',
    request: '',
    context: '',
    project: '',
    ...given,
  };
  const measure = { material, limit: config.planningBytes };
  const rendered = await renderMeasured(templates, template, variables, measure);
  if (!rendered.ok) return rendered;
  const whole = await renderMeasured(templates, template, { ...variables, ...beside, ...shown }, measure);
  if (!whole.ok) return whole;
  const model = defined?.model ?? defaultModel(config);
  const words: ManifestItem[] = [
    ...(config.salt === '' ? [] : [{ name: 'salt', value: config.salt, show: 'word' as const }]),
    { name: 'recipe', value: `plan ${name}`, show: 'word' },
    { name: 'agent', value: agent.identity, show: 'word' },
    ...(defined && !defined.isShipped
      ? [{ name: OWN_AGENT, value: defined.identity, show: 'text' as const }]
      : []),
    ...(model === undefined ? [] : [{ name: 'model', value: model, show: 'word' as const }]),
  ];
  // The parts of the prompt are also items, so that an explanation names what changed.
  const texts = isOwn({ templates, shipped }, template)
    ? { ...given, [OWN_PROMPT]: rendered.value.text }
    : given;
  const manifest = [
    ...words,
    ...Object.entries(texts)
      .filter(([, value]) => value !== '')
      .map(([key, value]) => ({ name: TEXT_NAMES[key] ?? key, value, show: 'text' as const })),
  ];
  return ok({
    name,
    label: labelOf(feature.name, name),
    definition: named.value.name,
    model,
    output,
    prompt: whole.value.text,
    manifest,
    key: manifestKey(manifest),
  });
}

/** What the project says itself: conductor's own texts are in no key. */
const OWN_AGENT = 'own agent';
const OWN_PROMPT = 'own prompt';

/** Whether the project has a template of its own here, or a part of templates. */
function isOwn({ templates, shipped }: Pick<NodeParts, 'templates' | 'shipped'>, template: string): boolean {
  const names = [...templates.keys()].filter((name) => name === template || name.startsWith('partials/'));
  return names.some((name) => templates.get(name) !== shipped.get(name));
}

/** The share of `promptBytes` that planners are told: nobody counts bytes to the last one. */
const TOLD = 0.8;

/** Bytes that a task may have in its texts and lists, in whole hundreds: gates of all tasks are in each prompt. */
function taskBytes({ gates, promptBytes }: Config): number {
  const taken = Buffer.byteLength(gateCommands(gates.task).join(''));
  return Math.max(0, Math.floor(((promptBytes - taken) * TOLD) / 100) * 100);
}

/**
 * Whether a document was written from the same as `node`: also by a conductor that had its own prompts and agent
 * definitions in the key.
 */
export function isWrittenFrom(former: Manifest, { manifest }: PlanningNode): boolean {
  const before = new Map(former.map(({ name, value }) => [name, value]));
  const names = new Set(manifest.map(({ name }) => name));
  const isSame = ({ name, value }: ManifestItem) => {
    const old = before.get(name);
    if (old === value) return true;
    const agent = before.get('agent');
    // A former one held the agent's definition in the same item, and every prompt.
    if (name === 'agent') return !before.has(OWN_AGENT) && agent?.startsWith(`${value}\n`) === true;
    if (name === OWN_AGENT) return agent?.endsWith(`\n${value}`) === true;
    return name === OWN_PROMPT && before.get('prompt') === value;
  };
  return manifest.every(isSame) && [...before.keys()].every((name) => names.has(name) || name === 'prompt');
}

/** `@` is not allowed in task ids, so no task has this label. */
export function labelOf(feature: string, name: DocumentName): Label {
  return `${feature}/@${name === 'backlog' || name === 'plan' ? name : `planner-${name}`}`;
}

const TEXT_NAMES: Readonly<Record<string, string>> = { project: 'repository map' };

/** The prompt of a first attempt: the definition, then what was planned before. */
export async function firstPrompt(
  templates: Templates,
  node: PlanningNode,
  former: { readonly manifest: Manifest | undefined } | undefined,
): Promise<Result<string, Failure>> {
  if (!former) return ok(node.prompt);
  const change = changeSince(former.manifest, node.manifest);
  return withSection(templates, node, 'replanning.md', { change });
}

/** The prompt that sends a document back. `times`: how often it was refused; no two attempts get the same prompt. */
export async function correctionPrompt(
  templates: Templates,
  node: PlanningNode,
  problems: readonly Diagnostic[],
  times: number,
): Promise<Result<string, Failure>> {
  return withSection(templates, node, 'correction.md', {
    times: times === 1 ? 'once' : `${times} times`,
    problems: problemLines(problems),
  });
}

async function withSection(
  templates: Templates,
  { prompt, output }: PlanningNode,
  template: string,
  variables: PromptVariables,
): Promise<Result<string, Failure>> {
  const section = await renderMeasured(templates, template, { output, ...variables }, { material: [] });
  return section.ok ? ok(`${prompt}\n${section.value.text}`) : section;
}

function problemLines(problems: readonly Diagnostic[]): string {
  const lines = problems.slice(0, MAX_PROBLEMS).map(({ line, column, message, sourceLine, hint }) => {
    const place = line === undefined ? '' : `line ${line}${column === undefined ? '' : `:${column}`}: `;
    const source = sourceLine === undefined ? '' : `, in: ${sourceLine.trim()}`;
    return `${place}${message}${hint === undefined ? '' : ` (${hint})`}${source}`;
  });
  const more = problems.length - lines.length;
  return fenced([...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'));
}

/** The request or the plan against what it was, as a diff; bounded. Empty: the same, or not known. */
export function changeSince(former: Manifest | undefined, manifest: Manifest): string {
  const told = ['request', 'plan', 'drafts'];
  const lines = manifest
    .filter(({ name }) => told.includes(name))
    .flatMap(({ name, value }) => {
      const before = former?.find((item) => item.name === name)?.value;
      return before === undefined ? [] : unifiedDiff(before, value);
    });
  let size = 0;
  const kept = lines.filter((line) => {
    size += Buffer.byteLength(line) + 1;
    return size <= MAX_CHANGE_BYTES;
  });
  if (kept.length === 0) return '';
  return fenced([...kept, ...(kept.length < lines.length ? ['…'] : [])].join('\n'), 'diff');
}
