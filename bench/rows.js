// Rows of the one table that the bench prints and writes down.
import { shownMs } from './measure.js';

export const COLUMNS = ['case', 'conductor', 'memory', 'beside it', 'ratio', 'goal', 'met', 'measured'];

export const count = (value) => value.toLocaleString('en');

/** A row; `ratio` is to what the goal names, or to the first program beside it. */
export function row({ name, ms, shown, mb, beside, ratio, goal, met }) {
  return {
    case: name,
    conductor: shown ?? shownMs(ms),
    memory: mb === undefined ? '' : `${Math.round(mb)} MB`,
    'beside it': beside,
    ratio: ratio === undefined ? '' : ratio.toFixed(2),
    goal: goal ?? '',
    met: goal === undefined || met === undefined ? '' : met ? 'yes' : 'no',
    measured: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

export function besideText(times) {
  return Object.entries(times)
    .filter(([, ms]) => ms !== undefined)
    .map(([name, ms]) => `${name} ${shownMs(ms)}`)
    .join(', ');
}
