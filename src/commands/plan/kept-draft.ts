/**
 * A document that was refused to the end, kept for the next plan from the same sources, which goes on from it. The text is
 * where a person can read and correct it; the record beside it is in conductor's state.
 */

import { join } from 'node:path';
import { readText, removeTree, writeAtomic } from '../../io/files.js';
import { type Digest, digestFields } from '../../model/digest.js';
import type { Diagnostic } from '../../model/failure.js';
import type { Project } from '../../project/project.js';
import { proposals } from './plan-files.js';
import type { PlanningNode } from './planning-node.js';

/** What a document is made of, by the names of manifest items: a new map of the repository makes no other document of it. */
const SOURCES = ['request', 'context', 'plan', 'drafts'];

export class KeptDrafts {
  private readonly project: Project;
  private readonly feature: string;

  constructor(project: Project, feature: string) {
    this.project = project;
    this.feature = feature;
  }

  /** The kept text, if it was made of what the node is made of. */
  async find(node: PlanningNode): Promise<string | undefined> {
    const kept = (await readText(this.record(node)))?.trim();
    return kept === sourcesOf(node) ? readText(join(this.root, this.file(node))) : undefined;
  }

  /** Keeps a text; returns its path, relative to the project. */
  async keep(node: PlanningNode, text: string): Promise<string> {
    await writeAtomic(join(this.root, this.file(node)), text);
    await writeAtomic(this.record(node), `${sourcesOf(node)}\n`);
    return this.file(node);
  }

  /** Forgets it; what a person can read stays. */
  async drop(node: PlanningNode): Promise<void> {
    await removeTree(this.record(node));
  }

  private get root(): string {
    return this.project.repository.project;
  }

  private file({ output }: PlanningNode): string {
    return `${proposals(this.feature)}/${output.slice(output.lastIndexOf('/') + 1)}`;
  }

  private record({ name }: PlanningNode): string {
    return join(this.project.repository.state, 'drafts', this.feature, name);
  }
}

function sourcesOf({ name, manifest }: PlanningNode): Digest {
  const sources = manifest.filter((item) => SOURCES.includes(item.name));
  return digestFields('conductor.draft', [name, ...sources.flatMap((item) => [item.name, item.value])]);
}

/** Of the refused texts of one plan the one with the least to mend. */
export class BestDraft {
  text: string | undefined;
  problems: readonly Diagnostic[] = [];

  /** Of two that are equally good, the later one. */
  refused(text: string, problems: readonly Diagnostic[]): void {
    if (this.text !== undefined && problems.length > this.problems.length) return;
    this.text = text;
    this.problems = problems;
  }

  forget(): void {
    this.text = undefined;
    this.problems = [];
  }
}
