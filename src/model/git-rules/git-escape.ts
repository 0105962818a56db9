/** Paths as text for git's globs: in pathspecs, in `.gitattributes` and in `.gitignore`. */

/** A glob that matches this path alone. */
export function globEscape(path: string): string {
  return path.replace(/[*?[\]\\]/g, '\\$&');
}
