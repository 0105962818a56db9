/** Layers of a directed graph: each node right of what it needs, and ordered so that few lines cross. Pure. */

/** From what is needed to what needs it. */
export type Link = readonly [from: string, to: string];

/** Passes over the layers, up and down: more of them change little. */
const SWEEPS = 4;

/** Nodes in columns by the longest way to them. Links that close a circle, or lead elsewhere, are passed over. */
export function columnsOf(nodes: readonly string[], links: readonly Link[]): string[][] {
  const known = new Set(nodes);
  const needs = new Map<string, string[]>(nodes.map((node) => [node, []]));
  for (const [from, to] of links) if (known.has(from) && known.has(to)) needs.get(to)?.push(from);
  const depth = new Map<string, number>();
  const open = new Set<string>();
  for (const start of nodes) {
    const walk = [start];
    while (walk.length > 0) {
      const node = walk.at(-1) as string;
      if (depth.has(node)) {
        walk.pop();
        continue;
      }
      open.add(node);
      const before = needs.get(node) ?? [];
      const next = before.find((need) => !depth.has(need) && !open.has(need));
      if (next !== undefined) {
        walk.push(next);
        continue;
      }
      depth.set(node, Math.max(-1, ...before.map((need) => depth.get(need) ?? -1)) + 1);
      open.delete(node);
      walk.pop();
    }
  }
  const columns: string[][] = [];
  for (const node of nodes) {
    const at = depth.get(node) ?? 0;
    while (columns.length <= at) columns.push([]);
    columns[at]?.push(node);
  }
  return columns;
}

/** The same columns, each sorted by the middle of the places of its neighbours. */
export function ordered(columns: readonly (readonly string[])[], links: readonly Link[]): string[][] {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  for (const [from, to] of links) {
    add(before, to, from);
    add(after, from, to);
  }
  const sorted = columns.map((column) => [...column]);
  const place = new Map<string, number>();
  const number = (column: readonly string[]) => {
    column.forEach((node, i) => {
      place.set(node, (i + 0.5) / column.length);
    });
  };
  for (const column of sorted) number(column);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    const neighbours = isDown ? before : after;
    for (const column of isDown ? sorted : [...sorted].reverse()) {
      const middle = new Map(
        column.map((node) => [node, mean(neighbours.get(node), place, place.get(node) ?? 0)]),
      );
      column.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0));
      number(column);
    }
  }
  return sorted;
}

function add(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function mean(nodes: readonly string[] | undefined, place: ReadonlyMap<string, number>, own: number): number {
  const known = (nodes ?? []).flatMap((node) => place.get(node) ?? []);
  return known.length === 0 ? own : known.reduce((sum, one) => sum + one, 0) / known.length;
}
