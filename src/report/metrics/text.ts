/** Metrics for people, line by line: with charts on a terminal, else only numbers. */

import { bytes, duration, money, plural, type Style, visible } from '../style.js';
import { padTo, textWidth } from '../width.js';
import { filledDays } from './days.js';
import {
  type Arm,
  type Day,
  type Group,
  type Metrics,
  type Rate,
  type Sizes,
  type Spent,
  tokensOf,
} from './metrics.js';

const BAR_WIDTH = 24;
/** Names in a list. */
const MAX_NAMED = 10;
/** The last days of a trend: as many columns as it takes. */
const MAX_DAYS = 60;

/** `charts`: whether the reader can see them. */
export function metricsText(metrics: Metrics, style: Style, charts: boolean): string {
  const { from, to, spent } = metrics;
  if (from === undefined || to === undefined) {
    return 'conductor: no data yet; builds and plans record it\n';
  }
  const days = filledDays(metrics.days).slice(-MAX_DAYS);
  const head = `${plural(metrics.builds, 'build')}, ${plural(spent.calls, 'call')} of agents`;
  const sections = [
    `${style('bold', head)}, ${periodText(metrics.days)}\n`,
    summary(metrics, style),
    groupSection('Cost by model', metrics.byModel, style, charts),
    groupSection('Cost by feature', metrics.byFeature, style, charts),
    groupSection('Cost by phase', metrics.byPhase, style, charts),
    failureSection(metrics, style, charts),
    armSection(metrics.arms, style),
    charts ? trends(days, style) : dayTable(metrics.days.slice(-MAX_DAYS), style),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

export function periodText(days: readonly Day[]): string {
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  return first === last ? `${first}` : `${first} to ${last}`;
}

function summary(metrics: Metrics, style: Style): string {
  const { spent, saved, time, prompts, firstAttempt, afterRebase, rebases, outcomes } = metrics;
  const done = Object.entries(outcomes).filter(([, count]) => count > 0);
  const rows: [string, string][] = [
    ['tasks', done.map(([kind, count]) => `${kind} ${count}`).join('  ') || 'none'],
    ['first attempt', rateText(firstAttempt)],
    ['rebases', rebases === 0 ? 'none' : `${rebases}; the next attempt built ${rateText(afterRebase)}`],
    ['tokens', tokenText(spent)],
    ['cost', costText(spent, outcomes.built)],
    [
      'saved',
      saved.calls === 0 ? 'nothing' : `${priceOf(saved)} by the store (${plural(saved.calls, 'result')})`,
    ],
    ['time', time.count === 0 ? '-' : sizeText(time, duration)],
    ['prompts', promptText('implementation', prompts.implementation)],
    ['', promptText('planning', prompts.planning)],
  ];
  return rows
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${style('dim', padTo(name, 15))}${value}\n`)
    .join('');
}

function promptText(name: string, sizes: Sizes): string {
  return sizes.count === 0 ? '' : `${name} ${sizeText(sizes, (size) => bytes(Math.round(size)))}`;
}

function sizeText({ median, p90, max }: Sizes, unit: (value: number) => string): string {
  return `median ${unit(median)}, 90% within ${unit(p90)}, at most ${unit(max)}`;
}

export function rateText({ ok, of }: Rate): string {
  return of === 0 ? '-' : `${ok} of ${of} (${Math.round((100 * ok) / of)}%)`;
}

export function tokenText({ tokensIn, tokensOut, tokensCached }: Spent): string {
  return `${countText(tokensIn)} in, ${countText(tokensOut)} out, ${countText(tokensCached)} cached`;
}

/** What is not known is not nothing. */
export function priceOf({ costUsd, unpriced, calls }: Spent): string {
  if (calls > 0 && unpriced === calls) return 'no known price';
  return unpriced === 0 ? money(costUsd) : `${money(costUsd)} + ${plural(unpriced, 'call')} without a price`;
}

function costText(spent: Spent, built: number): string {
  const each = built > 0 && spent.costUsd > 0 ? `, ${money(spent.costUsd / built)} per built task` : '';
  return spent.calls === 0 ? '-' : `${priceOf(spent)}${each}`;
}

function groupSection(title: string, groups: readonly Group[], style: Style, charts: boolean): string {
  if (groups.length === 0) return '';
  const priced = groups.some(({ costUsd }) => costUsd > 0);
  const sizeOf = (group: Group) => (priced ? group.costUsd : tokensOf(group));
  const largest = Math.max(...groups.map(sizeOf));
  const shown = groups.slice(0, MAX_NAMED);
  const rows = shown.map((group) => [
    visible(group.name),
    priceOf(group),
    `${countText(tokensOf(group))} tokens`,
    plural(group.calls, 'call'),
    charts ? style('cyan', bar(sizeOf(group), largest, BAR_WIDTH)) : '',
  ]);
  const more = groups.length > shown.length ? `  and ${groups.length - shown.length} more\n` : '';
  return `${style('bold', title)}\n${table(rows)}${more}`;
}

function failureSection({ failures }: Metrics, style: Style, charts: boolean): string {
  if (failures.length === 0) return '';
  const largest = failures[0]?.count ?? 0;
  const rows = failures
    .slice(0, MAX_NAMED)
    .map(({ kind, count }) => [
      visible(kind),
      String(count),
      charts ? style('red', bar(count, largest, BAR_WIDTH)) : '',
    ]);
  return `${style('bold', 'Failures of attempts')}\n${table(rows)}`;
}

function armSection(arms: readonly Arm[], style: Style): string {
  if (arms.length === 0) return '';
  const rows = arms.map((arm) => [
    visible(arm.name),
    visible(arm.models.join(', ')),
    `${arm.built} of ${plural(arm.tasks, 'task')} built`,
    `first attempt ${rateText(arm.firstAttempt)}`,
    arm.built > 0 ? `${money(arm.costUsd / arm.built)} a task` : '-',
    `median ${duration(arm.medianMs)}`,
  ]);
  return `${style('bold', 'Arms of experiments')}\n${table(rows)}`;
}

function trends(days: readonly Day[], style: Style): string {
  if (days.length < 2) return '';
  const line = (name: string, values: readonly (number | undefined)[], unit: (value: number) => string) => {
    const known = values.flatMap((value) => value ?? []);
    const range = `${unit(Math.min(...known))} to ${unit(Math.max(...known))}`;
    return known.length === 0 ? [] : [[name, style('cyan', sparkline(values)), range]];
  };
  const share = ({ ok, of }: Rate) => (of === 0 ? undefined : ok / of);
  const rows = [
    ...line(
      'cost',
      days.map(({ costUsd }) => costUsd),
      money,
    ),
    ...line('tokens', days.map(tokensOf), countText),
    ...line(
      'built',
      days.map(({ built }) => built),
      String,
    ),
    ...line(
      'failed',
      days.map(({ failed }) => failed),
      String,
    ),
    ...line(
      'first attempt',
      days.map(({ firstAttempt }) => share(firstAttempt)),
      (value) => `${Math.round(value * 100)}%`,
    ),
  ];
  return `${style('bold', `By day, ${days[0]?.day} to ${days.at(-1)?.day}`)}\n${table(rows)}`;
}

function dayTable(days: readonly Day[], style: Style): string {
  const rows = days.map((day) => [
    day.day,
    priceOf(day),
    `${countText(tokensOf(day))} tokens`,
    `built ${day.built}`,
    `failed ${day.failed}`,
    `first attempt ${rateText(day.firstAttempt)}`,
  ]);
  return `${style('bold', 'By day')}\n${table(rows)}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const width = (at: number) => Math.max(0, ...rows.map((row) => textWidth(row[at] ?? '')));
  return rows
    .map(
      (row) =>
        `  ${row.map((cell, at) => (at === row.length - 1 ? cell : padTo(cell, width(at)))).join('  ')}`,
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** `950`, `1.2k`, `34k`, `5.6M`. */
export function countText(count: number): string {
  if (count < 1000) return String(Math.round(count));
  return count < 1e6 ? `${(count / 1000).toFixed(count < 1e4 ? 1 : 0)}k` : `${(count / 1e6).toFixed(1)}M`;
}

const EIGHTHS_UP = '▁▂▃▄▅▆▇█';
const EIGHTHS_RIGHT = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A character a value, from zero to the largest; a gap where there is none. */
export function sparkline(values: readonly (number | undefined)[]): string {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  return values
    .map((value) => {
      if (value === undefined) return ' ';
      const level = largest === 0 ? 0 : Math.round((value / largest) * (EIGHTHS_UP.length - 1));
      return EIGHTHS_UP[level];
    })
    .join('');
}

/** A bar of at most `width` columns; what is more than nothing is seen. */
export function bar(value: number, largest: number, width: number): string {
  if (value <= 0 || largest <= 0) return '';
  const eighths = Math.max(1, Math.round((value / largest) * width * 8));
  return '█'.repeat(eighths >> 3) + EIGHTHS_RIGHT[eighths & 7];
}
