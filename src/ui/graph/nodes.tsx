/** Tasks and features as the graph draws them. A task is a link, a feature a button. */

import type { GraphTask } from '../../model/page.js';
import { duration, plural } from '../format.js';
import { lookOf } from '../parts/status.js';
import { taskLink } from '../router.js';
import { NODE, type PlacedFeature, type PlacedTask } from './layout.js';

/** Characters that fit into a node: SVG does not cut text by itself. */
const MAX_NAME = 19;

export function TaskNode(props: {
  readonly place: PlacedTask;
  readonly task: GraphTask;
  readonly kind: string;
  readonly build: string | undefined;
}) {
  const { place, task, kind, build } = props;
  const { tone, sign, word } = lookOf(kind);
  const id = task.label.slice(task.label.indexOf('/') + 1);
  const name = task.title === '' ? id : `${id} ${task.title}`;
  const shown = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
  const time = task.ms === undefined ? '' : `, ${duration(task.ms)}`;
  return (
    <a
      class={`node tone-${tone}${task.critical ? ' critical' : ''}`}
      href={taskLink(task.label, build)}
      aria-label={`${sign} ${shown} (${task.label}, ${word})`}
      data-label={task.label}
    >
      <title>{`${task.label}: ${task.title}\n${task.why ?? word}${time}`}</title>
      <rect x={place.x} y={place.y} width={NODE.width} height={NODE.height} rx="6" />
      <text class="node-sign" x={place.x + 10} y={place.y + 20}>
        {sign}
      </text>
      <text x={place.x + 26} y={place.y + 20}>
        {shown}
      </text>
    </a>
  );
}

/** Behind the lines between tasks. */
export function FeatureBack({ feature }: { readonly feature: PlacedFeature }) {
  const { x, y, width, height, isOpen } = feature;
  return (
    <rect
      class={`feature-back${isOpen ? '' : ' closed'}`}
      x={x}
      y={y}
      width={width}
      height={height}
      rx="10"
    />
  );
}

/** Its name, which opens and closes it; over the lines. */
export function FeatureHead(props: {
  readonly feature: PlacedFeature;
  /** Of a closed one: what its tasks are. */
  readonly kinds: readonly (readonly [string, number])[];
  readonly onToggle: () => void;
}) {
  const { feature, kinds, onToggle } = props;
  const { name, x, y, width, height, isOpen } = feature;
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    event.stopPropagation();
    onToggle();
  };
  const letters = Math.floor((width - 40) / 7.4);
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  return (
    <g class={`feature${isOpen ? '' : ' closed'}`}>
      <g
        class="feature-head"
        role="button"
        tabindex={0}
        aria-expanded={isOpen}
        aria-label={`Feature ${name}`}
        onClick={onToggle}
        onKeyDown={onKey}
      >
        <title>{`${isOpen ? 'Close' : 'Open'} ${name}`}</title>
        <rect class="feature-hit" x={x} y={y} width={width} height={isOpen ? 28 : height} rx="10" />
        <text x={x + 12} y={y + 20}>
          {`${isOpen ? '▾' : '▸'} ${name.length > letters ? `${name.slice(0, letters - 1)}…` : name}`}
        </text>
        {!isOpen && (
          <text class="feature-note" x={x + 26} y={y + 40}>
            {plural(total, 'task')}
            {kinds.slice(0, 3).map(([kind, count]) => {
              const { sign, tone } = lookOf(kind);
              return <tspan key={kind} class={`tone-${tone}`}>{`  ${sign} ${count}`}</tspan>;
            })}
          </text>
        )}
      </g>
    </g>
  );
}
