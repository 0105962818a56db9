/** Timestamps as people type them. Knows no clock: the caller passes the present time. */

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `7d`, `12h`, `2w`, `30m`, a day (`2026-01-31`, its beginning in UTC) or a timestamp; undefined for anything else. */
export function parseTimestamp(text: string, now: number): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhdw])$/.exec(text) ?? [];
  if (unit !== '') return now - Number(count) * (UNITS[unit] as number);
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
