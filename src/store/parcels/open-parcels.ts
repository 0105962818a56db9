/** Opens the place of parcels that a config names. Sends nothing. */

import { ownValue } from '../../base/records/own-value.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { ExecutionConfig } from '../../model/fleet/job.js';
import type { ParcelServer } from './parcel-server.js';
import type { Parcels } from './parcels.js';

export interface ParcelHost {
  readonly objects: GitObjects;
  /** Relative addresses count from here. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the files of one task may have, by the config. */
  readonly maxOutputBytes: number;
  /** The store that this process serves. Absent: it serves none. */
  readonly served?: ParcelServer | undefined;
}

/** What is sent or taken at once through a store. */
export function parcelBytes({ maxOutputBytes }: Pick<ParcelHost, 'maxOutputBytes'>): number {
  return Math.max(1_000_000_000, 4 * maxOutputBytes);
}

/** Whether it is the address of a store, and not of a git repository. */
export function isStore(remote: string): boolean {
  return /^https?:/.test(remote);
}

/** The name or address that git knows. */
export function repositoryOf(remote: string): string {
  return remote.replace(/^git:/, '');
}

/** `remote`: the address of a store that a worker serves, or `git:` with a git repository. */
export async function openParcels(
  remote: string,
  execution: ExecutionConfig | undefined,
  { objects, dir, env, maxOutputBytes, served }: ParcelHost,
): Promise<Parcels> {
  if (isStore(remote)) {
    const { HttpParcels } = await import('./http-parcels.js');
    const maxBytes = parcelBytes({ maxOutputBytes });
    const parcels = new HttpParcels({ objects, url: remote, token: storeToken(execution, env), maxBytes });
    if (!served || (await parcels.storeId()) !== served.id) return parcels;
    parcels.end();
    const { OwnParcels } = await import('./own-parcels.js');
    return new OwnParcels(objects);
  }
  const { GitParcels } = await import('./git-parcels.js');
  return new GitParcels({ objects, remote: repositoryOf(remote), dir });
}

/** What clients of a store have to know. */
export function storeToken(
  execution: ExecutionConfig | undefined,
  env: ParcelHost['env'],
): string | undefined {
  return ownValue(env, execution?.tokenEnv) || undefined;
}
