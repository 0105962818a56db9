/** Gathers what decides one task's content from the project, and describes it. Runs nothing. */

import type { Agent } from '../agent/agent.js';
import { type AgentDefinition, agentIdentity, agentNameOf } from '../agent/prompts/definitions.js';
import { type PromptDependency, type RenderedPrompt, renderPrompt } from '../agent/prompts/prompt.js';
import { chooseModel } from '../agent/routing.js';
import { mapBounded } from '../base/bounded.js';
import { compareBytes } from '../base/order.js';
import { ok, type Result } from '../base/result.js';
import { hasPlainBackslashes } from '../io/template/plain-backslashes.js';
import { type ActionKey, type Manifest, manifestKey } from '../model/action.js';
import { defaultModel } from '../model/config.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { shownPattern } from '../model/paths/pattern.js';
import type { ModelChoice } from '../model/routes.js';
import type { Label, RenderStep, Task } from '../model/task.js';
import type { Files, ObjectId } from '../model/tree.js';
import { ownPrompts } from '../project/agent-files.js';
import type { Project } from '../project/project.js';
import { describeTask, type ManifestFacts, type RecipeFacts, type RenderFacts } from '../store/manifest.js';
import { type CommandSettings, NO_SETTINGS } from './command-settings.js';
import { convertedFiles } from './converted-files.js';
import { DeclaredInputs } from './declared-inputs.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { formatItems } from './format-settings.js';
import { formerKeys, type Keys } from './interfaces/former-keys.js';
import { interfacePaths, interfacePathsFor, readsSignatures } from './interfaces/interface-files.js';
import { interfacesOf } from './interfaces/interfaces.js';
import { type Template, TemplateFiles } from './template-files.js';
import { gateReads, readsBeyond, recipeSettings } from './visible-files.js';

export interface TaskFacts extends Keys {
  readonly facts: ManifestFacts;
  readonly manifest: Manifest;
  readonly prompt: RenderedPrompt | undefined;
  /** The name of the definition that its agent works with, where that is conductor's own text. */
  readonly shippedAgent: string | undefined;
}

/** What tasks are worked on with, beside the files of the project. */
export interface Instructions {
  readonly agent: Agent | undefined;
  readonly prompts: ReadonlyMap<string, string>;
  readonly definitions: ReadonlyMap<string, AgentDefinition> | undefined;
  /** Absent: none. */
  readonly settings?: CommandSettings;
}

export class FactGatherer {
  private readonly project: Project;
  private readonly agent: Agent | undefined;
  /** The prompt library: a project's own texts over shipped ones. */
  readonly templates: ReadonlyMap<string, string>;
  private readonly definitions: ReadonlyMap<string, AgentDefinition> | undefined;
  private readonly settings: CommandSettings;
  private readonly declared: DeclaredInputs;
  private readonly ownPrompts: readonly (readonly [name: string, id: ObjectId])[];
  private readonly files: TemplateFiles;

  constructor(project: Project, { agent, prompts, definitions, settings = NO_SETTINGS }: Instructions) {
    this.project = project;
    this.agent = agent;
    this.templates = prompts;
    this.definitions = definitions;
    this.settings = settings;
    this.declared = new DeclaredInputs(project);
    this.ownPrompts = ownPrompts(project);
    this.files = new TemplateFiles(project);
  }

  /** `dependencyOutputs` holds at least those of the task's transitive dependencies. */
  async gather(
    task: Task,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<Result<TaskFacts, Failure>> {
    const direct = [...new Set(task.dependsOn)].sort(compareBytes);
    const inputs = this.declared.of(task, dependencyOutputs);
    const dependencies = await this.dependencyFacts(task, direct, dependencyOutputs);
    let prompt: RenderedPrompt | undefined;
    let recipe: RecipeFacts;
    const paths = inputs.flatMap((input) => input.files.map(([path]) => path));
    if (task.recipe.kind === 'agent') {
      const choice = this.choiceOf(task, 1);
      const rendered = await this.prompt(task, dependencyOutputs, paths);
      if (!rendered.ok) return rendered;
      prompt = rendered.value;
      recipe = {
        kind: 'agent',
        identity: this.identity(task),
        model: choice.model,
        variant: choice.variant,
        prompt: prompt.definition,
      };
    } else if (task.recipe.kind === 'render') {
      const templates = await this.renderFacts(task, task.recipe.steps);
      if (!templates.ok) return templates;
      recipe = { kind: 'render', templates: templates.value };
    } else {
      recipe = { kind: 'run' };
    }
    const reader = { project: this.project, task, inputs, dependencyOutputs, settings: this.settings };
    const readsEverything = task.recipe.kind === 'run' && task.inputs === undefined;
    const facts: ManifestFacts = {
      task,
      salt: this.project.config.salt,
      recipe,
      inputs,
      ...convertedFiles(this.project, task, inputs),
      wholeTree: readsEverything ? this.project.handWrittenTree : undefined,
      dependencies,
      settings: [...recipeSettings(reader), ...formatItems(this.project, task)],
      beyond: readsBeyond(reader),
      gateReads: gateReads(reader),
    };
    const manifest = describeTask(facts);
    const definition = this.definitions?.get(agentNameOf(task));
    const shippedAgent = definition?.isShipped ? definition.name : undefined;
    const gathered = { facts, manifest, key: manifestKey(manifest), prompt, shippedAgent };
    if (!prompt || dependencies.every(({ signature }) => signature === undefined)) return ok(gathered);
    const prompted = () => this.prompt(task, dependencyOutputs, paths, interfacePaths);
    let formers: Promise<readonly ActionKey[]> | undefined;
    return ok({ ...gathered, formers: () => (formers ??= formerKeys(this.project, facts, prompted)) });
  }

  private dependencyFacts(
    task: Task,
    direct: readonly Label[],
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<ManifestFacts['dependencies']> {
    return mapBounded(direct, async (label) => {
      const made = dependency(dependencyOutputs, label);
      const bytes = { label, interface: made.interface };
      if (!readsSignatures(task)) return bytes;
      const signature = await interfacesOf(this.project).of(this.project.graph.task(label), made);
      return signature === made.interface ? bytes : { ...bytes, signature };
    });
  }

  /** All agent definitions; none where the driver works with none. */
  get allDefinitions(): readonly AgentDefinition[] {
    return [...(this.definitions?.values() ?? [])];
  }

  /** An agent definition by name; undefined where there is none, or the driver works with none. */
  definitionOf(name: string): AgentDefinition | undefined {
    return this.definitions?.get(name);
  }

  /** The model that works on an attempt (from 1) at a task: by routes, else its agent definition's, else the config's. */
  choiceOf(task: Task, attempt: number): ModelChoice {
    const { config } = this.project;
    const definition = this.definitions?.get(agentNameOf(task))?.model;
    return chooseModel(task, attempt, config.models.routes, { definition, config: defaultModel(config) });
  }

  /**
   * A task's prompt before its dependencies are done: where one of them has not produced anything, what it declares is
   * named in place of its files.
   */
  preview(
    task: Task,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<Result<RenderedPrompt, Failure>> {
    const inputs = this.declared.of(task, dependencyOutputs);
    const paths = inputs.flatMap((input) => input.files.map(([path]) => path));
    return this.prompt(task, dependencyOutputs, paths);
  }

  /** A template's file in the snapshot with the partials that it uses, directly or through others. */
  template(name: string): Promise<Result<Template, Failure>> {
    return this.files.read(name);
  }

  private async renderFacts(
    task: Task,
    steps: readonly RenderStep[],
  ): Promise<Result<RenderFacts[], Failure>> {
    const facts: RenderFacts[] = [];
    for (const step of steps) {
      const template = await this.template(step.template);
      if (!template.ok) return template;
      const partials = [...template.value.partials.values()].sort((a, b) => compareBytes(a.path, b.path));
      facts.push({
        to: step.to,
        template: step.template,
        sources: [
          [template.value.path, template.value.id],
          ...partials.map(({ path, id }) => [path, id] as const),
        ],
        hasPlainBackslashes: [template.value, ...partials].some(({ text }) => hasPlainBackslashes(text)),
        // One value a line, so that an explanation shows what changed.
        variables: JSON.stringify(JSON.parse(canonicalJson(renderVariables(task, step))), null, 2),
      });
    }
    return ok(facts);
  }

  private prompt(
    task: Task,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
    inputs: readonly string[],
    pathsOf: (need: Task, outputs: Files) => string[] = (need, outputs) =>
      interfacePathsFor(task, need, outputs),
  ): Promise<Result<RenderedPrompt, Failure>> {
    const feature = this.project.features.get(task.feature);
    if (!feature) throw new Error(`BUG: no feature ${task.feature}`);
    const template = this.choiceOf(task, 1).prompt;
    const dependencies = [...new Set(task.dependsOn)].sort(compareBytes).map((label) => ({
      label,
      ...this.seenOf(this.project.graph.task(label), dependencyOutputs.get(label), pathsOf),
    }));
    return renderPrompt({
      templates: this.templates,
      task,
      feature,
      dependencies,
      inputs: [...new Set(inputs)].sort(compareBytes),
      limit: this.project.config.promptBytes,
      ...(template === undefined ? {} : { template }),
      own: this.ownPrompts,
    });
  }

  private seenOf(
    need: Task,
    made: DependencyOutputs | undefined,
    pathsOf: (need: Task, outputs: Files) => string[],
  ): Pick<PromptDependency, 'outputs' | 'interface'> {
    const outputs = need.outputs.map(shownPattern);
    const declared = need.interface?.map(shownPattern) ?? outputs;
    return { outputs, interface: made ? pathsOf(need, made.outputs) : declared };
  }

  private identity(task: Task): string {
    return agentIdentity(this.agent, this.definitions?.get(agentNameOf(task)));
  }
}

/** The variables of a render step. The title is left out: it is cosmetic and in no key. */
export function renderVariables(task: Task, step: RenderStep): Record<string, unknown> {
  return { ...step.with, task: { id: task.id, label: task.label }, feature: task.feature };
}

function dependency(
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  label: Label,
): DependencyOutputs {
  const found = dependencyOutputs.get(label);
  if (!found) throw new Error(`BUG: ${label} was asked for before it was done`);
  return found;
}
