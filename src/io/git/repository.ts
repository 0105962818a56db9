/** Paths of the user's repository around a project, and of conductor's own one. Reads nothing. */

export interface Repository {
  /** Real path of the project. */
  readonly project: string;
  /** Root of the work tree that the project is in. */
  readonly top: string;
  /** `''`, or `sub/dir/` when the project is in a folder of the repository. */
  readonly prefix: string;
  readonly gitDir: string;
  readonly commonDir: string;
  readonly objectFormat: 'sha1' | 'sha256';
  /** `<commonDir>/conductor`. */
  readonly home: string;
  /** `<home>/repo`: conductor's own bare repository. */
  readonly store: string;
  /** `<home>/projects/<hash>`: index, last build and lock of this project. */
  readonly state: string;
  /** 16 hexadecimal digits that stand for the project's path. */
  readonly hash: string;
}

/** `a/b/` has the folders `` and `a/` above it. */
export function foldersAbove(prefix: string): string[] {
  const names = prefix.split('/').slice(0, -1);
  return names.map((_, depth) =>
    names
      .slice(0, depth)
      .map((name) => `${name}/`)
      .join(''),
  );
}
