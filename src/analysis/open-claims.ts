/** Opens the claims of one build: who it is, and the places where it says what it is making. Asks no place anything. */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isAlive } from '../io/files.js';
import { identityOf, processPlace } from '../io/process/identity.js';
import type { Origin } from '../model/action.js';
import type { Host } from '../project/host.js';
import type { Project } from '../project/project.js';
import type { ClaimText } from '../store/claims/claim-place.js';
import { type ClaimSelf, Claims } from '../store/claims/claims.js';
import { FolderClaims } from '../store/claims/folder-claims.js';
import type { RemoteTiers } from '../store/remotes/tiers.js';

export interface ClaimParts {
  /** Who builds here. */
  readonly here: Origin;
  /** The remotes that new results are sent to; absent: there are none. */
  readonly chain?: Pick<RemoteTiers, 'claims' | 'isOpen'>;
  warn(message: string): void;
}

/** Attempts, and as many of a revised task or a stronger model: what another build may take at most. */
const ROUNDS = 2;

export function openClaims({ pid }: Host, project: Project, parts: ClaimParts): Claims {
  const { config, repository } = project;
  return new Claims({
    local: new FolderClaims({ home: repository.home, pid }),
    remotes: parts.chain?.claims ?? [],
    isOpen: (place) => parts.chain?.isOpen(place) === true,
    self: () => describeSelf(pid, parts.here),
    isGone,
    mostMs: ROUNDS * config.attempts * config.timeouts.agent * 60_000,
    warn: parts.warn,
  });
}

async function describeSelf(pid: number, { by, name }: Origin): Promise<ClaimSelf> {
  const machine = hostname();
  const who =
    by === 'ci' ? `CI${name === undefined ? '' : ` (${name})`}` : `${name ?? 'somebody'} on ${machine}`;
  const [place, identity] = await Promise.all([processPlace(), identityOf(pid)]);
  return { who, build: randomBytes(8).toString('hex'), place, pid, start: identity?.start ?? '' };
}

async function isGone({ pid, start }: ClaimText): Promise<boolean> {
  // Where nothing tells when a process started, its number has to do.
  if (start === '') return !isAlive(pid);
  return (await identityOf(pid))?.start !== start;
}
