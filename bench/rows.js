// Rows of the one table that the bench prints and writes down.
import { loadavg } from 'node:os';
import { shownMs } from './measure.js';

export const COLUMNS = [
  'case',
  'wall',
  'processor',
  'memory',
  'beside it (wall · processor)',
  'ratio (wall · processor)',
  'goal',
  'met',
  'measured',
];

export const count = (value) => value.toLocaleString('en');

/**
 * A row. `time` and `ratio` are `{ wall, cpu }`; `ratio` is to what the goal names, or to the first program beside it. `met` says
 * of a `{ wall, cpu }` whether the goal is met: a loaded machine decides about the wall time, hardly about the processor's.
 * `mbMost` is the goal for memory.
 */
export function row({ name, time, shown, mb, mbMost, beside, ratio, goal, met }) {
  const { wall, cpu } = time ?? {};
  const cells = [
    name,
    shown ?? shownMs(wall),
    shownMs(cpu),
    mb === undefined ? '' : `${Math.round(mb)} MB`,
    beside,
    !ratio ? '' : bothOf(ratio, (value) => value.toFixed(2)),
    goal ?? '',
    goal === undefined || met === undefined ? '' : withMemory(verdict(met), mb > mbMost),
    `${new Date().toISOString().slice(0, 16).replace('T', ' ')}, load ${shownLoad(loadavg()[0])}`,
  ];
  return { cells };
}

/** The bench itself is one or two of it. */
const shownLoad = (load) => (load < 9.5 ? load.toFixed(1) : load.toFixed(0));

function verdict(met) {
  if (met('wall')) return 'yes';
  return met('cpu') ? 'in processor time' : 'no';
}

/** `time`: the verdict on it. */
function withMemory(time, isTooMuch) {
  if (!isTooMuch) return time;
  return time === 'no' ? 'no' : `time: ${time}; memory: no`;
}

const isKnown = (value) => value !== undefined && !Number.isNaN(value);

/** `wall · processor`, as far as they are known. */
function bothOf({ wall, cpu }, shown) {
  return [wall, cpu].filter(isKnown).map(shown).join(' · ');
}

/** Times by program; one that could not be measured has the reason in place of its time. */
export function besideText(times) {
  return Object.entries(times)
    .filter(([, time]) => time !== undefined)
    .map(([name, time]) => `${name} ${time.fault ?? bothOf(time, shownMs)}`)
    .join(', ');
}

export const bothShown = (time) => bothOf(time, shownMs);
