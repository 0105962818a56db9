/**
 * Which checks of specs need not be made again, because the last load made them on the same texts and found nothing. Kept with
 * the parsed specs; what is damaged or missing was not checked. Knows no rule.
 */

import { ownValue } from '../../base/records/own-value.js';
import { isObject } from '../../io/document/json-object.js';
import type { Config } from '../../model/config.js';
import { canonicalJson, type Digest, digestFields } from '../../model/digest.js';
import type { Listing, ObjectId } from '../../model/tree.js';
import type { WrittenTask } from '../normalise.js';
import type { ParseCache } from '../parse.js';
import type { SpecFile } from '../spec-files.js';

/** A spec as far as the checks need it. */
export interface CheckedFile {
  readonly spec: SpecFile;
  readonly tasks: readonly WrittenTask[];
}

interface Kept {
  readonly form: number;
  /** Of the config. */
  readonly config: Digest;
  /** Of the paths that there are. */
  readonly paths: Digest;
  /** By file: its content, and how its tasks hang together with others (`shapeOf`). */
  readonly files: Readonly<Record<string, readonly [blob: ObjectId, shape: Digest]>>;
}

/** In the cache of parsed specs, where everything else has the id of a blob. */
export const CHECKED = 'checked';
/** Raised when a rule changes. */
const FORM = 1;

export class CheckedSpecs {
  private readonly cache: ParseCache;
  private readonly kept: Kept | undefined;
  private readonly today: Omit<Kept, 'form' | 'files'>;
  private readonly files: readonly CheckedFile[];
  private readonly shapes = new Map<string, Digest>();

  constructor(
    cache: ParseCache,
    files: readonly CheckedFile[],
    { config, listing }: { readonly config: Config; readonly listing: Listing },
  ) {
    this.cache = cache;
    this.files = files;
    this.today = {
      config: digestFields('conductor.checked.config.1', [canonicalJson(config)]),
      paths: digestFields('conductor.checked.paths.1', listing.paths),
    };
    const kept = cache.get(CHECKED);
    this.kept = isKept(kept) && kept.config === this.today.config ? kept : undefined;
  }

  /** Whether the file was checked as it is. Which paths there are decides what is said of its tasks. */
  isChecked({ spec }: CheckedFile): boolean {
    return this.hasSamePaths && ownValue(this.kept?.files, spec.file)?.[0] === spec.id;
  }

  /** Whether all tasks hang together as they did: then what holds between them holds still. */
  get hasSameShape(): boolean {
    const { kept, files } = this;
    if (!kept || Object.keys(kept.files).length !== files.length) return false;
    return files.every((file) => ownValue(kept.files, file.spec.file)?.[1] === this.shapeOf(file));
  }

  /** Whether the same paths are there. */
  get hasSamePaths(): boolean {
    return this.kept?.paths === this.today.paths;
  }

  /** Nothing was found, not even what is only to be warned of. */
  keep(): void {
    const known = Object.keys(this.kept?.files ?? {}).length;
    if (known === this.files.length && this.files.every((file) => this.isChecked(file))) return;
    const files = this.files.map((file) => [file.spec.file, [file.spec.id, this.shapeOf(file)]] as const);
    const kept: Kept = { form: FORM, ...this.today, files: Object.fromEntries(files) };
    this.cache.set(CHECKED, kept);
  }

  /** Labels, kinds of recipes, dependencies and paths. Of the text that was checked, it is known. */
  private shapeOf({ spec, tasks }: CheckedFile): Digest {
    const known = ownValue(this.kept?.files, spec.file);
    const found = this.shapes.get(spec.file) ?? (known?.[0] === spec.id ? known[1] : undefined);
    const shape = found ?? digestFields('conductor.shape.1', tasks.map(shapeText));
    this.shapes.set(spec.file, shape);
    return shape;
  }
}

function shapeText({ task, needs }: WrittenTask): string {
  const { label, recipe, outputs, edits, inputs = null } = task;
  return canonicalJson([label, recipe.kind, needs, outputs, edits, inputs]);
}

function isKept(value: unknown): value is Kept {
  if (!isObject(value) || value.form !== FORM || !isObject(value.files)) return false;
  return Object.values(value.files).every((one) => Array.isArray(one) && one.length === 2);
}
