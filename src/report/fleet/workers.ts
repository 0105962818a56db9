/** The workers and queues of a project as text. Knows no server. */

import type { FleetState, QueueState, WorkerInfo } from '../../model/fleet/job.js';
import { duration, plural } from '../style.js';

export function workersText({ workers, queues }: FleetState, now: number): string {
  const used = queues.filter(({ waiting, running }) => waiting + running > 0);
  return [
    workers.length === 0 ? 'no worker runs (start one with `conductor worker`)' : '',
    ...workers.map((worker) => workerLine(worker, now)),
    used.length === 0 ? 'no task waits' : '',
    ...used.map(queueLine),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function workerLine(worker: WorkerInfo, now: number): string {
  const { host, version, platform, labels, concurrency, running, done, since, load, isDraining } = worker;
  const what = [platform, ...labels, worker.hasAgent ? '' : 'no agent', isDraining ? 'takes no more' : ''];
  return [
    host,
    `${running.length}/${concurrency}`,
    `conductor ${version}`,
    what.filter((word) => word !== '').join(', '),
    `load ${load.toFixed(2)}`,
    `up ${duration(Math.max(0, now - since))}`,
    `${plural(done, 'task')} done`,
    running.join(' '),
  ]
    .filter((part) => part !== '')
    .join('  ');
}

function queueLine({ name, waiting, running, waitsMs, limits }: QueueState): string {
  const { atOnce, perMinute } = limits;
  const kept = [
    atOnce === undefined ? '' : `at most ${atOnce} at once`,
    perMinute === undefined ? '' : `at most ${perMinute} a minute`,
  ].filter((part) => part !== '');
  const first = waitsMs === undefined ? '' : ` (the first for ${duration(waitsMs)})`;
  return `queue ${name}: ${waiting} wait${first}, ${running} run${kept.length === 0 ? '' : `; ${kept.join(', ')}`}`;
}
