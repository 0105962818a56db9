/** How the person calls conductor, so that every hint is a command that they can paste. Knows no hint. */

import { dirname } from 'node:path';

export interface Called {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The second word of the process: the script as it was named, links not resolved. */
  readonly script: string;
}

/** Says it to a process that conductor itself starts for the same person. */
export const CALLED_AS = 'CONDUCTOR_CALLED_AS';

const PACKAGE = 'conductor-build';
/** How each package manager starts a program of the project, and one that it fetches for this time only. */
const MANAGERS: Readonly<Record<string, { readonly run: string; readonly fetch: string }>> = {
  npm: { run: 'npx conductor', fetch: `npx ${PACKAGE}` },
  pnpm: { run: 'pnpm exec conductor', fetch: `pnpm dlx ${PACKAGE}` },
  yarn: { run: 'yarn conductor', fetch: `yarn dlx ${PACKAGE}` },
  bun: { run: 'bunx conductor', fetch: `bunx ${PACKAGE}` },
};
/** Folders in which package managers keep what they fetch for one call. */
const FETCHED = /[\\/](?:_npx|dlx(?:-[^\\/]*)?|bunx-[^\\/]*|xfs-[^\\/]*[\\/]dlx-[^\\/]*)[\\/]/;

/** `conductor`, `npx conductor`, `pnpm exec conductor`, `yarn conductor`, `bunx conductor`. */
export function invocationOf({ env, script }: Called): string {
  const told = env[CALLED_AS];
  if (told !== undefined && told !== '') return told;
  const manager = managerOf(env);
  if (FETCHED.test(script)) return (manager ?? MANAGERS.npm)?.fetch ?? 'conductor';
  if (manager) return manager.run;
  const folder = dirname(script);
  if (!/[\\/]node_modules[\\/]\.bin$/.test(folder)) return 'conductor';
  // Called by its path: the shell finds it by its name only where that folder is on PATH.
  return (env.PATH ?? '').split(':').includes(folder) ? 'conductor' : 'npx conductor';
}

/** A package manager that started this process says so in the environment. */
function managerOf(env: Called['env']) {
  const agent = /^(npm|pnpm|yarn|bun)\//.exec(env.npm_config_user_agent ?? '')?.[1];
  const program = /(?:^|[\\/])(npm|npx|pnpm|yarn|bun)(?:-cli)?(?:\.[cm]?js|\.exe)?$/.exec(
    env.npm_execpath ?? '',
  )?.[1];
  const name = agent ?? (program === 'npx' ? 'npm' : program);
  return name === undefined ? undefined : MANAGERS[name];
}
