/** Numbers and times for people, as the terminal writes them. */

import type { Usage } from '../model/action.js';

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function money(usd: number): string {
  if (usd > 0 && usd < 0.01) return `$${usd.toPrecision(1).includes('e') ? '0.00' : usd.toPrecision(1)}`;
  return `$${usd.toFixed(2)}`;
}

export function cost({ costUsd }: Usage): string {
  return costUsd === undefined ? '–' : money(costUsd);
}

export function tokens({ tokensIn = 0, tokensOut = 0, tokensCached = 0 }: Usage): string {
  const sum = tokensIn + tokensOut + tokensCached;
  return sum === 0 ? '–' : count(sum);
}

export function count(number: number): string {
  if (number < 10_000) return String(Math.round(number));
  if (number < 1_000_000) return `${(number / 1000).toFixed(number < 100_000 ? 1 : 0)}k`;
  return `${(number / 1_000_000).toFixed(1)}M`;
}

export function bytes(number: number): string {
  if (number < 1024) return plural(number, 'byte');
  if (number < 1024 * 1024) return `${(number / 1024).toFixed(1)} KB`;
  return `${(number / 1024 / 1024).toFixed(1)} MB`;
}

export function plural(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : nouns}`;
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

export function dateTime(at: number): string {
  return new Date(at).toLocaleString(undefined, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });
}

export function ago(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${plural(Math.floor(seconds / 86_400), 'day')} ago`;
}

export function short(id: string): string {
  return /^[0-9a-f]{20,}$/.test(id) ? id.slice(0, 12) : id;
}

/** What a failure, a phase or an outcome is called on the page. */
export function words(id: string): string {
  return id.replaceAll('-', ' ');
}
