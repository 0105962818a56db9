/**
 * The documents in the folder of a spec: `context.md` and those that `spec_refs` names. Does not know how they are
 * used.
 */

import { headingsOf, sectionOf, slugOf } from '../base/markdown.js';
import { nearest } from '../base/nearest.js';
import { itemsCalled } from '../io/document/markdown-items.js';
import { patternProblem } from '../model/paths/pattern.js';
import type { Listing, ObjectId } from '../model/tree.js';
import type { ParseCache, ReadBlobs } from './parse.js';
import { readTexts } from './parse.js';
import type { SpecProblem } from './problem.js';
import type { WrittenFeature } from './read-tasks.js';

/** What people number requirements with: `R12`, `REQ-3`, `AC1.2`, `7`. */
const IDENTIFIER = /^(?:[A-Za-z]{1,8}[-_]?)?\d+(?:[.-]\d+)*[a-z]?$/;
/** More are not listed behind a wrong reference. */
const MAX_SLUGS = 100;

export interface FeatureDocuments {
  readonly context: string;
  readonly sections: ReadonlyMap<string, string>;
}

/** The documents of each feature, by its name, and every reference that leads nowhere. */
export async function readDocuments(
  features: readonly WrittenFeature[],
  listing: Listing,
  read: ReadBlobs,
  cache: ParseCache,
): Promise<{ readonly documents: ReadonlyMap<string, FeatureDocuments>; readonly problems: SpecProblem[] }> {
  const idOf = (path: string): ObjectId | undefined => {
    const entry = listing.get(path);
    return entry?.mode.startsWith('100') ? entry.id : undefined;
  };
  const contextOf = ({ spec }: WrittenFeature) =>
    spec.kind === 'backlog' ? idOf(`${spec.folder}context.md`) : undefined;
  const wanted = new Set<ObjectId>();
  for (const feature of features) {
    const context = contextOf(feature);
    if (context !== undefined) wanted.add(context);
    for (const { task } of feature.tasks) {
      for (const ref of task.specRefs) {
        const id = idOf(feature.spec.folder + fileOf(ref));
        if (id !== undefined) wanted.add(id);
      }
    }
  }
  const texts = await readTexts(wanted, read, cache);

  const problems: SpecProblem[] = [];
  const documents = new Map<string, FeatureDocuments>();
  for (const feature of features) {
    const { folder } = feature.spec;
    const sections = new Map<string, string>();
    const listed = new Set<string>();
    for (const { task, placeOf } of feature.tasks) {
      for (const [i, ref] of task.specRefs.entries()) {
        if (sections.has(ref)) continue;
        const report = (message: string, hint?: string) =>
          problems.push({
            file: task.source.file,
            path: placeOf('spec_refs', i),
            message,
            ...(hint === undefined ? {} : { hint }),
          });
        const file = fileOf(ref);
        const wrong = patternProblem(file);
        if (wrong !== undefined) {
          report(`\`${ref}\` ${wrong}`, 'name a document in the folder of the spec: `PLAN.md#heading`');
          continue;
        }
        const text = texts.get(idOf(folder + file) ?? '');
        if (text === undefined) {
          report(`there is no document \`${folder}${file}\``, didYouMean(file, documentsIn(listing, folder)));
          continue;
        }
        const found = ref.length > file.length ? await partsCalled(text, slugIn(ref)) : [text.trim()];
        const [only] = found;
        if (only === undefined) {
          const slugs = headingsOf(text).map(({ slug }) => slug);
          // The list stands once for each document, however many references are wrong.
          const hints = [
            didYouMean(slugIn(ref), slugs, file),
            listed.has(file) ? undefined : headingList(slugs),
          ];
          listed.add(file);
          report(
            `${folder}${file} has no heading ${IDENTIFIER.test(slugIn(ref)) ? 'and no item ' : ''}\`#${slugIn(ref)}\``,
            hints.filter((hint) => hint !== undefined).join(' ') || undefined,
          );
          continue;
        }
        if (found.length > 1) {
          report(
            `\`#${slugIn(ref)}\` stands ${found.length} times in ${folder}${file}`,
            'give each item a name of its own',
          );
          continue;
        }
        sections.set(ref, only);
      }
    }
    documents.set(feature.spec.feature, { context: texts.get(contextOf(feature) ?? '') ?? '', sections });
  }
  return { documents, problems };
}

/**
 * What a reference names: the section with this anchor; else the section whose heading begins with this identifier
 * (`#R12` for `### R12 Sessions expire`); else list items and paragraphs that do.
 */
async function partsCalled(text: string, name: string): Promise<readonly string[]> {
  const exact = sectionOf(text, name);
  if (exact !== undefined) return [exact];
  if (!IDENTIFIER.test(name)) return [];
  const begins = `${slugOf(name)}-`;
  const headed = headingsOf(text).filter(({ slug }) => slug === slugOf(name) || slug.startsWith(begins));
  const sections = headed.flatMap(({ slug }) => sectionOf(text, slug) ?? []);
  return sections.length > 0 ? sections : itemsCalled(text, name);
}

/** The headings of a document, those that begin with an identifier (`r1-sessions-expire`) by it alone. */
function headingList(slugs: readonly string[]): string | undefined {
  const names = slugs.map((slug) => /^r\d+(?=-|$)/.exec(slug)?.[0].toUpperCase() ?? slug);
  const short = names.map((name, at) => (names.indexOf(name) === names.lastIndexOf(name) ? name : slugs[at]));
  const more = short.length > MAX_SLUGS ? ` and ${short.length - MAX_SLUGS} more` : '';
  if (short.length === 0) return undefined;
  return `its headings: ${short
    .slice(0, MAX_SLUGS)
    .map((name) => `#${name}`)
    .join(', ')}${more}`;
}

function fileOf(ref: string): string {
  const hash = ref.indexOf('#');
  return hash < 0 ? ref : ref.slice(0, hash);
}

function slugIn(ref: string): string {
  return ref.slice(ref.indexOf('#') + 1);
}

function documentsIn(listing: Listing, folder: string): string[] {
  return listing
    .under(folder)
    .map((path) => path.slice(folder.length))
    .filter((path) => path.endsWith('.md'));
}

function didYouMean(word: string, words: readonly string[], file?: string): string | undefined {
  const meant = nearest(word, words) ?? words.find((one) => word !== '' && one.includes(word));
  if (meant === undefined) return undefined;
  return `did you mean \`${file === undefined ? meant : `${file}#${meant}`}\`?`;
}
