/** Names of the page's documents: addresses below `/api/` of the server, and keys of the documents inside a report. */

export const PAGE_PATHS = {
  project: 'project',
  builds: 'builds',
  graph: 'graph',
  files: 'files',
  metrics: 'metrics',
} as const;

export function buildPath(name: string): string {
  return `build/${encodeURIComponent(name)}`;
}

export function taskPath(label: string, build?: string): string {
  const path = `task/${label.split('/').map(encodeURIComponent).join('/')}`;
  return build === undefined ? path : `${path}?build=${encodeURIComponent(build)}`;
}

export function reviewRangePath(range: string): string {
  return `review?range=${encodeURIComponent(range)}`;
}

/** An empty `from`: what the build `to` alone changed. */
export function reviewBuildsPath(from: string, to: string): string {
  return `review?from-build=${encodeURIComponent(from)}&to-build=${encodeURIComponent(to)}`;
}
