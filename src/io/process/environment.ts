/** What a started program may see of the environment: variables and places of programs. Reads no variable itself. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { newRecord, ownValue } from '../../base/records/own-value.js';

/** Variables as a program gets them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Proxies and certificates: without them nothing reaches a server in many companies. */
export const REACH: readonly string[] = [
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'TZ'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'],
  ...['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
];

const USUAL = new Set([
  ...REACH,
  ...['XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'],
  ...['PATH', 'HOME', 'LANG', 'TERM', 'TMPDIR', 'USER', 'SHELL', 'TZ'],
  // Without these a program on Windows does not start.
  ...['SYSTEMROOT', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA'],
]);

/** Where programs are when PATH is not set, as in `execvp`. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * The variables that gates, commands and agents get: the usual harmless ones, proxies and certificates, and those that
 * the config names.
 * `GIT_*` never gets through, named or not: it would point a program's git at another repository.
 */
export function cleanEnvironment(env: Environment, names: readonly string[]): Record<string, string> {
  const named = new Set(names);
  const clean = newRecord<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || name.toUpperCase().startsWith('GIT_')) continue;
    const usual = USUAL.has(process.platform === 'win32' ? name.toUpperCase() : name);
    if (usual || name.startsWith('LC_') || named.has(name)) clean[name] = value;
  }
  return clean;
}

/** A path that may begin with `~/`. */
export function expandHome(path: string, env: Environment): string {
  return path.startsWith('~/') && env.HOME ? join(env.HOME, path.slice(2)) : path;
}

/** The environment with folders in front of its PATH. */
export function withPathInFront(env: Environment, folders: readonly string[]): Record<string, string> {
  const copy = newRecord<string>();
  for (const [name, value] of Object.entries(env)) if (value !== undefined) copy[name] = value;
  if (folders.length > 0) {
    const name = pathName(copy);
    copy[name] = [...folders, copy[name] || DEFAULT_PATH].join(delimiter);
  }
  return copy;
}

/**
 * The absolute path of a program: looked up in PATH, or, when its name has a slash, from `cwd`. Undefined when there
 * is no such file or it may not be executed.
 */
export function findProgram(program: string, env: Environment, cwd = '/'): string | undefined {
  if (program === '') return undefined;
  if (program.includes('/') || isAbsolute(program)) {
    const path = resolve(cwd, program);
    return isExecutable(path) ? path : undefined;
  }
  const endings = process.platform === 'win32' ? ['', ...(env.PATHEXT ?? '.EXE;.CMD').split(';')] : [''];
  for (const folder of (ownValue(env, pathName(env)) || DEFAULT_PATH).split(delimiter)) {
    for (const ending of endings) {
      const path = join(resolve(cwd, folder), program + ending);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** Whether PATH has this program (or the path that it names is one). */
export function programOnPath(program: string, env: Environment, cwd?: string): boolean {
  return findProgram(program, env, cwd) !== undefined;
}

/** Replaces every occurrence of a secret. Those shorter than six characters are passed over: they are words. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of redactable(secrets)) {
    if (clean.includes(secret)) clean = clean.split(secret).join('[secret]');
  }
  return clean;
}

/** The same plain data with every secret in its texts and its keys replaced. */
export function redactDeep<T>(value: T, secrets: readonly string[]): T {
  const clean = (one: unknown): unknown => {
    if (typeof one === 'string') return redact(one, secrets);
    if (Array.isArray(one)) return one.map(clean);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => [redact(key, secrets), clean(inner)]),
    );
  };
  return redactable(secrets).length === 0 ? value : (clean(value) as T);
}

const prepared = new WeakMap<readonly string[], string[]>();

/**
 * What is looked for: longest first, so that a secret inside another leaves no rest; each line of a key on several
 * lines for itself; as it stands, as JSON writes it and as a URL does; none shorter than six characters.
 */
export function redactable(secrets: readonly string[]): string[] {
  const known = prepared.get(secrets);
  if (known) return known;
  const whole = secrets
    .flatMap((secret) => (secret.includes('\n') ? [secret, ...secret.split(/\r?\n/)] : [secret]))
    .filter((secret) => secret.trim().length >= 6);
  const forms = new Set(
    whole.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encoded(secret)]),
  );
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  prepared.set(secrets, sorted);
  return sorted;
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // Half of a surrogate pair has no such form.
    return text;
  }
}

const SECRET_NAME =
  /(^|_)(KEY|APIKEY|TOKEN|PAT|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|PW|CREDENTIALS?|AUTH|AUTHORIZATION|BEARER|COOKIE|PRIVATE|JWT|SIGNATURE|WEBHOOK|DSN)S?(_|\d|$)|(KEY|TOKEN|SECRET|PASSWORD)$/i;
const SECRET_VALUE = [
  /^(sk|pk|rk|gh[pousr]|glpat|xox[a-z]|shpat|npm|pypi|hf|AKIA|ASIA|AIza|ya29|eyJ)[-_A-Za-z0-9.]{12,}$/,
  /^github_pat_\w+$/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  // A user and a password in an address.
  /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i,
];

/**
 * Whether the value of a variable has to be kept out of logs and results: the variable's name says so, or the value
 * looks like a key. A region, a mode or an address is none, or every file that mentions it would count as a leak.
 */
export function isSecret(name: string, value: string): boolean {
  if (value.trim().length < 6) return false;
  if (/^(true|false|\d{1,9})$/i.test(value)) return false;
  return SECRET_NAME.test(name) || SECRET_VALUE.some((form) => form.test(value)) || isRandom(value);
}

/** Long, without a gap, of letters and digits that no word or path is made of. */
function isRandom(value: string): boolean {
  if (value.length < 24 || !/^[A-Za-z0-9+/_=-]+$/.test(value)) return false;
  if (/^[0-9a-f]+$/i.test(value)) return value.length >= 32 && /\d/.test(value) && /[a-f]/i.test(value);
  const counts = new Map<string, number>();
  for (const one of value) counts.set(one, (counts.get(one) ?? 0) + 1);
  const bits = [...counts.values()].reduce(
    (sum, n) => sum - (n / value.length) * Math.log2(n / value.length),
    0,
  );
  return bits > 3.7 && /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value);
}

/** The values of those of the named variables that hold secrets. */
export function secretValues(env: Environment, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = ownValue(env, name);
    return value !== undefined && isSecret(name, value) ? [value] : [];
  });
}

function pathName(env: Environment): string {
  if (process.platform !== 'win32') return 'PATH';
  return Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
