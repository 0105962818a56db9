/** Charts over days, drawn by uPlot; a table below says the same for those who cannot see them. */

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Series {
  readonly name: string;
  /** Name of a custom property with its colour. */
  readonly colour: string;
  readonly values: readonly (number | undefined)[];
}

export interface ChartProps {
  readonly title: string;
  /** `2026-01-31`, UTC. */
  readonly days: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly kind: 'bars' | 'line';
  /** Series stand on top of each other. */
  readonly stacked?: boolean;
}

const HEIGHT = 200;
const { bars, linear } = uPlot.paths;

export function Chart(props: ChartProps) {
  const { title, days, series, format } = props;
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const draw = () => new uPlot(options(props, element), data(props), element);
    let plot = draw();
    const onTheme = () => {
      plot.destroy();
      plot = draw();
    };
    const sizes = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    sizes.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', onTheme);
    const theme = new MutationObserver(onTheme);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      theme.disconnect();
      scheme.removeEventListener('change', onTheme);
      plot.destroy();
    };
  }, [props]);
  return (
    <figure class="plot">
      <figcaption>{title}</figcaption>
      <div ref={frame} class="plot-frame" aria-hidden="true" />
      <p class="legend">
        {series.map(({ name, colour }) => (
          <span key={name} class="legend-line">
            <span class={`swatch colour-${colour}`} aria-hidden="true" /> {name}
          </span>
        ))}
      </p>
      <details class="plot-table">
        <summary>As a table</summary>
        <div class="table-scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Day</th>
                {series.map(({ name }) => (
                  <th scope="col" key={name} class="right">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days.map((day, at) => (
                <tr key={day}>
                  <th scope="row">{day}</th>
                  {series.map(({ name, values }) => {
                    const value = values[at];
                    return (
                      <td key={name} class="right">
                        {value === undefined ? '' : format(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function data({ days, series, stacked }: ChartProps): uPlot.AlignedData {
  const at = days.map((_, index) => index);
  if (!stacked) return [at, ...series.map(({ values }) => values.map((value) => value ?? null))];
  const sums = days.map(() => 0);
  const lifted = series.map(({ values }) =>
    values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return sums[index] ?? 0;
    }),
  );
  // The highest is drawn first, the others over it.
  return [at, ...lifted.reverse()];
}

function options(props: ChartProps, element: HTMLElement): uPlot.Options {
  const { days, series, format, kind, stacked } = props;
  const colour = (name: string) => resolvedColour(element, name);
  const drawn = stacked ? [...series].reverse() : series;
  const paths = kind === 'bars' ? bars?.({ size: [0.7, 48], radius: 0.08 }) : linear?.();
  const axis = { stroke: colour('dim'), ticks: { show: false }, font: '11px system-ui, sans-serif' };
  const grid = { stroke: colour('line'), width: 1 };
  return {
    width: Math.max(120, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // Days by their number: each has the same width.
      x: { time: false, range: () => [-0.6, days.length - 0.4] },
      y: { range: (_plot, _from, to) => [0, to > 0 ? to * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 28,
        grid: { show: false },
        incrs: [1, 2, 7, 14, 28, 56, 112],
        values: (_plot, all) => all.map((index) => dayText(days[index])),
      },
      { ...axis, grid, size: 58, values: (_plot, all) => all.map((value) => format(value)) },
    ],
    series: [
      {},
      ...drawn.map(({ name, colour: own }) => ({
        label: name,
        stroke: colour(own),
        ...(kind === 'bars' ? { fill: colour(own), width: 0 } : { width: 2 }),
        ...(paths ? { paths } : {}),
        points: { show: kind === 'line', size: 6, fill: colour(own) },
        spanGaps: true,
      })),
    ],
  };
}

/** A canvas knows no custom properties and no `light-dark()`: the style sheet's answer for an element is asked for. */
function resolvedColour(element: HTMLElement, name: string): string {
  const before = element.style.color;
  element.style.color = `var(--${name})`;
  const found = getComputedStyle(element).color;
  element.style.color = before;
  return found;
}

function dayText(day: string | undefined): string {
  if (day === undefined) return '';
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });
}
