/** What agents cost, saved and achieved, over time. */

import type { Day, Metrics, Group as MetricsGroup } from '../../model/metrics.js';
import { count, duration, money, plural, words } from '../format.js';
import { Chart } from '../parts/chart.js';
import { Document, Empty, Panel, Tiles } from '../parts/common.js';
import { link, replaceRoute } from '../router.js';
import { isReport, paths, useDocument } from '../source.js';

export function MetricsView({ query }: { readonly query: URLSearchParams }) {
  const value = (key: string) => query.get(key) ?? '';
  const path = isReport()
    ? paths.metrics
    : paths.chosenMetrics(value('since'), value('feature'), value('model'));
  const loaded = useDocument<Metrics>(path);
  const all = useDocument<Metrics>(paths.metrics);
  const set = (key: string, next: string) =>
    replaceRoute(link('metrics', '', { ...Object.fromEntries(query), [key]: next }));
  const names = (groups: readonly MetricsGroup[]) => groups.map(({ name }) => name);
  const known = all.state === 'ready' ? all.value : undefined;
  return (
    <>
      <header class="page-head">
        <h1>Metrics</h1>
        {!isReport() && (
          <div class="filter">
            <Choice
              name="Time"
              value={value('since')}
              empty="All time"
              options={['1d', '7d', '30d', '90d']}
              onChange={(next) => set('since', next)}
            />
            <Choice
              name="Feature"
              value={value('feature')}
              empty="All features"
              options={names(known?.byFeature ?? [])}
              onChange={(next) => set('feature', next)}
            />
            <Choice
              name="Model"
              value={value('model')}
              empty="All models"
              options={names(known?.byModel ?? [])}
              onChange={(next) => set('model', next)}
            />
          </div>
        )}
      </header>
      <Document loaded={loaded} missing="There are no metrics.">
        {(metrics) =>
          metrics.from === undefined ? (
            <Empty>Nothing is known yet: builds and plans leave it as they go.</Empty>
          ) : (
            <Shown metrics={metrics} />
          )
        }
      </Document>
    </>
  );
}

function Choice(props: {
  readonly name: string;
  readonly value: string;
  readonly empty: string;
  readonly options: readonly string[];
  readonly onChange: (value: string) => void;
}) {
  const { name, value, empty, options, onChange } = props;
  return (
    <select aria-label={name} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">{empty}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {option}
        </option>
      ))}
    </select>
  );
}

function Shown({ metrics }: { readonly metrics: Metrics }) {
  const { outcomes, firstAttempt, spent, saved, time, rebases, builds } = metrics;
  const days = filled(metrics.days);
  const names = days.map(({ day }) => day);
  const share = (rate: Metrics['firstAttempt']) =>
    rate.of === 0 ? '–' : `${Math.round((100 * rate.ok) / rate.of)} %`;
  return (
    <>
      <Tiles
        tiles={[
          {
            name: 'Built',
            value: outcomes.built,
            note: `${plural(builds, 'build')}, ${outcomes.failed} failed`,
          },
          {
            name: 'By the first attempt',
            value: share(firstAttempt),
            note: `${firstAttempt.ok} of ${firstAttempt.of}`,
          },
          { name: 'Spent', value: money(spent.costUsd), note: plural(spent.calls, 'call') },
          { name: 'Saved by the store', value: money(saved.costUsd), note: `${outcomes.cached} restored` },
          {
            name: 'Median time',
            value: time.count === 0 ? '–' : duration(time.median),
            note: time.count === 0 ? undefined : `90 % within ${duration(time.p90)}`,
          },
          { name: 'Rebases', value: rebases },
        ]}
      />
      <div class="columns">
        <Panel title="Cost">
          <Chart
            title="Dollars a day"
            days={names}
            kind="bars"
            format={money}
            series={[{ name: 'cost', colour: 'run', values: days.map((day) => day.costUsd) }]}
          />
        </Panel>
        <Panel title="Tasks">
          <Chart
            title="Tasks a day"
            days={names}
            kind="bars"
            stacked
            format={count}
            series={[
              { name: 'built', colour: 'good', values: days.map((day) => day.built) },
              { name: 'from the store', colour: 'store', values: days.map((day) => day.cached) },
              { name: 'failed', colour: 'bad', values: days.map((day) => day.failed) },
            ]}
          />
        </Panel>
        <Panel title="Tokens">
          <Chart
            title="Tokens a day"
            days={names}
            kind="bars"
            stacked
            format={count}
            series={[
              { name: 'sent', colour: 'run', values: days.map((day) => day.tokensIn) },
              { name: 'received', colour: 'stale', values: days.map((day) => day.tokensOut) },
              { name: 'cached', colour: 'store', values: days.map((day) => day.tokensCached) },
            ]}
          />
        </Panel>
        <Panel title="First attempts">
          <Chart
            title="Share made by the first attempt"
            days={names}
            kind="line"
            format={(value) => `${Math.round(value * 100)} %`}
            series={[
              {
                name: 'by the first attempt',
                colour: 'good',
                values: days.map(({ firstAttempt: { ok, of } }) => (of === 0 ? undefined : ok / of)),
              },
            ]}
          />
        </Panel>
      </div>
      <div class="columns">
        <Groups title="Cost by model" groups={metrics.byModel} />
        <Groups title="Cost by feature" groups={metrics.byFeature} />
        <Groups title="Cost by phase" groups={metrics.byPhase} />
        <Panel title="Why attempts failed">
          {metrics.failures.length === 0 ? (
            <Empty>No attempt failed.</Empty>
          ) : (
            <Bars
              rows={metrics.failures.map(({ kind, count: number }) => ({
                name: words(kind),
                value: number,
                text: String(number),
              }))}
            />
          )}
        </Panel>
      </div>
    </>
  );
}

const DAY_MS = 86_400_000;
const MAX_DAYS = 400;

/** With the days on which nothing happened. */
function filled(days: readonly Day[]): Day[] {
  const [first] = days;
  const last = days.at(-1);
  if (!first || !last) return [];
  const known = new Map(days.map((day) => [day.day, day]));
  const empty = {
    calls: 0,
    tokensIn: 0,
    tokensOut: 0,
    tokensCached: 0,
    costUsd: 0,
    unpriced: 0,
    built: 0,
    failed: 0,
    cached: 0,
    firstAttempt: { of: 0, ok: 0 },
  };
  const end = Date.parse(last.day);
  const all: Day[] = [];
  for (let at = Math.max(Date.parse(first.day), end - MAX_DAYS * DAY_MS); at <= end; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    all.push(known.get(day) ?? { day, ...empty });
  }
  return all;
}

function Groups({ title, groups }: { readonly title: string; readonly groups: readonly MetricsGroup[] }) {
  const isPriced = groups.some(({ costUsd }) => costUsd > 0);
  const size = (group: MetricsGroup) => group.tokensIn + group.tokensOut + group.tokensCached;
  return (
    <Panel title={isPriced ? title : title.replace('Cost', 'Tokens')}>
      {groups.length === 0 ? (
        <Empty>No agent was asked.</Empty>
      ) : (
        <Bars
          rows={groups.slice(0, 20).map((group) => ({
            name: group.name,
            value: isPriced ? group.costUsd : size(group),
            text: isPriced ? money(group.costUsd) : count(size(group)),
          }))}
        />
      )}
    </Panel>
  );
}

function Bars({
  rows,
}: {
  readonly rows: readonly { readonly name: string; readonly value: number; readonly text: string }[];
}) {
  const largest = Math.max(Number.MIN_VALUE, ...rows.map(({ value }) => value));
  return (
    <table class="table bars">
      <tbody>
        {rows.map(({ name, value, text }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="right">{text}</td>
            <td class="bar-cell">
              <meter min={0} max={largest} value={value} aria-label={`${name}, of the largest`} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
