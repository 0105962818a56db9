/** Parsing of many documents: inline for a few, in threads for thousands. The door of piscina; knows no spec. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import parseDocuments, { type ParsedDocument, type SourceDocument } from './pool-worker.js';

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
 * Parses and checks documents; the outcomes are in the order of the documents. The threads end before this returns.
 * Without the built worker file (sources run as they are) and on one processor everything is done inline.
 */
export async function parseMany(
  documents: readonly SourceDocument[],
  options: PoolOptions = {},
): Promise<ParsedDocument[]> {
  const threads = options.threads ?? Math.min(MAX_THREADS, availableParallelism());
  const worker = workerFile();
  if (documents.length < (options.threshold ?? POOL_THRESHOLD) || threads < 2 || worker === undefined) {
    return parseDocuments(documents);
  }
  const { Piscina } = await import('piscina');
  const pool = new Piscina({ filename: worker, maxThreads: threads, minThreads: threads });
  try {
    const batches: Promise<ParsedDocument[]>[] = [];
    for (let i = 0; i < documents.length; i += BATCH) batches.push(pool.run(documents.slice(i, i + BATCH)));
    return (await Promise.all(batches)).flat();
  } finally {
    await pool.destroy();
  }
}

/** Where the bundle puts the worker: beside this file, or one above when this code stands in a shared chunk. */
function workerFile(): string | undefined {
  const places = ['./pool-worker.js', '../pool-worker.js'].map((path) => new URL(path, import.meta.url));
  return places.find((url) => url.protocol === 'file:' && existsSync(url))?.href;
}
