/** The tables of paths of the last complete build: reading them when they are asked for, and changing the lines of some features. */

import { type Parts, type Place, readParts } from './index-parts.js';
import { PathTable } from './path-table.js';

/** Which feature writes which paths, and which may read which. */
export interface TablePlaces {
  readonly owners: Place;
  readonly readers: Place;
}

/** The lines of a feature in both tables. */
export interface FeatureLines {
  readonly owns: readonly string[];
  readonly looks: readonly string[];
}

/** Undefined: the table is damaged. */
export function readTable(state: string, place: Place): PathTable | undefined {
  const [text] = readParts(state, [place]) ?? [];
  return text === undefined ? undefined : new PathTable(text);
}

/** Each table is read when it is first asked for: most builds need none. */
export class IndexTables {
  private readonly state: string;
  private readonly places: TablePlaces;
  private readonly read = new Map<Place, PathTable | undefined>();

  constructor(state: string, places: TablePlaces) {
    this.state = state;
    this.places = places;
  }

  /** Which features write a path. */
  owners(): PathTable | undefined {
    return this.table(this.places.owners);
  }

  /** Which features may read a path. */
  readers(): PathTable | undefined {
    return this.table(this.places.readers);
  }

  private table(place: Place): PathTable | undefined {
    if (!this.read.has(place)) this.read.set(place, readTable(this.state, place));
    return this.read.get(place);
  }
}

interface Amended {
  readonly parts: Parts;
  /** Features with other lines than before; without an entry in `lines` they are gone. */
  readonly changed: ReadonlySet<string>;
  readonly lines: ReadonlyMap<string, FeatureLines>;
}

/** The tables with the lines of these features as they are now. */
export function amendedTables(
  state: string,
  { owners, readers }: TablePlaces,
  { parts, changed, lines }: Amended,
): TablePlaces {
  if (changed.size === 0) return { owners, readers };
  const table = (place: Place, of: keyof FeatureLines) => {
    const own = [...changed].flatMap((name) => lines.get(name)?.[of] ?? []);
    const text = readTable(state, place)?.with(changed, own);
    // What is damaged stays so: the next build reads everything.
    return text === undefined ? place : parts.add(text);
  };
  return { owners: table(owners, 'owns'), readers: table(readers, 'looks') };
}
