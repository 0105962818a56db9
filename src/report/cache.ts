/** The reports of `conductor cache` and `conductor gc`, in words. Knows no store. */

import type {
  CacheStats,
  CollectReport,
  PullReport,
  PushReport,
  RemoteCollectReport,
  VerifyReport,
} from '../model/cache-report.js';
import { bytes, money, plural, visible } from './style.js';

export function pushText(report: PushReport): string {
  return lines([
    ...report.taken.map((label) => `${visible(label)}: the remote has another result under its key`),
    ...report.absent.map((label) => `${visible(label)}: its result is not in this store`),
    `conductor: ${plural(report.stored, 'entry is', 'entries are')} on the remotes${report.unsent > 0 ? `, ${report.unsent} not sent` : ''}`,
  ]);
}

export function pullText(report: PullReport): string {
  return lines([
    ...report.missing.map((label) => `${visible(label)}: its result is not on any remote`),
    ...report.unreached.map(
      (label) => `${visible(label)}: its result is not here, and a remote could not be reached`,
    ),
    `conductor: ${plural(report.brought, 'entry', 'entries')} fetched, ${report.present} already here${report.missing.length > 0 ? `, ${report.missing.length} missing` : ''}${report.unreached.length > 0 ? `, ${report.unreached.length} not known` : ''}`,
  ]);
}

export function verifyText(report: VerifyReport): string {
  const word = report.removed ? 'removed' : 'damaged';
  return lines([
    ...report.damaged.map(
      ({ key, label, detail }) => `${word}  ${visible(label ?? key.slice(0, 12))}: ${visible(detail)}`,
    ),
    ...report.broken.map((path) => `${word}  object ${visible(path)}`),
    `conductor: ${plural(report.results, 'result')} checked, ${report.damaged.length} damaged`,
  ]);
}

export function statsText(stats: CacheStats): string {
  const recipes = Object.entries(stats.recipes).map(([recipe, count]) => `${count} ${recipe}`);
  const facts: (readonly [string, string])[] = [
    ['results', `${stats.results}${recipes.length > 0 ? ` (${recipes.join(', ')})` : ''}`],
    ['gates', `${stats.gates} passed`],
    ['recorded', `${stats.recorded} by lock files here, ${stats.absent} of them not in this store`],
    ['cost', money(stats.costUsd)],
    ['size', bytes(stats.bytes)],
    ...(stats.pullRequests > 0 ? [['untrusted', `${stats.pullRequests} of pull requests`] as const] : []),
    ...stats.remotes.map(({ url, read, write }) => {
      const rights = read && write ? 'read and write' : read ? 'read' : write ? 'write' : 'neither';
      return ['remote', `${visible(url)} (${rights})`] as const;
    }),
  ];
  return lines(facts.map(([name, value]) => `${name.padEnd(10)} ${value}`));
}

export function collectText(report: CollectReport): string {
  const { dryRun, kept, named, removed } = report;
  const what = dryRun ? 'would forget' : 'forgot';
  const freed = dryRun ? `and free about ${bytes(report.bytes)}` : `and freed ${bytes(report.bytes)}`;
  return `conductor: ${what} ${plural(removed, 'entry', 'entries')} ${freed}; kept ${kept}, ${named} of them named by lock files\n`;
}

export function remoteCollectText({ dryRun, remote, kept, named, removed }: RemoteCollectReport): string {
  const what = dryRun ? 'would remove' : 'removed';
  return `conductor: ${what} ${plural(removed, 'entry', 'entries')} of ${visible(remote)}; kept ${kept}, ${named} of them named by lock files\n`;
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
