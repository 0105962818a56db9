/** Addresses of views. They stand behind the `#`, so that the same links work with a server and in a file. */

import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** `builds`, `graph`, `task` and so on. */
  readonly view: string;
  /** The rest of the path. */
  readonly name: string;
  readonly query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', ...rest] = path.split('/');
  return { view: view || 'builds', name: rest.map(decoded).join('/'), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export type Query = Readonly<Record<string, string | undefined>>;

/** An address inside the page: only ever a fragment, whatever the names are. */
export function link(view: string, name = '', query: Query = {}): string {
  const path = name === '' ? view : `${view}/${name.split('/').map(encodeURIComponent).join('/')}`;
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given as [string, string][]).toString();
  return `#/${path}${text === '' ? '' : `?${text}`}`;
}

export function taskLink(label: string, build?: string, tab?: string): string {
  return link('task', label, { build, tab });
}

/** Changes the address without a new entry in the history: for filters. */
export function replaceRoute(to: string): void {
  history.replaceState(null, '', to);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const onChange = () => setRoute(parseRoute(location.hash));
    window.addEventListener('hashchange', onChange);
    return () => window.removeEventListener('hashchange', onChange);
  }, []);
  return route;
}
