/**
 * Where the tasks of a graph stand: features as boxes in columns by what they need, tasks in columns inside them. Pure.
 *
 * Two layered layouts were measured first, for 1,000 tasks with two dependencies each: dagre (longest-path) took 11 s,
 * elkjs with its fastest settings 4.2 s. This one takes a few hundredths of a second: it lays out each feature alone.
 */

import { columnsOf, type Link, ordered } from './layers.js';

export interface LayoutTask {
  readonly label: string;
  readonly feature: string;
  readonly dependsOn: readonly string[];
}

export interface PlacedTask {
  readonly label: string;
  readonly x: number;
  readonly y: number;
}

export interface PlacedFeature {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isOpen: boolean;
  readonly tasks: readonly PlacedTask[];
}

export interface PlacedEdge {
  /** Label of a task, or name of a closed feature. */
  readonly from: string;
  readonly to: string;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export interface GraphLayout {
  readonly features: readonly PlacedFeature[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

export const NODE = { width: 156, height: 30 } as const;
const GAP = { x: 44, y: 10 } as const;
const PAD = { x: 14, top: 34, bottom: 14 } as const;
const CLOSED = { width: 220, height: 52 } as const;
const FEATURE_GAP = { x: 72, y: 22 } as const;
/** Tasks below each other before a column goes on beside itself. */
const MAX_ROWS = 24;

interface Box {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly isOpen: boolean;
  readonly tasks: readonly PlacedTask[];
}

/** `closed`: features of which only the box is drawn. Dependencies on tasks that are not given are passed over. */
export function layoutGraph(tasks: readonly LayoutTask[], closed: ReadonlySet<string>): GraphLayout {
  const featureOf = new Map(tasks.map(({ label, feature }) => [label, feature]));
  const groups = new Map<string, LayoutTask[]>();
  for (const task of tasks) {
    const own = groups.get(task.feature);
    if (own) own.push(task);
    else groups.set(task.feature, [task]);
  }
  const boxes = new Map(
    [...groups].map(([name, own]) => [name, closed.has(name) ? closedBox(name) : openBox(name, own)]),
  );
  const links: Link[] = [];
  for (const { feature, dependsOn } of tasks)
    for (const need of dependsOn) {
      const other = featureOf.get(need);
      if (other !== undefined && other !== feature) links.push([other, feature]);
    }
  const features = placeBoxes(boxes, links);
  const edges = edgesOf(tasks, featureOf, features, closed);
  const width = Math.max(1, ...features.map(({ x, width: own }) => x + own));
  const height = Math.max(1, ...features.map(({ y, height: own }) => y + own));
  return { features, edges, width, height };
}

function closedBox(name: string): Box {
  return { name, ...CLOSED, isOpen: false, tasks: [] };
}

function openBox(name: string, tasks: readonly LayoutTask[]): Box {
  const links = tasks.flatMap(({ label, dependsOn }) => dependsOn.map((need): Link => [need, label]));
  const columns = ordered(
    columnsOf(
      tasks.map(({ label }) => label),
      links,
    ),
    links,
  ).flatMap(wrapped);
  const rows = Math.max(1, ...columns.map((column) => column.length));
  const placed = columns.flatMap((column, at) => {
    // Shorter columns stand in the middle.
    const free = ((rows - column.length) * (NODE.height + GAP.y)) / 2;
    return column.map((label, row) => ({
      label,
      x: PAD.x + at * (NODE.width + GAP.x),
      y: PAD.top + free + row * (NODE.height + GAP.y),
    }));
  });
  const width = 2 * PAD.x + columns.length * (NODE.width + GAP.x) - GAP.x;
  const height = PAD.top + PAD.bottom + rows * (NODE.height + GAP.y) - GAP.y;
  return { name, width: Math.max(width, CLOSED.width), height, isOpen: true, tasks: placed };
}

function wrapped(column: readonly string[]): string[][] {
  const parts = Math.ceil(column.length / MAX_ROWS);
  const size = Math.ceil(column.length / Math.max(parts, 1));
  return Array.from({ length: parts }, (_, i) => column.slice(i * size, (i + 1) * size));
}

/** Columns of boxes; one that is far higher than the drawing should be goes on beside itself. */
function placeBoxes(boxes: ReadonlyMap<string, Box>, links: readonly Link[]): PlacedFeature[] {
  const columns = ordered(columnsOf([...boxes.keys()], links), links).map((names) =>
    names.map((name) => boxes.get(name) as Box),
  );
  const area = [...boxes.values()].reduce(
    (sum, { width, height }) => sum + (width + FEATURE_GAP.x) * (height + FEATURE_GAP.y),
    0,
  );
  const highest = Math.max(0, ...[...boxes.values()].map(({ height }) => height));
  const limit = Math.max(highest, Math.sqrt(area / 1.6));
  const placed: PlacedFeature[] = [];
  let x = 0;
  for (const column of columns.flatMap((boxesIn) => splitByHeight(boxesIn, limit))) {
    let y = 0;
    for (const box of column) {
      const tasks = box.tasks.map((task) => ({ ...task, x: task.x + x, y: task.y + y }));
      placed.push({ ...box, x, y, tasks });
      y += box.height + FEATURE_GAP.y;
    }
    x += Math.max(...column.map(({ width }) => width)) + FEATURE_GAP.x;
  }
  return placed;
}

function splitByHeight(column: readonly Box[], limit: number): Box[][] {
  const parts: Box[][] = [];
  let height = Number.POSITIVE_INFINITY;
  for (const box of column) {
    if (height + box.height > limit) {
      parts.push([]);
      height = 0;
    }
    parts.at(-1)?.push(box);
    height += box.height + FEATURE_GAP.y;
  }
  return parts;
}

function edgesOf(
  tasks: readonly LayoutTask[],
  featureOf: ReadonlyMap<string, string>,
  features: readonly PlacedFeature[],
  closed: ReadonlySet<string>,
): PlacedEdge[] {
  const places = new Map<string, { x: number; y: number; width: number; height: number }>();
  for (const { name, x, y, width, height, tasks: own } of features) {
    places.set(name, { x, y, width, height });
    for (const task of own) places.set(task.label, { x: task.x, y: task.y, ...NODE });
  }
  const end = (label: string) => {
    const feature = featureOf.get(label);
    return feature !== undefined && closed.has(feature) ? feature : label;
  };
  const edges = new Map<string, PlacedEdge>();
  for (const { label, dependsOn } of tasks)
    for (const need of dependsOn) {
      const [from, to] = [end(need), end(label)];
      const [a, b] = [places.get(from), places.get(to)];
      if (from === to || !a || !b || edges.has(`${from}\0${to}`)) continue;
      const line = { x1: a.x + a.width, y1: a.y + a.height / 2, x2: b.x, y2: b.y + b.height / 2 };
      edges.set(`${from}\0${to}`, { from, to, ...line });
    }
  return [...edges.values()];
}
