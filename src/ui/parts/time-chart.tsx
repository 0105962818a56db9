/** Bars over time in rows, with a range that is zoomed and moved. */

import { useEffect, useRef } from 'preact/hooks';
import { duration } from '../format.js';

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Bar extends Range {
  readonly phase: string;
  readonly title: string;
  readonly href?: string;
}

export interface ChartRow {
  readonly name: string;
  readonly href?: string;
  readonly bars: readonly Bar[];
  /** Around the bars of one task. */
  readonly frames?: readonly (Range & { readonly name: string; readonly isBad: boolean })[];
}

/** Thousandths of the width below which a bar is not seen. */
const MIN_SHARE = 0.0004;
const MIN_RANGE_MS = 5;

export function TimeChart(props: {
  readonly rows: readonly ChartRow[];
  readonly whole: Range;
  readonly range: Range;
  readonly onRange: (range: Range | undefined) => void;
}) {
  const { rows, whole, range, onRange } = props;
  const frame = useRef<HTMLDivElement>(null);
  const span = range.to - range.from;
  const place = (at: number) => `${(100 * (at - range.from)) / span}%`;
  const share = (one: Range) => (one.to - one.from) / span;
  const isSeen = (one: Range) => one.to >= range.from && one.from <= range.to && share(one) >= MIN_SHARE;
  const zoom = (factor: number, middle = (range.from + range.to) / 2) => {
    const half = Math.max(MIN_RANGE_MS, span * factor);
    const left = middle - (middle - range.from) * (half / span);
    onRange(bounded({ from: left, to: left + half }, whole));
  };
  const move = (part: number) =>
    onRange(bounded({ from: range.from + span * part, to: range.to + span * part }, whole));
  useEffect(() => {
    const element = frame.current;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
      if (event.shiftKey) move(event.deltaY > 0 ? 0.1 : -0.1);
      else zoom(event.deltaY < 0 ? 0.8 : 1.25, range.from + (span * (event.clientX - left)) / width);
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  });
  const onKey = (event: KeyboardEvent) => {
    const acts: Readonly<Record<string, () => void>> = {
      '+': () => zoom(0.6),
      '-': () => zoom(1.6),
      ArrowLeft: () => move(-0.2),
      ArrowRight: () => move(0.2),
      '0': () => onRange(undefined),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  return (
    <>
      <div class="button-group zoom">
        <button type="button" class="button" onClick={() => zoom(0.6)} aria-label="Zoom in">
          +
        </button>
        <button type="button" class="button" onClick={() => zoom(1.6)} aria-label="Zoom out">
          −
        </button>
        <button type="button" class="button" onClick={() => move(-0.4)} aria-label="Earlier">
          ←
        </button>
        <button type="button" class="button" onClick={() => move(0.4)} aria-label="Later">
          →
        </button>
        <button type="button" class="button" onClick={() => onRange(undefined)}>
          All
        </button>
        <span class="dim small">Ctrl and wheel zoom, Shift and wheel move</span>
      </div>
      <div class="chart" ref={frame} tabIndex={0} role="group" aria-label="Timeline" onKeyDown={onKey}>
        <div class="chart-row axis" aria-hidden="true">
          <span class="chart-name" />
          <div class="chart-line">
            {ticks(range, whole.from).map(({ at, text }) => (
              <span key={at} class="tick" style={{ left: place(at) }}>
                {text}
              </span>
            ))}
          </div>
        </div>
        {rows.map((row) => (
          <div class="chart-row" key={row.name}>
            <span class="chart-name" title={row.name}>
              {row.href === undefined ? row.name : <a href={row.href}>{row.name}</a>}
            </span>
            <div class="chart-line">
              {row.bars.filter(isSeen).map((bar) => (
                <BarView
                  key={`${bar.from} ${bar.phase} ${bar.title}`}
                  bar={bar}
                  left={place(bar.from)}
                  width={`${100 * share(bar)}%`}
                />
              ))}
              {row.frames?.filter(isSeen).map((one) => (
                <span
                  key={`${one.from} ${one.name}`}
                  class={`frame${one.isBad ? ' bad' : ''}`}
                  style={{ left: place(one.from), width: `${100 * share(one)}%` }}
                  aria-hidden="true"
                >
                  {share(one) > 0.05 && <span class="frame-name">{one.name}</span>}
                </span>
              ))}
            </div>
          </div>
        ))}
      </div>
    </>
  );
}

function BarView({ bar, left, width }: { readonly bar: Bar; readonly left: string; readonly width: string }) {
  const title = `${bar.title}, ${duration(bar.to - bar.from)}`;
  const common = { class: `bar-span phase-${bar.phase}`, style: { left, width }, title };
  return bar.href === undefined ? (
    <span {...common} role="img" aria-label={title} />
  ) : (
    <a {...common} href={bar.href} aria-label={title} tabIndex={-1} />
  );
}

function bounded({ from, to }: Range, whole: Range): Range | undefined {
  const span = to - from;
  if (span >= whole.to - whole.from) return undefined;
  const left = Math.min(Math.max(from, whole.from), whole.to - span);
  return { from: left, to: left + span };
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  1_800_000, 3_600_000, 14_400_000,
];

function ticks(range: Range, start: number): { at: number; text: string }[] {
  const span = range.to - range.from;
  const step = STEPS.find((one) => span / one <= 7) ?? 86_400_000;
  const found: { at: number; text: string }[] = [];
  for (let at = start + Math.ceil((range.from - start) / step) * step; at <= range.to; at += step)
    found.push({ at, text: duration(at - start) });
  return found;
}
