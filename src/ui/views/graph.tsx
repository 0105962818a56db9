/** The graph of features and tasks, coloured by verdict or, for a build, by outcome. */

import { useMemo, useState } from 'preact/hooks';
import type { BuildDocument } from '../../model/build-view.js';
import type { GraphDocument, GraphTask } from '../../model/page.js';
import { plural } from '../format.js';
import { Canvas } from '../graph/canvas.js';
import { type GraphLayout, layoutGraph, type PlacedEdge } from '../graph/layout.js';
import { FeatureBack, FeatureHead, TaskNode } from '../graph/nodes.js';
import { useLive, useLiveBuild } from '../live.js';
import { Document, Failure, Panel } from '../parts/common.js';
import { Filter, isFiltering, matches } from '../parts/filter.js';
import { Status, stateOf } from '../parts/status.js';
import { link } from '../router.js';
import { paths, useDocument } from '../source.js';

/** With more tasks, features begin closed. */
const OPEN_TASKS = 1200;

export function GraphView(props: { readonly query: URLSearchParams; readonly reported: string | undefined }) {
  const { query, reported } = props;
  const loaded = useDocument<GraphDocument>(paths.graph);
  return (
    <>
      <header class="page-head">
        <h1>Graph</h1>
      </header>
      <Document loaded={loaded} missing="There is no graph.">
        {(graph) => <Graph graph={graph} query={query} reported={reported} />}
      </Document>
    </>
  );
}

function Graph(props: {
  readonly graph: GraphDocument;
  readonly query: URLSearchParams;
  readonly reported: string | undefined;
}) {
  const { graph, query, reported } = props;
  const running = useLive(({ rows }) => rows.find(({ outcome }) => outcome === 'running')?.build);
  const build = query.get('build') ?? reported ?? running;
  const outcomes = useOutcomes(build);
  const kindOf = (task: GraphTask) => outcomes.get(task.label) ?? task.verdict ?? 'pending';
  const kinds = [...new Set(graph.tasks.map(kindOf))].sort();
  const features = graph.features.map(({ name }) => name);
  const shown = graph.tasks.filter((task) => matches(query, task.label, kindOf(task), task.title));
  const isSearch = isFiltering(query);
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const beginsClosed = shown.length > OPEN_TASKS;
  const closed = new Set(features.filter((name) => toggled.has(name) !== beginsClosed));
  const layout = useLayout(shown, closed);
  const note = isSearch
    ? `${plural(shown.length, 'task')} of ${graph.tasks.length}`
    : plural(shown.length, 'task');
  const toggle = (name: string) => {
    const next = new Set(toggled);
    if (!next.delete(name)) next.add(name);
    setToggled(next);
  };
  const setAll = (isClosed: boolean) => setToggled(new Set(isClosed === beginsClosed ? [] : features));
  const byLabel = new Map(shown.map((task) => [task.label, task]));
  const ends = new Set(shown.filter(({ critical }) => critical).map(({ label }) => label));
  return (
    <>
      {graph.problem && <Failure failure={graph.problem} title="verdicts are not known" />}
      <Panel title={build === undefined ? 'Today' : 'Build'} note={note} class="graph-panel">
        <div class="graph-tools">
          <Filter query={query} outcomes={kinds} features={features} view={['graph', '']} />
          <span class="button-group">
            <button type="button" class="button" onClick={() => setAll(true)}>
              Close all
            </button>
            <button type="button" class="button" onClick={() => setAll(false)}>
              Open all
            </button>
            {query.get('build') !== null && (
              <a class="button" href={link('graph')}>
                Today's verdicts
              </a>
            )}
          </span>
        </div>
        <Legend kinds={kinds} />
        <Canvas width={layout.width} height={layout.height} label="Graph of tasks">
          {layout.features.map((feature) => (
            <FeatureBack key={feature.name} feature={feature} />
          ))}
          <path class="edges" d={edgePath(layout.edges)} />
          <path
            class="edges critical"
            d={edgePath(layout.edges.filter(({ from, to }) => ends.has(from) && ends.has(to)))}
          />
          {layout.features.map((feature) => (
            <FeatureHead
              key={feature.name}
              feature={feature}
              kinds={closed.has(feature.name) ? kindsIn(shown, feature.name, kindOf) : []}
              onToggle={() => toggle(feature.name)}
            />
          ))}
          {layout.features.flatMap((feature) =>
            feature.tasks.map((place) => {
              const task = byLabel.get(place.label);
              return (
                task && (
                  <TaskNode key={place.label} place={place} task={task} kind={kindOf(task)} build={build} />
                )
              );
            }),
          )}
        </Canvas>
      </Panel>
    </>
  );
}

function useOutcomes(build: string | undefined): ReadonlyMap<string, string> {
  const live = useLiveBuild(build);
  const loaded = useDocument<BuildDocument>(build === undefined || live ? undefined : paths.build(build));
  const document = live ?? (loaded.state === 'ready' ? loaded.value : undefined);
  return new Map((document?.tasks ?? []).map((task) => [task.label, stateOf(task)]));
}

/** The same tasks with the same features closed stand where they stood: outcomes move nothing. */
function useLayout(tasks: readonly GraphTask[], closed: ReadonlySet<string>): GraphLayout {
  const shape = `${tasks.map(({ label }) => label).join('\n')}\0${[...closed].join('\n')}`;
  return useMemo(
    () =>
      layoutGraph(
        tasks.map(({ label, dependsOn }) => ({ label, feature: featureOf(label), dependsOn })),
        closed,
      ),
    [shape],
  );
}

function featureOf(label: string): string {
  return label.slice(0, label.indexOf('/') >>> 0);
}

function kindsIn(
  tasks: readonly GraphTask[],
  feature: string,
  kindOf: (task: GraphTask) => string,
): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const task of tasks)
    if (featureOf(task.label) === feature) counts.set(kindOf(task), (counts.get(kindOf(task)) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** All lines as one: a thousand elements of their own would be slow. */
function edgePath(edges: readonly PlacedEdge[]): string {
  return edges
    .map(({ x1, y1, x2, y2 }) => {
      const bend = Math.max(24, Math.abs(x2 - x1) / 2);
      return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
    })
    .join('');
}

function Legend({ kinds }: { readonly kinds: readonly string[] }) {
  return (
    <p class="legend">
      {kinds.map((kind) => (
        <Status key={kind} kind={kind} />
      ))}
      <span class="legend-line">
        <span class="swatch critical" aria-hidden="true" /> critical path
      </span>
    </p>
  );
}
