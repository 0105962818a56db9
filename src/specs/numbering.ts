/** The names of numbered features: `feature-003-invoices`. */

const NUMBERED = /^feature-(\d+)(?:-|\.|$)/;
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** The number after the highest one of these names of folders and single files, in three digits at least. */
export function nextNumber(names: readonly string[]): string {
  const numbers = names.map((name) => Number(NUMBERED.exec(name)?.[1] ?? 0));
  return String(Math.max(0, ...numbers) + 1).padStart(3, '0');
}

export function numberedName(number: string, name: string): string {
  return `feature-${number}-${name}`;
}

/** Whether this can follow the number in the name of a feature. */
export function isFeatureName(name: string): boolean {
  return NAME.test(name) && name.length <= 80;
}
