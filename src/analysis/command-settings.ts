/**
 * What `run` recipes and gates get beside files, as items of a key: values of variables, versions of tools, and the files
 * that stand for installed packages.
 */

import { compareBytes } from '../base/order.js';
import { ownValue } from '../base/records/own-value.js';
import { err, ok, type Result } from '../base/result.js';
import { cleanEnvironment, runProgram } from '../io/process/process.js';
import type { ManifestItem } from '../model/action.js';
import type { Config } from '../model/config.js';
import { digestFields } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import { encodeEntry, type Listing } from '../model/tree.js';
import type { Host } from '../project/host.js';
import { isOutside, outsideDigest } from '../workspace/tools/outside-links.js';

/** Lock files of package managers: each says exactly which packages are installed. */
const LOCK_FILES =
  /^(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|deno\.lock|(poetry|uv|pdm)\.lock|Pipfile\.lock|Cargo\.lock|go\.sum|Gemfile\.lock|composer\.lock|mix\.lock|gradle\.lockfile|packages\.lock\.json)$/;

/** Begins the names of items that stand for installed packages. */
export const PACKAGES = 'packages of ';

/** A tool that takes longer than this to say its version hangs. */
const TOOL_MS = 60_000;

export interface CommandSettings {
  /** Variables and tools. */
  readonly items: readonly ManifestItem[];
  /** Files that stand for what is installed: a recipe that sees such a file has it in its key anyway. */
  readonly packages: readonly (readonly [path: string, item: ManifestItem])[];
  /** What the tools and the linked paths outside of the project were when the keys were made, by command. */
  readonly versions: ReadonlyMap<string, string>;
}

export const NO_SETTINGS: CommandSettings = { items: [], packages: [], versions: new Map() };

export async function commandSettings(
  host: Host,
  { config, handWritten }: { readonly config: Config; readonly handWritten: Listing },
): Promise<Result<CommandSettings, Failure>> {
  const versions = await toolVersions(host, measuredNames(config), config.secrets);
  if (!versions.ok) return versions;
  const items = [
    ...[...config.keyedEnv].sort(compareBytes).map((name) => variable(name, ownValue(host.env, name))),
    ...[...versions.value].map(([command, output]) => tool(command, output)),
  ];
  return ok({ items, packages: packages(config.workspace, handWritten), versions: versions.value });
}

/** Only a digest of the value: the key goes to caches that others read, and an explanation prints it. */
function variable(name: string, value: string | undefined): ManifestItem {
  const digest = value === undefined ? 'unset' : digestFields('conductor.env.1', [name, value]);
  return { name: `the value of env ${name}`, value: digest, show: 'id' };
}

function tool(command: string, output: string): ManifestItem {
  if (command.startsWith(LINK))
    return { name: `link ${command.slice(LINK.length)}`, value: output, show: 'id' };
  return { name: `tool ${command}`, value: output, show: output.includes('\n') ? 'text' : 'word' };
}

/** The files that stand for installed packages, as far as a listing has them. */
export function packageFiles({ link, setup, inputs }: Config['workspace'], listing: Listing): string[] {
  if (inputs !== undefined) return patternSet(inputs).select(listing);
  const isUsed = link.length + setup.length > 0;
  return isUsed ? listing.paths.filter((path) => LOCK_FILES.test(path)) : [];
}

function packages(workspace: Config['workspace'], handWritten: Listing): CommandSettings['packages'] {
  return packageFiles(workspace, handWritten).flatMap((path) => {
    const entry = handWritten.get(path);
    return entry
      ? [[path, { name: `${PACKAGES}${path}`, value: encodeEntry(entry), show: 'id' }] as const]
      : [];
  });
}

/** What a reader gets beside files. A file that stands for packages and that is in its key anyway is not named twice. */
export function settingsFor(
  { items, packages }: CommandSettings,
  isKeyed: (path: string) => boolean,
): readonly ManifestItem[] {
  return [...items, ...packages.flatMap(([path, item]) => (isKeyed(path) ? [] : [item]))];
}

/** Begins the name of a linked path outside of the project, among the commands that say versions. */
const LINK = 'link:';

/** What is asked for beside files: commands, and paths outside of the project, which no snapshot has. */
export function measuredNames({ toolchain, workspace }: Pick<Config, 'toolchain' | 'workspace'>): string[] {
  return [...toolchain, ...workspace.link.filter(isOutside).map((path) => LINK + path)];
}

/** One session has one host, and each command runs once in it. */
const sessions = new WeakMap<Host, Map<string, Promise<Result<string, Failure>>>>();

/** What each command prints, trimmed, by command. Fails with `invalid-config` when one does not end with 0. */
export async function toolVersions(
  host: Host,
  commands: readonly string[],
  secrets: readonly string[],
): Promise<Result<ReadonlyMap<string, string>, Failure>> {
  const session = sessions.get(host) ?? new Map<string, Promise<Result<string, Failure>>>();
  sessions.set(host, session);
  const found = new Map<string, string>();
  for (const command of commands) {
    if (command.startsWith(LINK)) {
      found.set(command, await outsideDigest(host.directory, command.slice(LINK.length), secrets));
      continue;
    }
    const known = session.get(command) ?? printed(host, command);
    session.set(command, known);
    const version = await known;
    if (!version.ok) return version;
    found.set(command, version.value);
  }
  return ok(found);
}

async function printed(host: Host, command: string): Promise<Result<string, Failure>> {
  const exit = await runProgram({
    command,
    cwd: host.directory,
    env: cleanEnvironment(host.env, []),
    pathInFront: [`${host.directory}/node_modules/.bin`],
    timeoutMs: TOOL_MS,
  });
  if (exit.kind === 'exited' && exit.code === 0) return ok(exit.tail.trim());
  const how =
    exit.kind === 'exited'
      ? `ended with ${exit.code}`
      : exit.kind === 'timed-out'
        ? `took longer than ${TOOL_MS / 1000} seconds`
        : 'could not run to its end';
  const said = exit.kind === 'not-found' ? '' : exit.tail.trim().split('\n').at(-1);
  return err({
    kind: 'invalid-config',
    diagnostics: [
      {
        file: 'conductor.config.ts',
        message: `toolchain: \`${command}\` ${how}${said ? `: ${said}` : ''}`,
        hint: 'name commands that print a version, or remove this one',
      },
    ],
  });
}
