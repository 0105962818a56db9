/** The interfaces of finished tasks by signature: the digests that agents' tasks are keyed on, and their texts. */

import type { Digest } from '../../model/digest.js';
import type { Label, Task } from '../../model/task.js';
import { type Entry, encodeEntry } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import { type SignedFile, signatureDigest } from '../../store/manifest.js';
import { type DependencyOutputs, foreseenOutputs } from '../dependency-outputs.js';
import { DeclarationCache, type FileDeclarations } from './declaration-cache.js';
import { interfacePaths, readsSignatures, signedPaths } from './interface-files.js';

/** A file of an interface, with what it declares; without: its bytes count. */
export interface InterfaceFile {
  readonly path: string;
  readonly entry: Entry;
  readonly declares: FileDeclarations;
}

export class Interfaces {
  private readonly project: Project;
  private readonly cache: DeclarationCache;
  /** By label and digest of the bytes. */
  private readonly digests = new Map<string, Digest>();

  constructor(project: Project) {
    this.project = project;
    const { project: folder, state } = project.repository;
    this.cache = new DeclarationCache({ project: folder, state }, project.objects);
  }

  /**
   * The digest in the keys of tasks that read signatures; the digest of the bytes if no file of the interface is read by
   * signature. If the lock file records a digest for the same bytes, that digest counts: so no compiler is loaded, and
   * another version of the compiler (or none) changes no key.
   */
  async of(task: Task, made: DependencyOutputs): Promise<Digest> {
    const name = `${task.label} ${made.interface}`;
    const known = this.digests.get(name);
    if (known !== undefined) return known;
    const found = this.recorded(task, made) ?? (await this.computed(task, made));
    this.digests.set(name, found);
    return found;
  }

  /** Asks for the interfaces of tasks that are to be recorded: what a lock file says depends on no order of work. */
  async decide(labels: Iterable<Label>, made: ReadonlyMap<Label, DependencyOutputs>): Promise<void> {
    const { graph } = this.project;
    for (const label of labels) {
      const outputs = made.get(label);
      const isRead = graph.dependents(label).some((reader) => readsSignatures(graph.task(reader)));
      if (!outputs) continue;
      const task = graph.task(label);
      if (isRead || this.recorded(task, outputs) !== undefined) await this.of(task, outputs);
    }
  }

  /** Whether bytes counted for want of a compiler: with one, something else may be recorded. */
  get hasNoCompiler(): boolean {
    return this.cache.hasNoCompiler;
  }

  /** As `of`, where it was asked for already. */
  known(task: Task, bytes: Digest): Digest | undefined {
    return this.digests.get(`${task.label} ${bytes}`);
  }

  /** The files of the interface with what they declare. */
  async files(task: Task, made: Pick<DependencyOutputs, 'outputs'>): Promise<InterfaceFile[]> {
    const paths = signedPaths(task, made.outputs);
    const found: InterfaceFile[] = [];
    for (const path of paths) {
      const entry = made.outputs.get(path) as Entry;
      const mayDeclare = task.interfaceBy !== 'bytes' && entry.mode.startsWith('100');
      found.push({ path, entry, declares: mayDeclare ? await this.cache.of(path, entry.id) : undefined });
    }
    await this.cache.save();
    return found;
  }

  private recorded(task: Task, made: DependencyOutputs): Digest | undefined {
    const locked = lockedTask(this.project, task);
    if (!locked || task.interfaceBy === 'bytes' || locked.interface === made.interface) return undefined;
    const { interface: bytes } = foreseenOutputs(task, locked);
    return bytes === made.interface ? locked.interface : undefined;
  }

  /** What a former version of the reader recorded stands as long as today's finds the same in both states of the files. */
  private async computed(task: Task, made: DependencyOutputs): Promise<Digest> {
    const found = await this.compute(task, made);
    const locked = lockedTask(this.project, task);
    if (!locked || found === made.interface || found === locked.interface) return found;
    const before = foreseenOutputs(task, locked);
    const isSigned = locked.interface !== before.interface;
    return isSigned && (await this.compute(task, before)) === found ? locked.interface : found;
  }

  private async compute(task: Task, made: DependencyOutputs): Promise<Digest> {
    const files = await this.files(task, made);
    const isWhole = files.length === interfacePaths(task, made.outputs).length;
    if (isWhole && files.every(({ declares }) => declares === undefined)) return made.interface;
    const signed = files.map(
      ({ path, entry, declares }): SignedFile =>
        declares
          ? { path, mode: entry.mode, declares: declares.flat() }
          : { path, entry: encodeEntry(entry) },
    );
    return signatureDigest(
      signed,
      made.patches.map(([path, after]) => [path, after ? encodeEntry(after) : 'deleted'] as const),
    );
  }
}

const perProject = new WeakMap<Project, Interfaces>();

export function interfacesOf(project: Project): Interfaces {
  const known = perProject.get(project) ?? new Interfaces(project);
  perProject.set(project, known);
  return known;
}
