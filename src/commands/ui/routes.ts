/** Addresses of the page's data to documents. Every name in an address is looked up among those that exist. */

import { parseTimestamp } from '../../base/timestamp.js';
import type { ProjectDocument } from '../../model/page.js';
import type { PageData } from '../page/page-data.js';
import { parseRange } from '../review/review.js';

/** Undefined: there is no such document. */
export async function documentAt(
  data: PageData,
  project: ProjectDocument,
  { path, query }: { readonly path: string; readonly query: URLSearchParams },
  now: number,
): Promise<unknown> {
  const parts = path.split('/').map(decoded);
  if (parts.includes(undefined)) return undefined;
  const [kind, ...rest] = parts as string[];
  const name = rest.join('/');
  switch (kind) {
    case 'project':
      return project;
    case 'builds':
      return { rows: await data.rows() };
    case 'build':
      await data.refresh();
      return data.build(name);
    case 'graph':
      return data.graph();
    case 'files':
      return data.files();
    case 'task':
      await data.refresh();
      return data.task(name, query.get('build') ?? undefined);
    case 'review':
      return review(data, query);
    case 'metrics': {
      const since = parseTimestamp(query.get('since') ?? '', now);
      return data.metrics({
        ...(since === undefined ? {} : { since }),
        features: query.getAll('feature').filter((one) => one !== ''),
        models: query.getAll('model').filter((one) => one !== ''),
      });
    }
    default:
      return undefined;
  }
}

async function review(data: PageData, query: URLSearchParams): Promise<unknown> {
  const to = query.get('to-build');
  if (to !== null) {
    await data.refresh();
    return data.reviewBuilds(query.get('from-build') ?? '', to);
  }
  const range = parseRange(query.get('range') ?? '');
  return range && data.reviewCommits(range);
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
