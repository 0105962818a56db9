/** Metrics as one page of HTML with plots. */

import { html, htmlPage } from '../pages/html.js';
import { bytes, duration, money, plural } from '../style.js';
import { filledDays } from './days.js';
import { type Group, type Metrics, type Rate, tokensOf } from './metrics.js';
import { columns, type Series, shareLine } from './plot.js';
import { countText, periodText, priceOf, rateText, tokenText } from './text.js';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #373e47); --dim: light-dark(#59636e, #9198a1);
  --back: light-dark(#ffffff, #15191f); --card: light-dark(#f6f8fa, #1d232b);
  --a: light-dark(#0969da, #539bf5); --b: light-dark(#1a7f37, #57ab5a); --c: light-dark(#8c959f, #636e7b);
  --bad: light-dark(#cf222e, #f47067); }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1.5rem; background: var(--back);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
.dim { color: var(--dim); } p { margin: .25rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
.fact { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; }
.fact b { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.fact span { color: var(--dim); font-size: .85rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 0 2rem; }
section { min-width: 0; break-inside: avoid; margin-bottom: 1.5rem; }
.lists { columns: 2 26rem; column-gap: 2rem; }
svg { width: 100%; height: auto; display: block; } svg line { stroke: var(--line); }
svg text { font: 11px system-ui, sans-serif; fill: var(--dim); } svg .y { text-anchor: end; } svg .x { text-anchor: middle; }
rect.a, circle.a { fill: var(--a); } rect.b, circle.b { fill: var(--b); } rect.c { fill: var(--c); } rect.bad { fill: var(--bad); }
polyline { fill: none; stroke-width: 2; } polyline.b { stroke: var(--b); }
.key { color: var(--dim); font-size: .85rem; } .key i { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin: 0 .35rem 0 .75rem; }
.key i:first-child { margin-left: 0; } i.a { background: var(--a); } i.b { background: var(--b); } i.c { background: var(--c); } i.bad { background: var(--bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td, th { padding: .3rem .75rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap;
  font-variant-numeric: tabular-nums; } th { color: var(--dim); font-weight: 600; }
td.bar { width: 40%; min-width: 6rem; } td.bar div { height: .7rem; border-radius: 2px; background: var(--a); }
`;

export function metricsPage(metrics: Metrics, title: string): string {
  const { from, spent, builds } = metrics;
  const head = `<h1>${html(title)}</h1>`;
  if (from === undefined) {
    return htmlPage(title, STYLE, `${head}<p class="dim">No data yet. Builds and plans record it.</p>`);
  }
  const subtitle = `${plural(builds, 'build')}, ${plural(spent.calls, 'call')} of agents, ${periodText(metrics.days)} (UTC)`;
  const body = [
    `${head}<p class="dim">${html(subtitle)}</p>`,
    facts(metrics),
    `<div class="grid">${plots(metrics).join('')}</div>`,
    `<div class="lists">${[
      groups('Cost by model', metrics.byModel),
      groups('Cost by phase', metrics.byPhase),
      failures(metrics),
      groups('Cost by feature', metrics.byFeature),
    ].join('')}</div>`,
    arms(metrics),
  ];
  return htmlPage(title, STYLE, body.filter((part) => part !== '').join('\n'));
}

function facts(metrics: Metrics): string {
  const { outcomes, firstAttempt, afterRebase, rebases, spent, saved, time, prompts } = metrics;
  const cells: [string, string][] = [
    [String(outcomes.built), `tasks built, ${outcomes.cached} from the store, ${outcomes.failed} failed`],
    [share(firstAttempt), `by the first attempt: ${rateText(firstAttempt)}`],
    [String(rebases), rebases === 0 ? 'rebases' : `rebases; the next attempt built ${rateText(afterRebase)}`],
    [spent.unpriced === spent.calls && spent.calls > 0 ? '-' : money(spent.costUsd), priceNote(metrics)],
    [countText(tokensOf(spent)), `tokens: ${tokenText(spent)}`],
    [money(saved.costUsd), `saved by the store (${plural(saved.calls, 'result')})`],
    [time.count === 0 ? '-' : duration(time.median), `a task, 90% within ${duration(time.p90)}`],
    [
      sizeOf(prompts.implementation),
      `implementation prompt, at most ${sizeOf(prompts.implementation, 'max')}`,
    ],
    [sizeOf(prompts.planning), `planning prompt, at most ${sizeOf(prompts.planning, 'max')}`],
  ];
  const shown = cells.map(
    ([value, note]) => `<div class="fact"><b>${html(value)}</b><span>${html(note)}</span></div>`,
  );
  return `<div class="facts">${shown.join('')}</div>`;
}

function priceNote({ spent, outcomes }: Metrics): string {
  const each = outcomes.built > 0 ? `${money(spent.costUsd / outcomes.built)} per built task` : 'spent';
  return spent.unpriced === 0 ? each : `${each}; ${plural(spent.unpriced, 'call')} without a price`;
}

function share({ ok, of }: Rate): string {
  return of === 0 ? '-' : `${Math.round((100 * ok) / of)}%`;
}

function sizeOf(sizes: Metrics['time'], key: 'median' | 'max' = 'median'): string {
  return sizes.count === 0 ? '-' : bytes(Math.round(sizes[key]));
}

function plots(metrics: Metrics): string[] {
  const days = filledDays(metrics.days);
  const names = days.map(({ day }) => day);
  const of = (name: string, tone: string, values: Series['values']): Series => ({ name, tone, values });
  const cost = [
    of(
      'cost',
      'a',
      days.map(({ costUsd }) => costUsd),
    ),
  ];
  const tokens = [
    of(
      'sent',
      'a',
      days.map(({ tokensIn }) => tokensIn),
    ),
    of(
      'received',
      'b',
      days.map(({ tokensOut }) => tokensOut),
    ),
    of(
      'cached',
      'c',
      days.map(({ tokensCached }) => tokensCached),
    ),
  ];
  const tasks = [
    of(
      'built',
      'b',
      days.map(({ built }) => built),
    ),
    of(
      'from the store',
      'c',
      days.map(({ cached }) => cached),
    ),
    of(
      'failed',
      'bad',
      days.map(({ failed }) => failed),
    ),
  ];
  const first = of(
    'by the first attempt',
    'b',
    days.map(({ firstAttempt: { ok, of: all } }) => (all === 0 ? undefined : ok / all)),
  );
  return [
    plot('Cost by day', cost, columns(names, cost, money)),
    plot('Tokens by day', tokens, columns(names, tokens, countText)),
    plot('Tasks by day', tasks, columns(names, tasks, countText)),
    plot('Built by the first attempt', [first], shareLine(names, first)),
  ];
}

function plot(title: string, series: readonly Series[], drawing: string): string {
  const key = series.map(({ name, tone }) => `<i class="${tone}"></i>${html(name)}`).join('');
  const shown = series.length > 1 ? `<p class="key">${key}</p>` : '';
  return `<section><h2>${html(title)}</h2>${drawing}${shown}</section>`;
}

function groups(title: string, all: readonly Group[]): string {
  if (all.length === 0) return '';
  const priced = all.some(({ costUsd }) => costUsd > 0);
  const size = (group: Group) => (priced ? group.costUsd : tokensOf(group));
  const largest = Math.max(...all.map(size), Number.MIN_VALUE);
  const rows = all.map((group) =>
    row([group.name, priceOf(group), countText(tokensOf(group)), String(group.calls)], size(group) / largest),
  );
  return list(title, ['name', 'cost', 'tokens', 'calls', ''], rows);
}

function failures({ failures: kinds }: Metrics): string {
  if (kinds.length === 0) return '';
  const largest = kinds[0]?.count ?? 1;
  const rows = kinds.map(({ kind, count }) => row([kind, String(count)], count / largest));
  return list('Failures of attempts', ['kind', 'times', ''], rows);
}

function arms({ arms: all }: Metrics): string {
  if (all.length === 0) return '';
  const rows = all.map((arm) =>
    row([
      arm.name,
      arm.models.join(', '),
      `${arm.built} of ${arm.tasks}`,
      rateText(arm.firstAttempt),
      arm.built > 0 ? money(arm.costUsd / arm.built) : '-',
      duration(arm.medianMs),
    ]),
  );
  const head = ['arm', 'models', 'built', 'first attempt', 'cost of a built task', 'median time'];
  return list('Arms of experiments', head, rows);
}

function list(title: string, head: readonly string[], rows: readonly string[]): string {
  const names = head.map((name) => `<th>${html(name)}</th>`).join('');
  return `<section><h2>${html(title)}</h2><div class="scroll"><table><tr>${names}</tr>${rows.join('')}</table></div></section>`;
}

/** `share` of the longest bar; without it there is no bar. */
function row(cells: readonly string[], share?: number): string {
  const width = Math.round((share ?? 0) * 1000) / 10;
  const bar = share === undefined ? '' : `<td class="bar"><div style="width:${width}%"></div></td>`;
  return `<tr>${cells.map((cell) => `<td>${html(cell)}</td>`).join('')}${bar}</tr>`;
}
