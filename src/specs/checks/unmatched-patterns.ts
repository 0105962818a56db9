/**
 * Paths and globs that match nothing in the project, probably misspelt. A warning, because the files may come later.
 */

import { nearest } from '../../base/nearest.js';
import type { Config } from '../../model/config.js';
import type { PathPattern } from '../../model/paths/pattern.js';
import { type PatternSet, patternSet } from '../../model/paths/pattern-set.js';
import { type Listing, listingOfPaths } from '../../model/tree.js';
import type { WrittenTask } from '../normalise.js';
import type { SpecProblem } from '../problem.js';
import { OwnerIndex } from './owner-index.js';

/** Of the inputs and edits of tasks, and of the inputs of build gates. */
export function unmatchedPatterns(
  written: readonly WrittenTask[],
  config: Pick<Config, 'gates'>,
  listing: Listing,
): SpecProblem[] {
  const finder = new Finder(written, listing);
  const ofTasks = written.flatMap(({ task, edits, placeOf }): SpecProblem[] => {
    const { file } = task.source;
    const inputs = finder.missing(task.inputs ?? []).map(({ at, message, hint }) => ({
      file,
      path: placeOf('inputs', at),
      message,
      ...(hint === undefined ? {} : { hint }),
    }));
    const unused = [...edits.patterns.keys()].filter(
      (at) => isGlobAt(edits.patterns, at) && !edits.from.includes(at),
    );
    const unmatched = unused.map((at) => ({
      file,
      path: placeOf('edits', at),
      message: `\`${edits.patterns[at]}\` matches no file that the task could edit`,
    }));
    return [...inputs, ...unmatched];
  });
  const ofGates = config.gates.build.flatMap((gate) =>
    finder.missing(gate.inputs ?? []).map(({ message }) => ({
      file: 'conductor.config.ts',
      path: ['gates', 'build'],
      message: `${message} (inputs of ${gate.name})`,
    })),
  );
  return [...ofTasks, ...ofGates];
}

function isGlobAt(texts: readonly string[], at: number): boolean {
  return patternSet(texts).includes.some(({ isGlob, text }) => isGlob && text === texts[at]);
}

interface Missing {
  /** The place in the list. */
  readonly at: number;
  readonly message: string;
  readonly hint?: string;
}

class Finder {
  private readonly index = new OwnerIndex();
  private readonly listing: Listing;
  private readonly written: readonly WrittenTask[];
  private made: Listing | undefined;
  /** Globs that are known to match, whatever else their list says. */
  private readonly matching = new Set<PathPattern>();

  constructor(written: readonly WrittenTask[], listing: Listing) {
    this.listing = listing;
    this.written = written;
    for (const { task } of written) this.index.add(task.outputs, task.label);
  }

  missing(texts: readonly string[]): Missing[] {
    const set = patternSet(texts);
    return set.includes.flatMap((pattern): Missing[] => {
      if (pattern.isGlob ? this.isMatched(set, pattern) : this.isThere(pattern.prefix)) return [];
      const at = texts.indexOf(pattern.text);
      const link = this.linkAbove(pattern.prefix);
      if (link !== undefined) {
        const message = `\`${pattern.text}\` is behind \`${link}\`, which is a link: conductor follows no links`;
        return [{ at, message, hint: 'write the path below the folder to which the link leads' }];
      }
      if (pattern.isGlob) {
        return [{ at, message: `\`${pattern.text}\` matches no file of the project, and no task makes one` }];
      }
      const path = pattern.prefix;
      const near = this.listing.under(path.slice(0, path.lastIndexOf('/') + 1));
      const meant = nearest(path, near);
      const isForm = meant !== undefined && meant.normalize('NFC') === path.normalize('NFC');
      return [
        {
          at,
          message: `\`${pattern.text}\` is not in the project, and no task writes it`,
          ...(meant === undefined
            ? {}
            : {
                hint: isForm
                  ? `\`${meant}\` is written with another Unicode form of its letters (NFC or NFD): copy the name from the file`
                  : `did you mean \`${meant}\`?`,
              }),
        },
      ];
    });
  }

  /** A link in the place of a folder of the path. */
  private linkAbove(path: string): string | undefined {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (this.listing.get(folder)?.mode === '120000') return folder;
    }
    return undefined;
  }

  private isThere(path: string): boolean {
    return this.listing.get(path) !== undefined || this.index.ownersOf(path).length > 0;
  }

  private isMatched(set: PatternSet, pattern: PathPattern): boolean {
    if (set.excludes.length === 0 && this.matching.has(pattern)) return true;
    const matches = (path: string) => pattern.matches(path) && set.keeps(path);
    this.made ??= this.plainOutputs();
    const found =
      this.listing.under(pattern.prefix).some(matches) ||
      this.made.under(pattern.prefix).some(matches) ||
      this.index.hasGlobMeeting(pattern, set);
    if (found && set.excludes.length === 0) this.matching.add(pattern);
    return found;
  }

  private plainOutputs(): Listing {
    return listingOfPaths(this.written.flatMap(({ task }) => patternSet(task.outputs).plainPaths()));
  }
}
