/**
 * Work over many items of plain data: inline for a few, in threads for thousands. The adapter of piscina; knows no
 * spec.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { LoopTurns, mapBounded } from '../../base/bounded.js';
import parseDocuments, { type ParsedDocument, parsePlain, type SourceDocument } from './pool-worker.js';

export type { ParsedDocument, SourceDocument } from './pool-worker.js';

/**
 * From this many documents on threads are worth their start (about a quarter of a second against one to two
 * milliseconds a document).
 */
export const POOL_THRESHOLD = 500;
/** Documents per message: enough to hide its price, few enough to keep all threads busy to the end. */
const BATCH = 64;
const MAX_THREADS = 8;

export interface PoolOptions {
  readonly threshold?: number;
  readonly threads?: number;
}

/**
 * Parses and checks documents; the outcomes are in the order of the documents. Those that are plain and valid are read
 * inline. The threads end before this returns. Without the built worker file (sources run as they are) and on one
 * processor everything is done inline.
 */
export async function parseMany(
  documents: readonly SourceDocument[],
  options: PoolOptions = {},
): Promise<ParsedDocument[]> {
  const plain: (ParsedDocument | undefined)[] = [];
  const turns = new LoopTurns();
  for (const document of documents) {
    await turns.pass();
    plain.push(await parsePlain(document));
  }
  const others = documents.filter((_, at) => plain[at] === undefined);
  const parsed = (await inThreads('pool-worker', parseDocuments, others, options)).values();
  return plain.map((one) => one ?? (parsed.next().value as ParsedDocument));
}

/**
 * What `work` makes of many items of plain data, in their order: inline for a few, else in threads that run the bundled
 * file `<worker>.js`, whose default export is `work` itself.
 */
export async function inThreads<T, R>(
  worker: string,
  work: (items: readonly T[]) => Promise<R[]>,
  items: readonly T[],
  options: PoolOptions = {},
): Promise<R[]> {
  const threads = options.threads ?? Math.min(MAX_THREADS, availableParallelism());
  const file = workerFile(worker);
  if (items.length < (options.threshold ?? POOL_THRESHOLD) || threads < 2 || file === undefined) {
    return work(items);
  }
  const { Piscina } = await import('piscina');
  const pool = new Piscina({ filename: file, maxThreads: threads, minThreads: threads });
  try {
    const starts = Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) => i * BATCH);
    const run = (start: number): Promise<R[]> => pool.run(items.slice(start, start + BATCH));
    return (await mapBounded(starts, run, 2 * threads)).flat();
  } finally {
    await pool.destroy();
  }
}

/** The place of the worker in the bundle: beside this file, or one folder above if this code is in a shared chunk. */
function workerFile(name: string): string | undefined {
  const places = [`./${name}.js`, `../${name}.js`].map((path) => new URL(path, import.meta.url));
  return places.find((url) => url.protocol === 'file:' && existsSync(url))?.href;
}
