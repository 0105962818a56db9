/** The part of a config about remotes and trust. Knows no remote. */

/** A place where results are shared; a plain text is its `url`, for reading and writing. */
export interface CacheRemoteConfig {
  /** `git:<remote or URL>`, `http://…` or `https://…` (the Bazel HTTP cache protocol), `s3://bucket/prefix`. */
  readonly url: string;
  /** Whether results are taken from it. Default true. */
  readonly read?: boolean;
  /** Whether results are put into it. Default true. */
  readonly write?: boolean;
  /** Names of the environment variables that hold a bearer token, or a user and a password (HTTP only). */
  readonly tokenEnv?: string;
  readonly userEnv?: string;
  readonly passwordEnv?: string;
  /** S3 only; default: what the AWS SDK finds. */
  readonly region?: string;
  readonly endpoint?: string;
  /** Seconds without any sign of life after which a request is given up. Default 30. */
  readonly timeoutSeconds?: number;
}

/** How results of this project are signed: with one private key, from a file or from the environment. */
export interface SignConfig {
  /** Name of the environment variable that holds the key's text. */
  readonly keyEnv?: string;
  /** Path of the key; `~/` is the home folder. */
  readonly keyFile?: string;
  /** Who signs, as the file of signers has it. */
  readonly as: string;
}

/** Whose results are taken from the store and from remotes. */
export type Trust = 'all' | 'no-pull-requests' | 'signed';

/** Who makes results here; found in the environment unless it is set. */
export type OriginKind = 'person' | 'ci' | 'pull-request';

/** `cache` as a config has it. */
export interface CacheSettings {
  /** Asked in this order. */
  readonly remotes?: readonly (string | CacheRemoteConfig)[];
  /** Default `no-pull-requests`. */
  readonly trust?: Trust;
  /** File of the project with the keys that may sign, in the form of ssh's `allowed_signers`. */
  readonly signers?: string;
  readonly sign?: SignConfig;
  /** Whether gates are run again here on results that come from a remote. Default false. */
  readonly verify?: boolean;
  readonly origin?: OriginKind;
  /** Whether a build says what it is making, and waits for what others make: `on` (default) or `off`. */
  readonly claims?: 'on' | 'off';
  /** Whether a build fails whose results could not be sent. Default false. */
  readonly required?: boolean;
  /** Seconds that the end of a build waits for what is still being sent. Default 60. */
  readonly waitSeconds?: number;
}

/** With its defaults filled in. */
export interface CacheConfig {
  readonly remotes: readonly CacheRemoteConfig[];
  readonly trust: Trust;
  readonly signers: string | undefined;
  readonly sign: SignConfig | undefined;
  readonly verify: boolean;
  readonly origin: OriginKind | undefined;
  readonly claims: 'on' | 'off';
  readonly required: boolean;
  readonly waitSeconds: number;
}

export function resolveCache(cache: CacheSettings): CacheConfig {
  return {
    remotes: (cache.remotes ?? []).map((one) => (typeof one === 'string' ? { url: one } : one)),
    trust: cache.trust ?? 'no-pull-requests',
    signers: cache.signers,
    sign: cache.sign,
    verify: cache.verify ?? false,
    origin: cache.origin,
    claims: cache.claims ?? 'on',
    required: cache.required ?? false,
    waitSeconds: cache.waitSeconds ?? 60,
  };
}
