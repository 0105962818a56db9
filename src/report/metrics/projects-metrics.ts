/** Metrics of several projects: those of each, those of all together, and both as a table. Reads no history. */

import type { HistoryLine } from '../../model/history.js';
import { aligned } from '../project-tables.js';
import { duration, money, plural, type Style, visible } from '../style.js';
import { type Metrics, metricsOf, tokensOf } from './metrics.js';
import { countText, periodText, rateText } from './text.js';

export interface ProjectsMetrics {
  readonly schema: 1;
  /** In the order of the list. */
  readonly projects: readonly { readonly name: string; readonly metrics: Metrics }[];
  /** Over all of them. */
  readonly all: Metrics;
}

export function projectsMetrics(histories: ReadonlyMap<string, readonly HistoryLine[]>): ProjectsMetrics {
  const projects = [...histories].map(([name, lines]) => ({ name, metrics: metricsOf(lines) }));
  // Builds and features of two projects may have the same names, and are not the same.
  const lines = [...histories].flatMap(([name, own]) =>
    own.map((line) => ({ ...line, build: `${name}/${line.build}` })),
  );
  const byFeature = projects
    .flatMap(({ name, metrics }) =>
      metrics.byFeature.map((group) => ({ ...group, name: `${name}/${group.name}` })),
    )
    .sort((a, b) => b.costUsd - a.costUsd || tokensOf(b) - tokensOf(a));
  return { schema: 1, projects, all: { ...metricsOf(lines), byFeature } };
}

const HEAD = [
  'project',
  'builds',
  'built',
  'failed',
  'first attempt',
  'calls',
  'tokens',
  'cost',
  'saved',
  'time',
];

/** One line a project, then all together. */
export function projectsMetricsText({ projects, all }: ProjectsMetrics, style: Style): string {
  const rows = projects.map(({ name, metrics }) => cells(visible(name), metrics));
  const sum = cells('all', all);
  const line = aligned([HEAD, ...rows, sum]);
  const { spent, days, builds } = all;
  const period = days.length === 0 ? '' : `, ${periodText(days)}`;
  const counted = `${plural(builds, 'build')}, ${plural(spent.calls, 'call')} of agents`;
  return [
    style('dim', line(HEAD)),
    ...rows.map(line),
    style('bold', line(sum)),
    `conductor: ${plural(projects.length, 'project')}, ${counted}${period}`,
    '',
  ].join('\n');
}

function cells(name: string, { builds, outcomes, firstAttempt, spent, saved, time }: Metrics): string[] {
  const unpriced = spent.calls > 0 && spent.unpriced === spent.calls;
  return [
    name,
    String(builds),
    String(outcomes.built),
    String(outcomes.failed),
    rateText(firstAttempt),
    String(spent.calls),
    spent.calls === 0 ? '-' : countText(tokensOf(spent)),
    spent.calls === 0 ? '-' : unpriced ? 'unknown' : money(spent.costUsd),
    saved.costUsd === 0 ? '-' : money(saved.costUsd),
    time.count === 0 ? '-' : `median ${duration(time.median)}`,
  ];
}
