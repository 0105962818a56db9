/** The filter of lists and of the graph: text, feature, outcome. It stands in the address. */

import { link, replaceRoute } from '../router.js';
import { lookOf } from './status.js';

const KEYS = ['q', 'feature', 'outcome'] as const;

export function matches(query: URLSearchParams, label: string, outcome: string, more = ''): boolean {
  const text = (query.get('q') ?? '').toLowerCase();
  const feature = query.get('feature') ?? '';
  const wanted = query.get('outcome') ?? '';
  if (wanted !== '' && outcome !== wanted) return false;
  if (feature !== '' && !label.startsWith(`${feature}/`)) return false;
  return text === '' || `${label} ${more}`.toLowerCase().includes(text);
}

export function isFiltering(query: URLSearchParams): boolean {
  return KEYS.some((key) => (query.get(key) ?? '') !== '');
}

export function Filter(props: {
  readonly query: URLSearchParams;
  readonly outcomes: readonly string[];
  readonly features?: readonly string[];
  /** View and name of the address. */
  readonly view: readonly [string, string];
  readonly note?: string;
}) {
  const { query, outcomes, features = [], view, note } = props;
  const set = (key: (typeof KEYS)[number], value: string) => {
    const all = Object.fromEntries(query);
    replaceRoute(link(view[0], view[1], { ...all, [key]: value }));
  };
  const value = (key: (typeof KEYS)[number]) => query.get(key) ?? '';
  return (
    <div class="filter" role="search">
      <input
        type="search"
        aria-label="Filter by text"
        placeholder="Filter by text"
        value={value('q')}
        onInput={(event) => set('q', event.currentTarget.value)}
      />
      {features.length > 1 && (
        <select
          aria-label="Feature"
          value={value('feature')}
          onChange={(event) => set('feature', event.currentTarget.value)}
        >
          <option value="">All features</option>
          {features.map((feature) => (
            <option key={feature} value={feature}>
              {feature}
            </option>
          ))}
        </select>
      )}
      {outcomes.length > 1 && (
        <select
          aria-label="Outcome"
          value={value('outcome')}
          onChange={(event) => set('outcome', event.currentTarget.value)}
        >
          <option value="">All outcomes</option>
          {outcomes.map((outcome) => (
            <option key={outcome} value={outcome}>
              {lookOf(outcome).word}
            </option>
          ))}
        </select>
      )}
      {note !== undefined && (
        <span class="dim" role="status">
          {note}
        </span>
      )}
    </div>
  );
}
