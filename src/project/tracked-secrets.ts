/** Files that look secret although git tracks them: fixtures and settings that people share on purpose. */

import { git } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import { type Config, isDefaultSecrets } from '../model/config.js';
import type { Diagnostic } from '../model/failure.js';
import { personIdentity } from '../workspace/index-record.js';
import type { LastBuild } from './clone-records.js';

export interface TrackedSecrets {
  /** They are part of snapshots: what git tracks is no secret of this machine. */
  readonly shown: readonly string[];
  /** The person's index that says so (`personIdentity`). */
  readonly person: string;
  /** They are left out since the config says so, and named. */
  readonly warnings: readonly Diagnostic[];
}

/** The answer of git for one state of the person's index and one list of patterns. */
export interface KnownSecrets {
  readonly person: string;
  readonly secrets: readonly string[];
  readonly found: readonly string[];
}

/** Files that git tracks and that match `secrets`. Asks git again only if the person's index or the patterns have changed. */
export async function trackedSecrets(
  repository: Repository,
  { secrets }: Pick<Config, 'secrets'>,
  memory: { secrets?: KnownSecrets | undefined } = {},
): Promise<TrackedSecrets> {
  const person = personIdentity(repository);
  const known = memory.secrets;
  const isKnown = known?.person === person && known.secrets.join('\0') === secrets.join('\0');
  const found = isKnown ? known.found : await tracked(repository, secrets);
  memory.secrets = { person, secrets, found };
  if (found.length === 0) return { shown: [], person, warnings: [] };
  if (isDefaultSecrets(secrets)) return { shown: found, person, warnings: [] };
  const names = found.length > 5 ? [...found.slice(0, 5), `${found.length - 5} more`] : found;
  const message = `\`secrets\` hides files that git tracks from tasks, gates and set-up: ${names.join(', ')}`;
  return { shown: [], person, warnings: [{ file: 'conductor.config.ts', message }] };
}

/**
 * The person's index as it is now, where it shows the same files as at the last build; undefined where it does not. Asks git only
 * when that index was written since.
 */
export async function stillShown(
  repository: Repository,
  { secrets, shown, person }: Pick<LastBuild, 'secrets' | 'shown' | 'person'>,
): Promise<string | undefined> {
  if (personIdentity(repository) === person) return person;
  const today = await trackedSecrets(repository, { secrets });
  return today.shown.join('\0') === shown.join('\0') ? today.person : undefined;
}

async function tracked(repository: Repository, patterns: readonly string[]): Promise<string[]> {
  if (patterns.length === 0) return [];
  const call = { gitDir: repository.gitDir, workTree: repository.top, dir: repository.project };
  const specs = patterns.map((pattern) => `:(glob)${pattern}`);
  const listed = await git(['ls-files', '-z', '--cached', '--', ...specs], call);
  return listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '')
    .sort();
}
