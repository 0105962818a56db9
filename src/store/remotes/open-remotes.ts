/** Opens the remotes in the config. Loads the code of each kind only when it is named; asks no remote anything. */

import type { GitObjects } from '../../io/git/objects.js';
import type { CacheRemoteConfig } from '../../model/cache-config.js';
import type { ConditionalObjects } from '../claims/object-claims.js';
import type { EntryName, Scope } from '../encoded-entry.js';
import type { RemoteStore } from '../remote-store.js';
import type { BlobPlace } from './blob-place.js';
import { RemoteTiers, type TieredRemote } from './tiers.js';

export interface RemoteHost {
  readonly objects: GitObjects;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The project's folder. */
  readonly dir: string;
  readonly pid: number;
  /** Entries larger than this are not downloaded; bytes. */
  readonly maxBytes: number;
}

const SILENCE_SECONDS = 30;

/** What pull requests share comes last for those that may read it: reviewed work goes first. */
export async function openRemotes(
  configs: readonly CacheRemoteConfig[],
  scopes: {
    readonly read: readonly Scope[];
    readonly write: Scope | undefined;
    /** What is read where nothing else is: results that the lock files of this working tree record. */
    readonly recorded?: { readonly scope: Scope; isRecorded(name: EntryName): boolean };
  },
  host: RemoteHost,
  warn: (message: string) => void,
): Promise<RemoteTiers> {
  const chained: TieredRemote[] = [];
  for (const scope of ['shared', 'pull-request'] as const) {
    const { recorded } = scopes;
    const isOnlyRecorded = recorded?.scope === scope && !scopes.read.includes(scope);
    const reads = scopes.read.includes(scope) || isOnlyRecorded;
    const writes = scopes.write === scope;
    if (!reads && !writes) continue;
    for (const config of configs) {
      const read = reads && config.read !== false;
      const write = writes && config.write !== false;
      if (!config.url.startsWith('git:') && !URL.canParse(config.url)) {
        if (scope === 'shared') warn(`${config.url} is not an address; conductor ignores it`);
        continue;
      }
      if (!read && !write) continue;
      const only = isOnlyRecorded ? { only: recorded.isRecorded } : {};
      chained.push({ store: await openRemote(config, scope, host), read, write, ...only });
    }
  }
  return new RemoteTiers(chained, warn);
}

async function openRemote(config: CacheRemoteConfig, scope: Scope, host: RemoteHost): Promise<RemoteStore> {
  const { objects, dir, pid, env, maxBytes } = host;
  const silenceMs = (config.timeoutSeconds ?? SILENCE_SECONDS) * 1000;
  if (config.url.startsWith('git:')) {
    const { GitRemote } = await import('./git-remote.js');
    return new GitRemote({ remote: config.url.slice('git:'.length), scope, objects, dir, pid, silenceMs });
  }
  const { CasRemote } = await import('./cas.js');
  const place = await openPlace(config, env, silenceMs);
  return new CasRemote({ place, scope, objects, maxBytes });
}

async function openPlace(
  config: CacheRemoteConfig,
  env: RemoteHost['env'],
  silenceMs: number,
): Promise<BlobPlace & ConditionalObjects> {
  if (config.url.startsWith('s3:')) {
    const { S3Place } = await import('./s3-remote.js');
    return new S3Place({ config, silenceMs });
  }
  const { HttpPlace } = await import('./http-remote.js');
  return new HttpPlace({ config, env, silenceMs });
}
