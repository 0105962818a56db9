/**
 * What files declare, by their blobs: read by the compiler once for each content, and kept in the state folder between
 * builds. Loads the compiler only for a content that it does not know.
 */

import { appendFile } from 'node:fs/promises';
import { readText, writeAtomic } from '../../io/files.js';
import type { GitObjects } from '../../io/git/objects.js';
import { loadTypescript, type Typescript } from '../../io/typescript.js';
import { digestFields } from '../../model/digest.js';
import type { ObjectId } from '../../model/tree.js';

/** One declaration: its name, its text without bodies, and a digest of what its inferred types depend on. */
export type Declared = readonly [name: string, shown: string, deciding: string];

/** Undefined: all of the text counts. */
export type FileDeclarations = readonly Declared[] | undefined;

/** A larger file is no source text that a person reads. */
const MAX_SOURCE = 1_000_000;
/** conductor empties a larger cache. */
const MAX_CACHE = 16_000_000;
/** The ending decides how the compiler parses the text. A file of declarations (`.d.ts`) has none here: all of it counts. */
const SCRIPT = /\.(?:d\.[cm]?ts|([cm]?[jt]sx?))$/;
/** Increase it when the reader finds something else in the same text: entries of other versions are not used. */
const READER = 2;

export interface CacheFolder {
  /** Where the compiler is looked for first. */
  readonly project: string;
  readonly state: string;
}

export class DeclarationCache {
  private readonly folder: CacheFolder;
  private readonly objects: GitObjects;
  private kept: Promise<Map<string, FileDeclarations>> | undefined;
  private compiler: Promise<Typescript | undefined> | undefined;
  private isBlind = false;
  private written: string[] = [];
  /** By name: readings under way, for all that ask meanwhile. */
  private readonly asked = new Map<string, Promise<FileDeclarations>>();

  constructor(folder: CacheFolder, objects: GitObjects) {
    this.folder = folder;
    this.objects = objects;
  }

  /** Whether a compiler was looked for and there was none. */
  get hasNoCompiler(): boolean {
    return this.isBlind;
  }

  /** Undefined too where there is no compiler. */
  async of(path: string, id: ObjectId): Promise<FileDeclarations> {
    const ending = SCRIPT.exec(path)?.[1];
    if (ending === undefined) return undefined;
    this.kept ??= this.load();
    const kept = await this.kept;
    const name = `${READER} ${id} ${ending}`;
    if (kept.has(name)) return kept.get(name);
    const asked =
      this.asked.get(name) ?? this.read(kept, name, path, id).finally(() => this.asked.delete(name));
    this.asked.set(name, asked);
    return asked;
  }

  private async read(
    kept: Map<string, FileDeclarations>,
    name: string,
    path: string,
    id: ObjectId,
  ): Promise<FileDeclarations> {
    if (this.isBlind) return undefined;
    const content = await this.objects.read(id);
    if (!content) return undefined;
    // Generated, or no text at all: no compiler is loaded for it.
    if (content.length > MAX_SOURCE || content.includes(0)) return this.keep(kept, name, undefined);
    this.compiler ??= loadTypescript(this.folder.project);
    const compiler = await this.compiler;
    this.isBlind = compiler === undefined;
    if (!compiler) return undefined;
    const { declaredInterface } = await import('../../io/typescript-contract/declared-interface.js');
    const found = declaredInterface(compiler, path, content.toString('utf8'))?.map(
      ({ name: declared, shown, deciding }): Declared => [
        declared,
        shown,
        deciding === '' ? '' : digestFields('conductor.deciding.1', [deciding]).slice(0, 16),
      ],
    );
    return this.keep(kept, name, found);
  }

  private keep(kept: Map<string, FileDeclarations>, name: string, found: FileDeclarations): FileDeclarations {
    kept.set(name, found);
    this.written.push(JSON.stringify([name, found ?? null]));
    return found;
  }

  /** Keeps what was read for later builds. */
  async save(): Promise<void> {
    const { written } = this;
    if (written.length === 0) return;
    this.written = [];
    await appendFile(this.file, `${written.join('\n')}\n`).catch(() => {});
  }

  private get file(): string {
    return `${this.folder.state}/interfaces.jsonl`;
  }

  private async load(): Promise<Map<string, FileDeclarations>> {
    const kept = new Map<string, FileDeclarations>();
    const text = (await readText(this.file)) ?? '';
    if (text.length > MAX_CACHE) {
      await writeAtomic(this.file, '');
      return kept;
    }
    for (const line of text.split('\n')) {
      const entry = entryOf(line);
      if (entry) kept.set(...entry);
    }
    return kept;
  }
}

/** A line that a killed build wrote in part is none. */
function entryOf(line: string): [string, FileDeclarations] | undefined {
  if (line === '') return undefined;
  try {
    const value: unknown = JSON.parse(line);
    if (!Array.isArray(value) || typeof value[0] !== 'string') return undefined;
    const isList = Array.isArray(value[1]) && value[1].every((one) => Array.isArray(one) && one.length === 3);
    return isList || value[1] === null
      ? [value[0], (value[1] as FileDeclarations | null) ?? undefined]
      : undefined;
  } catch {
    return undefined;
  }
}
