/** A command as people write it. Runs none. */

/** A shell line exactly as a person wrote it in a spec or the config, or an argument vector. */
export type Command = string | readonly string[];

export function commandText(command: Command): string {
  return typeof command === 'string' ? command : command.join(' ');
}
