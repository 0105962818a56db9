/** Plots as inline SVG: stacked columns by day, and a line of shares. Knows colours only by class. */

import { html } from '../pages/html.js';

export interface Series {
  readonly name: string;
  /** Class of its colour: `a`, `b`, `c`. */
  readonly tone: string;
  /** By day; undefined: not known. */
  readonly values: readonly (number | undefined)[];
}

const WIDTH = 720;
const HEIGHT = 190;
const LEFT = 64;
const BOTTOM = 24;
const TOP = 10;
const PLOT_WIDTH = WIDTH - LEFT - 8;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
/** Days that are named below the plot. */
const NAMED = 6;

/** Columns of all series on top of each other. */
export function columns(
  days: readonly string[],
  series: readonly Series[],
  unit: (value: number) => string,
): string {
  const totals = days.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const top = roundUp(Math.max(0, ...totals));
  const step = PLOT_WIDTH / Math.max(1, days.length);
  const width = Math.max(1, Math.min(36, step * 0.72));
  const shapes = days.flatMap((day, i) => {
    let y = TOP + PLOT_HEIGHT;
    return series.map(({ name, tone, values }) => {
      const value = values[i] ?? 0;
      const height = (value / top) * PLOT_HEIGHT;
      y -= height;
      const x = LEFT + step * i + (step - width) / 2;
      const title = `<title>${html(`${day} ${name}: ${unit(value)}`)}</title>`;
      const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
      return value > 0 ? `<rect class="${tone}" ${place}>${title}</rect>` : '';
    });
  });
  return frame(days, top, unit, shapes.join(''));
}

/** One share between 0 and 1 a day; days without one are passed over. */
export function shareLine(days: readonly string[], { name, tone, values }: Series): string {
  const step = PLOT_WIDTH / Math.max(1, days.length);
  const points = values.flatMap((value, i) =>
    value === undefined
      ? []
      : [{ day: days[i] ?? '', value, x: LEFT + step * (i + 0.5), y: TOP + PLOT_HEIGHT * (1 - value) }],
  );
  const path = points.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ');
  const dots = points.map(({ day, value, x, y }) => {
    const title = `<title>${html(`${day} ${name}: ${percent(value)}`)}</title>`;
    return `<circle class="${tone}" cx="${round(x)}" cy="${round(y)}" r="3.5">${title}</circle>`;
  });
  return frame(days, 1, percent, `<polyline class="${tone}" points="${path}"/>${dots.join('')}`);
}

function frame(
  days: readonly string[],
  top: number,
  unit: (value: number) => string,
  inside: string,
): string {
  const lines = [0, 0.5, 1].map((share) => {
    const y = round(TOP + PLOT_HEIGHT * (1 - share));
    const line = `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${y}" y2="${y}"/>`;
    return `${line}<text class="y" x="${LEFT - 8}" y="${y + 4}">${html(unit(top * share))}</text>`;
  });
  const step = PLOT_WIDTH / Math.max(1, days.length);
  const every = Math.max(1, Math.ceil(days.length / NAMED));
  const names = days.map((day, i) =>
    i % every === 0
      ? `<text class="x" x="${round(LEFT + step * (i + 0.5))}" y="${HEIGHT - 6}">${html(day.slice(5))}</text>`
      : '',
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${lines.join('')}${inside}${names.join('')}</svg>`;
}

function percent(value: number): string {
  return `${Math.round(value * 100)}%`;
}

/** The next number that reads well: 1, 2, 2.5 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
