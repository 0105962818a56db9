/** Addresses of repositories: how they may be shown, and which of them git may be given: none that is an option, or names a program. Pure. */

/** Without what stands between `//` and `@`: a name, a password, a token. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\w:\/\/)[^/\s@']+@/g, '$1');
}

/** What is wrong with the address of a repository, to follow it in a sentence. Undefined: nothing. */
export function gitAddressProblem(address: string): string | undefined {
  if (hasControlCharacter(address)) return 'has a control character';
  if (address.startsWith('-')) return 'begins with `-`: git would take it for an option';
  // `ext::` and its like start a program of the address's choice.
  if (/^[A-Za-z0-9+.-]+::/.test(address))
    return 'names a helper program of git, which conductor does not run';
  const host = hostOf(address);
  return host?.startsWith('-')
    ? 'has a host that begins with `-`: ssh would take it for an option'
    : undefined;
}

/** The same for a branch or a tag: the rules of git for names, so that it is no option, pattern or pair of names. */
export function branchProblem(name: string): string | undefined {
  if (hasControlCharacter(name)) return 'has a control character';
  if (/^[-+/]|[/.]$|\.lock$|\.\.|\/\/|\/\.|^\.|@\{|^@$|[ ~^:?*[\\]/.test(name))
    return 'is no name of a branch';
  return undefined;
}

export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/** What ssh gets as its host, with or without a user; undefined: a path. */
function hostOf(address: string): string | undefined {
  const named = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/]*)/.exec(address)?.[1] ?? /^([^/]*?):/.exec(address)?.[1];
  return named?.replace(/^.*@/, '');
}
