/** Where the page's documents come from: the server, or the data inside a report. Knows no view. */

import { useEffect, useState } from 'preact/hooks';
import { buildPath, PAGE_PATHS, reviewBuildsPath, reviewRangePath, taskPath } from '../model/page-paths.js';
import { useVersion } from './live.js';

/** The documents of a report by their paths; undefined for a page with a server. */
let report: Readonly<Record<string, unknown>> | undefined;

export function isReport(): boolean {
  return report !== undefined;
}

/** Unpacks the data that a report carries; false when this page has none. */
export async function openReport(): Promise<boolean> {
  const packed = document.getElementById('report-data')?.textContent?.trim();
  if (packed === undefined) return false;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  report = JSON.parse(await new Response(unpacked).text()) as Record<string, unknown>;
  return true;
}

export type Loaded<T> =
  | { readonly state: 'loading'; readonly value?: T }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'missing' }
  | { readonly state: 'failed'; readonly reason: string; readonly value?: T };

export async function load<T>(path: string, signal?: AbortSignal): Promise<Loaded<T>> {
  if (report) {
    const value = report[path] as T | undefined;
    return value === undefined ? { state: 'missing' } : { state: 'ready', value };
  }
  const response = await fetch(`api/${path}`, signal ? { signal } : {});
  if (response.status === 404) return { state: 'missing' };
  if (!response.ok) return { state: 'failed', reason: await response.text() };
  return { state: 'ready', value: (await response.json()) as T };
}

/** The last documents of this page: going back to a view shows at once what it showed, and then what is new. */
const kept = new Map<string, unknown>();
const MAX_KEPT = 40;

function keep(path: string, result: Loaded<unknown>): void {
  if (result.state !== 'ready') return;
  kept.delete(path);
  kept.set(path, result.value);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}

/** A document, loaded again when something that it may tell of has changed. The former one stays until then. */
export function useDocument<T>(path: string | undefined): Loaded<T> {
  const version = useVersion();
  const [loaded, setLoaded] = useState<{ path: string | undefined; result: Loaded<T> }>({
    path: undefined,
    result: { state: 'loading' },
  });
  useEffect(() => {
    if (path === undefined) return undefined;
    const stop = new AbortController();
    load<T>(path, stop.signal).then(
      (result) => {
        keep(path, result);
        setLoaded({ path, result });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setLoaded((before) => ({
          path,
          result: failed(before.path === path ? before.result : undefined, error),
        }));
      },
    );
    return () => stop.abort();
  }, [path, version]);
  if (loaded.path === path) return loaded.result;
  const before = path === undefined ? undefined : (kept.get(path) as T | undefined);
  return before === undefined ? { state: 'loading' } : { state: 'ready', value: before };
}

function failed<T>(before: Loaded<T> | undefined, error: unknown): Loaded<T> {
  const reason = `the server does not answer (${error instanceof Error ? error.message : String(error)})`;
  const value = before && 'value' in before ? before.value : undefined;
  return value === undefined ? { state: 'failed', reason } : { state: 'failed', reason, value };
}

/** Starts a command; resolves to its id, or rejects with the server's sentence. */
export async function startAction(action: string, targets: readonly string[]): Promise<string> {
  const response = await fetch('api/actions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action, targets }),
  });
  // A refusal of the server itself is a sentence, not JSON.
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  const answer: { readonly id?: string; readonly error?: string } = isJson
    ? await response.json()
    : { error: await response.text() };
  if (!response.ok || answer.id === undefined) throw new Error(answer.error ?? 'it could not be started');
  return answer.id;
}

export const paths = {
  ...PAGE_PATHS,
  build: buildPath,
  task: taskPath,
  reviewRange: reviewRangePath,
  reviewBuilds: reviewBuildsPath,
  chosenMetrics: (since: string, feature: string, model: string) => {
    const given = Object.entries({ since, feature, model }).filter(([, value]) => value !== '');
    const text = new URLSearchParams(given).toString();
    return text === '' ? PAGE_PATHS.metrics : `${PAGE_PATHS.metrics}?${text}`;
  },
};
